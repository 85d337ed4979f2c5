//! A model of lua-resty-expr for tests: evaluates a condition with PCRE2, as APISIX does.

use super::expr::{Cond, Expr, Op, Value};

/// The condition holds where `variable` gives the values; `None` is a missing variable.
pub(crate) fn holds(expr: &Expr, variable: &dyn Fn(&str) -> Option<Vec<u8>>) -> bool {
    match expr {
        Expr::True => true,
        Expr::False => false,
        Expr::Cond(cond) => compare(cond, variable(&cond.var).as_deref()) != cond.negated,
        Expr::All(parts) => parts.iter().all(|part| holds(part, variable)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, variable)),
    }
}

fn compare(cond: &Cond, left: Option<&[u8]>) -> bool {
    let Some(left) = left else { return false };
    match (cond.op, &cond.value) {
        (Op::Equal, Value::Text(text)) => left == text.as_bytes(),
        (Op::In, Value::List(list)) => list.iter().any(|text| left == text.as_bytes()),
        (Op::Match, Value::Text(pattern)) => search(pattern, false, left),
        (Op::MatchCaseless, Value::Text(pattern)) => search(pattern, true, left),
        (Op::AtLeast, Value::Number(bound)) => number(left).is_some_and(|number| number >= *bound),
        (Op::Below, Value::Number(bound)) => number(left).is_some_and(|number| number < *bound),
        (Op::InRange, Value::List(list)) => list.iter().any(|range| in_range(left, range)),
        other => panic!("not modelled: {other:?}"),
    }
}

/// An unanchored search on bytes; an error, such as nginx's match limit of 100,000, counts as no match.
pub(crate) fn search(pattern: &str, caseless: bool, subject: &[u8]) -> bool {
    let limited = format!("(*LIMIT_MATCH=100000){pattern}");
    let regex = pcre2::bytes::RegexBuilder::new().caseless(caseless).build(&limited).expect(pattern);
    regex.is_match(subject).unwrap_or(false)
}

fn in_range(address: &[u8], range: &str) -> bool {
    let Some(address) = std::str::from_utf8(address).ok().and_then(|text| text.parse().ok()) else { return false };
    let (base, length) = range.split_once('/').unwrap();
    let bits = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 4),
        std::net::IpAddr::V6(address) => (u128::from(address), 6),
    };
    let ((address, family), (base, other)) = (bits(address), bits(base.parse().unwrap()));
    let mask = u128::MAX.checked_shl(128 - length.parse::<u32>().unwrap()).unwrap_or(0);
    family == other && address & mask == base & mask
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
