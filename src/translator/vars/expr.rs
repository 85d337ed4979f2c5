//! The condition tree.

/// A condition on one request. Every leaf is true or false for every request, so a negation is exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expr {
    /// Holds for every request.
    #[default]
    True,
    /// Holds for no request.
    False,
    /// One comparison.
    Cond(Cond),
    /// All of them hold. Built by [`Expr::all`], which keeps it free of constants and nested `All`.
    All(Vec<Expr>),
    /// At least one of them holds. Built by [`Expr::any`], which keeps it free of constants and nested `Any`.
    Any(Vec<Expr>),
}

/// One comparison of a variable with a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cond {
    /// APISIX variable, such as `http_x_user` or `request_method`.
    pub(crate) var: String,
    /// How to compare.
    pub(crate) op: Op,
    /// What to compare with; its kind belongs to `op`, see [`Op`].
    pub(crate) value: Value,
    /// The result is inverted, which makes a missing variable *true* for every operator.
    pub(crate) negated: bool,
    /// Whether the value may be shown.
    pub(crate) secrecy: Secrecy,
}

/// Whether a value may be shown to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Secrecy {
    /// It may.
    #[default]
    Open,
    /// It stands in the configuration of APISIX and is shown nowhere else.
    Secret,
}

/// Operators of lua-resty-expr that cannot raise an error. A missing variable makes each of them false.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Op {
    /// Equal to a text, byte for byte.
    Equal,
    /// One of a list of texts.
    In,
    /// Contains a match of a PCRE pattern.
    Match,
    /// Contains a match of a PCRE pattern, ASCII letters compared without case.
    MatchCaseless,
    /// A number that is at least this number.
    AtLeast,
    /// A number that is below this number.
    Below,
    /// An IP address in one of a list of ranges.
    InRange,
}

/// The right side of a comparison.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// For [`Op::Equal`], [`Op::Match`], [`Op::MatchCaseless`].
    Text(String),
    /// For [`Op::AtLeast`] and [`Op::Below`]; at most 14 digits survive in APISIX.
    Number(i64),
    /// For [`Op::In`] and [`Op::InRange`].
    List(Vec<String>),
}

impl Expr {
    /// Every pattern in it.
    pub(crate) fn patterns(&self, found: &mut dyn FnMut(&str)) {
        match self {
            Self::Cond(Cond { op: Op::Match | Op::MatchCaseless, value: Value::Text(pattern), .. }) => found(pattern),
            Self::True | Self::False | Self::Cond(_) => {}
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.patterns(found)),
        }
    }

    /// `var` is exactly `text`.
    pub(crate) fn equal(var: impl Into<String>, text: impl Into<String>) -> Self {
        Self::cond(var, Op::Equal, Value::Text(text.into()))
    }

    /// `var` is one of `texts`.
    pub(crate) fn one_of(var: impl Into<String>, mut texts: Vec<String>) -> Self {
        match texts.len() {
            0 => Self::False,
            1 => Self::equal(var, texts.pop().unwrap_or_default()),
            _ => Self::cond(var, Op::In, Value::List(texts)),
        }
    }

    /// `var` contains a match of `pattern`, which the caller has proved to compile and to stay within the match limit.
    pub(crate) fn matches(var: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::cond(var, Op::Match, Value::Text(pattern.into()))
    }

    /// As [`Expr::matches`], ASCII letters compared without case.
    pub(crate) fn matches_caseless(var: impl Into<String>, pattern: impl Into<String>) -> Self {
        Self::cond(var, Op::MatchCaseless, Value::Text(pattern.into()))
    }

    /// `var` has a value, be it empty.
    pub(crate) fn present(var: impl Into<String>) -> Self {
        Self::matches(var, "^")
    }

    /// `var` is a number not below `bound`.
    pub(crate) fn at_least(var: impl Into<String>, bound: i64) -> Self {
        Self::cond(var, Op::AtLeast, Value::Number(bound))
    }

    /// `var` is a number below `bound`.
    pub(crate) fn below(var: impl Into<String>, bound: i64) -> Self {
        Self::cond(var, Op::Below, Value::Number(bound))
    }

    /// `var` is an IP address in `range`, which is `address/length` with a length that the address can have.
    pub(crate) fn in_range(var: impl Into<String>, range: impl Into<String>) -> Self {
        Self::cond(var, Op::InRange, Value::List(vec![range.into()]))
    }

    /// Both want the same variable to be another text.
    pub(crate) fn excludes(&self, other: &Expr) -> bool {
        let wanted = |expr: &Self| match expr {
            Self::Cond(Cond { var, op: Op::Equal, value, negated: false, .. }) => Some((var.clone(), value.clone())),
            _ => None,
        };
        wanted(self).zip(wanted(other)).is_some_and(|(one, other)| one.0 == other.0 && one.1 != other.1)
    }

    /// All of `parts` hold.
    pub(crate) fn all(parts: impl IntoIterator<Item = Expr>) -> Self {
        Self::combine(parts, true)
    }

    /// At least one of `parts` holds.
    pub(crate) fn any(parts: impl IntoIterator<Item = Expr>) -> Self {
        Self::combine(parts, false)
    }

    /// True or false for every request.
    #[must_use]
    pub(crate) fn constant(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }

    /// Both hold.
    #[must_use]
    pub(crate) fn and(self, other: Expr) -> Self {
        Self::all([self, other])
    }

    /// Holds exactly where `self` does not.
    #[must_use]
    pub(crate) fn negate(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Cond(cond) => Self::Cond(Cond { negated: !cond.negated, ..cond }),
            Self::All(parts) => Self::any(parts.into_iter().map(Self::negate)),
            Self::Any(parts) => Self::all(parts.into_iter().map(Self::negate)),
        }
    }

    /// The same; what it compares with is secret.
    #[must_use]
    pub(crate) fn into_secret(self) -> Self {
        match self {
            Self::Cond(cond) => Self::Cond(Cond { secrecy: Secrecy::Secret, ..cond }),
            Self::All(parts) => Self::All(parts.into_iter().map(Self::into_secret).collect()),
            Self::Any(parts) => Self::Any(parts.into_iter().map(Self::into_secret).collect()),
            constant => constant,
        }
    }

    /// Something that it compares with is secret.
    pub(crate) fn has_secret(&self) -> bool {
        match self {
            Self::True | Self::False => false,
            Self::Cond(cond) => cond.secrecy == Secrecy::Secret,
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::has_secret),
        }
    }

    /// The condition holds for every request, as far as its form tells.
    #[must_use]
    pub(crate) fn is_true(&self) -> bool {
        *self == Self::True
    }

    /// The condition holds for no request, as far as its form tells.
    #[must_use]
    pub(crate) fn is_false(&self) -> bool {
        *self == Self::False
    }

    fn cond(var: impl Into<String>, op: Op, value: Value) -> Self {
        Self::Cond(Cond { var: var.into(), op, value, negated: false, secrecy: Secrecy::Open })
    }

    /// Joins `parts`: neutral ones vanish, one that decides is the result, nested nodes of the same kind are spliced in.
    fn combine(parts: impl IntoIterator<Item = Expr>, all: bool) -> Self {
        let mut kept: Vec<Expr> = Vec::new();
        for part in parts {
            match part {
                Self::True | Self::False => {
                    if part.is_true() != all {
                        return part;
                    }
                }
                Self::All(inner) if all => kept.extend(inner),
                Self::Any(inner) if !all => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Self::constant(all),
            1 => kept.swap_remove(0),
            _ if all => Self::All(kept),
            _ => Self::Any(kept),
        }
    }
}
