//! Ranges of ports as patterns.

/// Matches each of the ports as it is written, in a group.
pub(super) fn pattern(first: u16, last: u16) -> String {
    let (mut next, last) = (u32::from(first), u32::from(last));
    let mut blocks = Vec::new();
    while next <= last {
        let (size, digits) = block(next, last);
        let head = next.checked_div(size).filter(|head| *head > 0 || size == 1);
        let head = head.map_or_else(String::new, |head| head.to_string());
        blocks.push(if digits == 0 { head } else { format!("{head}[0-9]{{{digits}}}") });
        next = next.saturating_add(size);
    }
    format!("(?:{})", blocks.join("|"))
}

/// The largest block of numbers with the same first digits that begins here: how many, and how many digits they end in.
fn block(first: u32, last: u32) -> (u32, u32) {
    let (mut size, mut digits) = (1_u32, 0_u32);
    // Numbers have no leading zeros, so of those from 0 on only ten have the same length.
    let most = if first == 0 { 1 } else { 4 };
    while digits < most {
        let larger = size.saturating_mul(10);
        let is_whole = first.is_multiple_of(larger) && first.saturating_add(larger) <= last.saturating_add(1);
        if !is_whole {
            break;
        }
        (size, digits) = (larger, digits.saturating_add(1));
    }
    (size, digits)
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn exactly_the_ports_match() {
        for (first, last) in [(0, 65535), (80, 90), (8, 12), (1, 9), (0, 9), (0, 8), (999, 10001), (443, 443)] {
            let regex = pcre2::bytes::Regex::new(&format!(r"^{}\z", pattern(first, last))).unwrap();
            for port in 0..=u16::MAX {
                let matches = regex.is_match(port.to_string().as_bytes()).unwrap();
                assert_eq!(matches, (first..=last).contains(&port), "{first}..={last}: {port}");
            }
        }
        assert_eq!(pattern(80, 99), "(?:8[0-9]{1}|9[0-9]{1})");
    }
}
