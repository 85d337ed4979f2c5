//! Weighted clusters: which share of all requests goes where.
//!
//! Envoy draws one random number per request. APISIX has `request_id`, 32 random hexadecimal digits that stay the same
//! within a request; its first four digits are that number here, so a share is exact to 1/65536.

use crate::vars::Expr;

/// Digits of `request_id` that are looked at.
const DIGITS: u32 = 4;
/// Digits before those of shares that are independent of samples.
const APART: u32 = 28;
/// Digits that tell a sample, which may be one in a million.
const SAMPLE_DIGITS: u32 = 6;
/// How many values the digits of shares have.
pub(crate) const SPACE: u32 = 0x1_0000;

/// The upper bounds of the shares in the space of `0..65536`, one a weight; the last is 65536.
/// `None` where all weights are 0 or their sum exceeds 32 bits: Envoy refuses both.
pub(crate) fn bounds(weights: &[u32]) -> Option<Vec<u32>> {
    let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    if total == 0 || total > u64::from(u32::MAX) {
        return None;
    }
    let mut sum = 0_u64;
    weights.iter().map(|&weight| scaled(&mut sum, weight, total)).collect()
}

fn scaled(sum: &mut u64, weight: u32, total: u64) -> Option<u32> {
    *sum = sum.checked_add(u64::from(weight))?;
    let rounded = sum.checked_mul(u64::from(SPACE))?.checked_add(total / 2)?.checked_div(total)?;
    u32::try_from(rounded).ok()
}

/// Request ids of this share of all requests, exact to 1/16777216. Its digits are those that clusters are chosen by, as
/// in Envoy, which draws once.
pub(crate) fn sample(part: u32, whole: u32) -> Expr {
    sample_behind(0, part, whole)
}

/// As [`sample`], by the digits behind the first `skipped` ones: for what Envoy draws anew for.
pub(crate) fn sample_behind(skipped: u32, part: u32, whole: u32) -> Expr {
    if part == 0 {
        return Expr::False;
    }
    if part >= whole {
        return Expr::True;
    }
    let space = 1_u64 << SAMPLE_DIGITS.saturating_mul(4);
    let rounded = u64::from(part).saturating_mul(space).saturating_add(u64::from(whole) / 2);
    let bound = rounded.checked_div(u64::from(whole)).unwrap_or(space).clamp(1, space.saturating_sub(1));
    let pattern = digits_up_to(u32::try_from(bound).unwrap_or(1), SAMPLE_DIGITS);
    Expr::matches("request_id", behind(skipped, &pattern))
}

/// A pattern for request ids whose first four digits are below `bound` (1 to 65535).
pub(crate) fn below(bound: u32) -> String {
    digits_up_to(bound, DIGITS)
}

/// The same of the last four digits. What Envoy's one number leaves, divided by a total, says little or nothing of what it
/// leaves, divided by another.
pub(crate) fn below_apart(bound: u32) -> String {
    behind(APART, &digits_up_to(bound, DIGITS))
}

/// Of shares beside samples of these denominators: whether they are drawn apart, and whether that is not exact.
pub(crate) fn beside_samples(weights: &[u32], wholes: impl Iterator<Item = u32>) -> (bool, bool) {
    let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
    let others: Vec<u64> = wholes.map(u64::from).filter(|whole| *whole != total).collect();
    (!others.is_empty(), others.iter().any(|whole| common_divisor(*whole, total) > 1))
}

fn common_divisor(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest > 0 {
        (divisor, rest) = (rest, divisor.checked_rem(rest).unwrap_or(0));
    }
    divisor
}

fn behind(skipped: u32, pattern: &str) -> String {
    let skip = if skipped == 0 { "^".to_owned() } else { format!("^.{{{skipped}}}") };
    pattern.replacen('^', &skip, 1)
}

fn digits_up_to(bound: u32, digits: u32) -> String {
    let mut alternatives = Vec::new();
    let mut prefix = String::new();
    for place in (0..digits).rev() {
        let digit = (bound >> place.saturating_mul(4)) & 0xf;
        if digit > 0 {
            alternatives.push(format!("{prefix}{}", digits_below(digit)));
        }
        prefix.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
    match alternatives.as_slice() {
        [only] => format!("^{only}"),
        several => format!("^(?:{})", several.join("|")),
    }
}

/// A character class of the hexadecimal digits below `digit` (1 to 15).
fn digits_below(digit: u32) -> String {
    match digit {
        1 => "0".to_owned(),
        2..=10 => format!("[0-{}]", digit.saturating_sub(1)),
        11 => "[0-9a]".to_owned(),
        _ => format!("[0-9a-{}]", char::from_digit(digit.saturating_sub(1), 16).unwrap_or('f')),
    }
}

#[cfg(test)]
mod tests {
    use super::{below, bounds, sample_behind};
    use crate::vars::eval::holds;

    #[test]
    fn patterns_hold_exactly_below_the_bound() {
        for bound in [1_u32, 2, 15, 16, 17, 255, 256, 0x199a, 0x4000, 0x8000, 0xabcd, 0xfffe, 0xffff] {
            let pattern = pcre2::bytes::Regex::new(&below(bound)).unwrap();
            for value in 0..0x1_0000_u32 {
                let id = format!("{value:04x}00ff");
                assert_eq!(pattern.is_match(id.as_bytes()).unwrap(), value < bound, "{bound:x} {value:x}");
            }
        }
    }

    #[test]
    fn samples_may_stand_behind_other_digits() {
        let expr = sample_behind(16, 1, 1_000_000);
        for (value, is_below) in [(0_u32, true), (16, true), (17, false), (0xff_ffff, false)] {
            let id = format!("ffffffffffffffff{value:06x}ffffffffff");
            assert_eq!(holds(&expr, &|_| Some(id.clone().into_bytes())), is_below, "{value:x}");
        }
    }

    #[test]
    fn quarters_are_one_class() {
        assert_eq!(below(0x4000), "^[0-3]");
    }

    #[test]
    fn shares_follow_the_weights() {
        assert_eq!(bounds(&[25, 25, 50]), Some(vec![0x4000, 0x8000, 0x1_0000]));
        assert_eq!(bounds(&[0, 1]), Some(vec![0, 0x1_0000]));
        assert_eq!(bounds(&[0, 0]), None);
        assert_eq!(bounds(&[u32::MAX, 1]), None);
    }
}
