//! The JSON form of a condition.

use serde::ser::{Serialize, SerializeSeq, Serializer};

use super::expr::{Cond, Expr, Op, Value};

/// A condition as the value of `vars` (route) or of a plugin's `vars` (`_meta.filter` and the like): a list whose items
/// must all hold. A list is never empty: APISIX reads an empty list as "no condition", which [`Vars::new`] expresses as
/// `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Vars<'a>(Vec<&'a Expr>);

impl<'a> Vars<'a> {
    /// The JSON form of `expr`, `None` if it always holds and the field should be left out.
    #[must_use]
    pub(crate) fn new(expr: &'a Expr) -> Option<Self> {
        Self::all([expr])
    }

    /// The JSON form of all of them together, which is that of [`Expr::all`].
    #[must_use]
    pub(crate) fn all(exprs: impl IntoIterator<Item = &'a Expr>) -> Option<Self> {
        let mut parts = Vec::new();
        for expr in exprs {
            match expr {
                Expr::True => {}
                Expr::False => return Some(Self(vec![&Expr::False])),
                Expr::All(inner) => parts.extend(inner),
                other => parts.push(other),
            }
        }
        (!parts.is_empty()).then_some(Self(parts))
    }
}

impl Serialize for Vars<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl Serialize for Expr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::True => Expr::present("request_method").serialize(serializer),
            Self::False => Expr::equal("request_method", "").serialize(serializer),
            Self::Cond(cond) => cond.serialize(serializer),
            Self::All(parts) => logic(serializer, "AND", &Self::True, parts),
            Self::Any(parts) => logic(serializer, "OR", &Self::False, parts),
        }
    }
}

/// `["AND", a, b, ...]`. The library wants two operands at least, which `Expr::all` and `Expr::any` guarantee; a tree
/// put together by hand is padded with the neutral constant.
fn logic<S: Serializer>(serializer: S, word: &str, neutral: &Expr, parts: &[Expr]) -> Result<S::Ok, S::Error> {
    let mut seq = serializer.serialize_seq(None)?;
    seq.serialize_element(word)?;
    for part in parts {
        seq.serialize_element(part)?;
    }
    for _ in parts.len()..2 {
        seq.serialize_element(neutral)?;
    }
    seq.end()
}

impl Serialize for Cond {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element(&self.var)?;
        if self.negated {
            seq.serialize_element("!")?;
        }
        seq.serialize_element(self.op.symbol())?;
        match &self.value {
            Value::Text(text) => seq.serialize_element(text)?,
            Value::Number(number) => seq.serialize_element(number)?,
            Value::List(list) => seq.serialize_element(list)?,
        }
        seq.end()
    }
}

impl Op {
    fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::In => "in",
            Self::Match => "~~",
            Self::MatchCaseless => "~*",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::InRange => "ipmatch",
        }
    }
}
