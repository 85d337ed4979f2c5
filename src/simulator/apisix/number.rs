//! Numbers as the Lua side of APISIX sees them.

/// Lua's `tonumber` for a text: surrounding blanks are allowed, so are hexadecimal (`0x1F`), binary
/// (`0b11`), exponents, `inf` and `nan`. `None` is Lua's `nil`.
pub(super) fn tonumber(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let text = text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    unsigned(digits).map(|number| sign * number)
}

fn unsigned(digits: &str) -> Option<f64> {
    let lower = digits.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return hexadecimal(hex);
    }
    if let Some(binary) = lower.strip_prefix("0b") {
        return radix(binary, 2);
    }
    lower.parse().ok()
}

/// `1f`, `1f.8` or `1fp3` (the prefix is gone already).
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = match text.split_once('p') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let places = i32::try_from(fraction.len()).ok()?;
    let digits = format!("{whole}{fraction}");
    let scale = exponent.checked_sub(places.checked_mul(4)?)?;
    Some(radix(&digits, 16)? * 2f64.powi(scale))
}

fn radix(digits: &str, base: u32) -> Option<f64> {
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0.0, |sum, digit| Some(sum * f64::from(base) + f64::from(digit.to_digit(base)?)))
}

/// A number of the document as it arrives in the workers: the document is written again with 14
/// significant digits on its way, so longer numbers change.
pub(super) fn stored(number: f64) -> f64 {
    format!("{number:.13e}").parse().unwrap_or(number)
}

/// Lua's `tostring` of a number (`%.14g`, for the magnitudes that configurations hold).
pub(super) fn text(number: f64) -> String {
    stored(number).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_lua_reads() {
        for (text, number) in [
            ("1", 1.0),
            (" 1 ", 1.0),
            ("+1", 1.0),
            ("-1.5", -1.5),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("0x10", 16.0),
            ("-0xA.8", -10.5),
            ("0x1p4", 16.0),
            ("0b101", 5.0),
            ("01", 1.0),
        ] {
            assert_eq!(tonumber(text.as_bytes()), Some(number), "{text:?}");
        }
    }

    #[test]
    fn refuses_what_lua_refuses() {
        for text in ["", " ", "a", "1a", "1 2", "1_0", "0x", "--1", "+-1", "0xg", "."] {
            assert_eq!(tonumber(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn keeps_fourteen_digits() {
        assert_eq!(text(9_007_199_254_740_991.0), "9007199254741000");
        assert_eq!(text(5.0), "5");
        assert_eq!(text(0.25), "0.25");
    }
}
