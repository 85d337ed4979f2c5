//! RE2's "replace all" on the path as PCRE's "replace the first" on path and query.
//!
//! Both are the same where the expression matches at the beginning only and sees no byte of the query. Unlike the
//! patterns of conditions these keep groups, and the order of choices, which decide what the groups hold.

use std::fmt::Write as _;

use regex_syntax::ast::{AssertionKind, Ast, GroupKind, Repetition, RepetitionKind};

use super::RegexError;
use super::node::Node;
use super::parse::{parse, piece, syntax};
use super::set::ByteSet;

/// A pattern and what takes the place of its match, for `ngx.re.sub`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replacement {
    /// Begins with `^`.
    pub(crate) pattern: String,
    /// Groups as `${1}`, dollars doubled.
    pub(crate) substitute: String,
    /// How many groups the pattern has.
    pub(crate) groups: u32,
    /// What results begins with a slash, whatever the groups hold.
    pub(crate) is_rooted: bool,
}

/// Why an expression cannot replace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplaceError {
    /// Envoy refuses it too, or it cannot be matched.
    #[error("{0}")]
    Regex(#[from] RegexError),
    /// It may match several times.
    #[error("it does not begin with ^: Envoy replaces every match, APISIX the first")]
    NotAnchored,
    /// It has something that is not carried over.
    #[error("it has {0}, which is not carried over")]
    Unsupported(&'static str),
}

/// The replacement; `None` where the substitution refers to a group that there is not, upon which Envoy replaces nothing.
pub(crate) fn to_replacement(re2: &str, substitution: &str) -> Result<Option<Replacement>, ReplaceError> {
    // Refuses what RE2 refuses.
    parse(re2)?;
    let ast = syntax(re2)?;
    let mut emitter = Emitter { groups: 0, open_loops: 0 };
    let Some(rest) = anchored(&ast) else { return Err(ReplaceError::NotAnchored) };
    let (text, _) = emitter.concat(&rest, Follow::END)?;
    if emitter.open_loops > 1 {
        return Err(ReplaceError::Unsupported("repetitions that can share a text in many ways"));
    }
    let Some(substitute) = substitute(substitution, emitter.groups) else { return Ok(None) };
    let is_rooted = substitution.starts_with('/');
    Ok(Some(Replacement { pattern: format!("^{text}"), substitute, groups: emitter.groups, is_rooted }))
}

/// What stands behind the anchor.
fn anchored(ast: &Ast) -> Option<Vec<&Ast>> {
    let is_start = |ast: &Ast| {
        let Ast::Assertion(assertion) = ast else { return false };
        matches!(assertion.kind, AssertionKind::StartLine | AssertionKind::StartText)
    };
    match ast {
        Ast::Concat(concat) if concat.asts.first().is_some_and(is_start) => Some(concat.asts.iter().skip(1).collect()),
        ast if is_start(ast) => Some(Vec::new()),
        _ => None,
    }
}

/// `\1` as `${1}`; `None` where Envoy would not replace.
fn substitute(substitution: &str, groups: u32) -> Option<String> {
    let mut out = String::new();
    let mut rest = substitution.chars();
    while let Some(c) = rest.next() {
        match c {
            '$' => out.push_str("$$"),
            '\\' => match rest.next()? {
                '\\' => out.push('\\'),
                digit => {
                    let group = digit.to_digit(10).filter(|group| *group <= groups)?;
                    write!(out, "${{{group}}}").ok()?;
                }
            },
            c => out.push(c),
        }
    }
    Some(out)
}

/// With which bytes what follows can begin.
#[derive(Clone, Copy)]
struct Follow {
    first: ByteSet,
}

impl Follow {
    const END: Self = Self { first: ByteSet::EMPTY };
}

struct Emitter {
    groups: u32,
    /// Loops of which the next byte does not tell whether they go on.
    open_loops: u32,
}

type Emitted = Result<(String, Follow), ReplaceError>;

impl Emitter {
    /// From the end to the beginning; groups are counted all the same, their number does not depend on the order.
    fn concat(&mut self, parts: &[&Ast], follow: Follow) -> Emitted {
        let mut texts = Vec::with_capacity(parts.len());
        let mut follow = follow;
        for part in parts.iter().rev() {
            let (text, before) = self.node(part, follow)?;
            texts.push(text);
            follow = before;
        }
        Ok((texts.into_iter().rev().collect(), follow))
    }

    fn node(&mut self, ast: &Ast, follow: Follow) -> Emitted {
        match ast {
            Ast::Empty(_) => Ok((String::new(), follow)),
            Ast::Literal(_) | Ast::Dot(_) | Ast::ClassPerl(_) | Ast::ClassBracketed(_) => sets(ast, follow),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::EndLine | AssertionKind::EndText => Ok((r"(?=\?|\z)".to_owned(), follow)),
                _ => Err(ReplaceError::Unsupported("an assertion other than ^ and $")),
            },
            Ast::Concat(concat) => self.concat(&concat.asts.iter().collect::<Vec<_>>(), follow),
            Ast::Alternation(alternation) => self.alternation(&alternation.asts, follow),
            Ast::Group(group) => {
                let opening = match &group.kind {
                    GroupKind::NonCapturing(flags) if flags.items.is_empty() => "(?:",
                    GroupKind::NonCapturing(_) => return Err(ReplaceError::Unsupported("flags")),
                    GroupKind::CaptureIndex(_) | GroupKind::CaptureName { .. } => {
                        self.groups = self.groups.saturating_add(1);
                        "("
                    }
                };
                let (text, before) = self.node(&group.ast, follow)?;
                Ok((format!("{opening}{text})"), before))
            }
            Ast::Repetition(repetition) => self.repetition(repetition, follow),
            Ast::Flags(_) => Err(ReplaceError::Unsupported("flags")),
            Ast::ClassUnicode(_) => Err(RegexError::UnicodeClass.into()),
        }
    }

    fn alternation(&mut self, branches: &[Ast], follow: Follow) -> Emitted {
        let mut texts = Vec::with_capacity(branches.len());
        let mut first = ByteSet::EMPTY;
        for branch in branches {
            let (text, before) = self.node(branch, follow)?;
            texts.push(text);
            first = first.union(before.first);
        }
        Ok((texts.join("|"), Follow { first }))
    }

    fn repetition(&mut self, repetition: &Repetition, follow: Follow) -> Emitted {
        let lazy = if repetition.greedy { "" } else { "?" };
        if let RepetitionKind::ZeroOrOne = repetition.op.kind {
            let (text, before) = self.node(&repetition.ast, follow)?;
            let text = if matches!(*repetition.ast, Ast::Group(_)) { text } else { format!("(?:{text})") };
            return Ok((format!("{text}?{lazy}"), Follow { first: before.first.union(follow.first) }));
        }
        let quantifier = match repetition.op.kind {
            RepetitionKind::ZeroOrMore => "*",
            RepetitionKind::OneOrMore => "+",
            _ => return Err(ReplaceError::Unsupported("a counted repetition")),
        };
        let Node::Set(set) = piece(&repetition.ast)? else {
            return Err(ReplaceError::Unsupported("a repeated group"));
        };
        if let Ast::Group(_) = *repetition.ast {
            return Err(ReplaceError::Unsupported("a repeated group"));
        }
        let set = set.without(QUERY);
        if !set.is_disjoint(follow.first) {
            self.open_loops = self.open_loops.saturating_add(1);
        }
        Ok((format!("{}{quantifier}{lazy}", set.to_pcre()), Follow { first: set.union(follow.first) }))
    }
}

const QUERY: ByteSet = ByteSet::QUESTION_MARK;

/// A character or a class, without the question mark, which no path has.
fn sets(ast: &Ast, follow: Follow) -> Emitted {
    let node = piece(ast)?;
    let parts = match &node {
        Node::Concat(parts) => parts.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut text = String::new();
    for part in parts {
        let Node::Set(set) = part else { return Err(ReplaceError::Unsupported("a class of characters beyond ASCII")) };
        let set = set.without(QUERY);
        text.push_str(&if set.is_empty() { "(?!)".to_owned() } else { set.to_pcre() });
    }
    let first = node.first().without(QUERY);
    Ok((text, if parts.is_empty() { follow } else { Follow { first } }))
}

#[cfg(test)]
mod tests {
    use super::to_replacement;

    fn replaced(re2: &str, substitution: &str, target: &str) -> String {
        let Ok(Some(made)) = to_replacement(re2, substitution) else { return "refused".to_owned() };
        let pattern = pcre2::bytes::Regex::new(&made.pattern).unwrap();
        let Some(captures) = pattern.captures(target.as_bytes()).unwrap() else { return target.to_owned() };
        let mut text = made.substitute.replace("$$", "\0");
        for group in 0..captures.len() {
            let held = captures.get(group).map_or("", |held| std::str::from_utf8(held.as_bytes()).unwrap());
            text = text.replace(&format!("${{{group}}}"), held);
        }
        let end = captures.get(0).unwrap().end();
        format!("{}{}", text.replace('\0', "$"), &target[end..])
    }

    #[test]
    fn the_query_stays() {
        assert_eq!(replaced("^/a/(.*)$", r"/b/\1", "/a/c?b=/a/c"), "/b/c?b=/a/c");
        assert_eq!(replaced("^/a(/.*)?", r"/b\1", "/a?x"), "/b?x");
        assert_eq!(replaced("^/([^/]+)/(.*)", r"/\2/\1", "/x/y/z?q"), "/y/z/x?q");
        assert_eq!(replaced(r"^/a\/*", "/", "/a//b"), "/b");
        assert_eq!(replaced("^/(a|b)", r"/$\0\\", "/b/c"), "/$/b\\/c");
        assert_eq!(replaced("^", "/x", "/b?c"), "/x/b?c");
    }

    #[test]
    fn what_may_match_again_or_take_long_is_refused() {
        for re2 in ["a", "/a|^/b", "^(?i)/a", "^/(a|b)*", "^.*x.*y.*z", r"^/a\b", "^/a{2}", "^/(?:a+)+"] {
            assert!(to_replacement(re2, "/").is_err(), "{re2}");
        }
    }

    #[test]
    fn a_group_that_is_not_there_replaces_nothing() {
        assert_eq!(to_replacement("^/a", r"/\1"), Ok(None));
        assert_eq!(to_replacement("^/a", r"/\x"), Ok(None));
    }
}
