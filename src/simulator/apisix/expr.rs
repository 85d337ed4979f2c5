//! Conditions (`vars`): lua-resty-expr, compiled and evaluated.
//!
//! `[[left, operator, right], …]`; `!` before the operator inverts it; lists may be nested and may
//! begin with `AND`, `OR`, `!AND` or `!OR`.

use serde_json::Value as Json;

use super::ip::IpSet;
use super::operator::Operator;
use super::stop::Stop;
use super::vars::Vars;

/// A compiled condition.
#[derive(Debug)]
pub(super) struct Expr(Option<Node>);

#[derive(Debug)]
enum Node {
    Logic { word: Logic, nodes: Vec<Node>, source: String },
    Test { left: Json, operator: Operator, inverted: bool, source: String },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logic {
    And,
    Or,
    NotAnd,
    NotOr,
}

type Compiled = Result<Node, String>;

impl Expr {
    /// Compiles what stands in `vars`. The error is the library's message, or Lua's.
    pub(super) fn new(rule: &Json) -> Result<Self, String> {
        let items = rule.as_array().ok_or("missing argument rule")?;
        match items.first() {
            None => Ok(Self(None)),
            Some(Json::Array(_) | Json::Object(_)) => compile(rule).map(|node| Self(Some(node))),
            Some(word) if Logic::read(word)?.is_some() => compile(rule).map(|node| Self(Some(node))),
            Some(_) => Err("rule should be wrapped inside brackets".into()),
        }
    }

    /// Whether the condition holds.
    pub(super) fn holds(&self, vars: &Vars) -> Result<bool, Stop> {
        Ok(self.failing(vars)?.is_none())
    }

    /// The first condition of the outermost list that fails, as JSON; `None` when all hold.
    pub(super) fn failing(&self, vars: &Vars) -> Result<Option<&str>, Stop> {
        let Some(node) = &self.0 else { return Ok(None) };
        if let Node::Logic { word: Logic::And, nodes, .. } = node {
            for node in nodes {
                if !node.holds(vars)? {
                    return Ok(Some(node.source()));
                }
            }
            return Ok(None);
        }
        Ok((!node.holds(vars)?).then(|| node.source()))
    }
}

impl Node {
    fn source(&self) -> &str {
        let (Self::Logic { source, .. } | Self::Test { source, .. }) = self;
        source
    }

    fn holds(&self, vars: &Vars) -> Result<bool, Stop> {
        match self {
            Self::Logic { word, nodes, .. } => match word {
                Logic::And => any(nodes, vars, false).map(|found| !found),
                Logic::NotAnd => any(nodes, vars, false),
                Logic::Or => any(nodes, vars, true),
                Logic::NotOr => any(nodes, vars, true).map(|found| !found),
            },
            Self::Test { left, operator, inverted, .. } => {
                let Json::String(name) = left else {
                    return Err(Stop::raised("the name of a variable is not a text"));
                };
                Ok(operator.compare(&vars.get(name)?)? != *inverted)
            }
        }
    }
}

/// Whether one of the nodes evaluates to `wanted`; the rest is not evaluated.
fn any(nodes: &[Node], vars: &Vars, wanted: bool) -> Result<bool, Stop> {
    for node in nodes {
        if node.holds(vars)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Logic {
    /// The word that a list may begin with, in any case. Lua upper-cases whatever stands there and
    /// fails on what is neither text nor number.
    fn read(first: &Json) -> Result<Option<Self>, String> {
        let Some(word) = first.as_str() else {
            return match first {
                Json::Number(_) => Ok(None),
                _ => Err("bad argument #1 to 'str_upper' (string expected)".into()),
            };
        };
        Ok(match word.to_ascii_uppercase().as_str() {
            "AND" => Some(Self::And),
            "OR" => Some(Self::Or),
            "!AND" => Some(Self::NotAnd),
            "!OR" => Some(Self::NotOr),
            _ => None,
        })
    }
}

fn compile(rule: &Json) -> Compiled {
    let items = match rule {
        Json::Array(items) => items.as_slice(),
        Json::Object(_) => &[],
        _ => return Err("a condition that is no list".into()),
    };
    let (first, rest) = items.split_first().ok_or("rule too short")?;
    if first.is_array() || first.is_object() {
        return logic(Logic::And, items, rule);
    }
    match Logic::read(first)? {
        Some(_) if rest.len() < 2 => Err("rule too short".into()),
        Some(word) => logic(word, rest, rule),
        None => test(items, rule),
    }
}

fn logic(word: Logic, items: &[Json], rule: &Json) -> Compiled {
    let nodes = items.iter().map(compile).collect::<Result<_, _>>()?;
    Ok(Node::Logic { word, nodes, source: rule.to_string() })
}

fn test(items: &[Json], rule: &Json) -> Compiled {
    let (left, operator, right, inverted) = match items {
        [left, not, operator, right] if not == "!" => (left, operator, Some(right), true),
        [_, _, _, _] => return Err("bad 'not' expression".into()),
        [left, operator, rest @ ..] => (left, operator, rest.first(), false),
        _ => return Err("invalid expression".into()),
    };
    let operator = operator_for(operator, right)?;
    Ok(Node::Test { left: left.clone(), operator, inverted, source: rule.to_string() })
}

/// `[left, text]` is short for `[left, "==", text]` unless the text is an operator; the text has
/// been lower-cased by then.
fn operator_for(name: &Json, right: Option<&Json>) -> Result<Operator, String> {
    let name = match name {
        Json::String(name) => name.to_ascii_lowercase(),
        Json::Number(number) => number.to_string(),
        _ => return Err("bad argument #1 to 'str_lower' (string expected)".into()),
    };
    match (Operator::new(&name, right.unwrap_or(&Json::Null))?, right) {
        (Some(operator), _) => Ok(operator),
        (None, None) => Ok(Operator::Equal(Json::String(name))),
        (None, Some(_)) => Err(format!("invalid operator '{name}'")),
    }
}

/// The addresses of an `ipmatch` condition.
pub(super) fn addresses(right: &Json) -> Result<IpSet, String> {
    let items = match right {
        Json::Array(items) => items.as_slice(),
        Json::Null => &[],
        other => std::slice::from_ref(other),
    };
    let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
    match texts {
        Some(texts) if !texts.is_empty() && texts != [""] => IpSet::parse(texts),
        _ => Err("invalid ip address".into()),
    }
}
