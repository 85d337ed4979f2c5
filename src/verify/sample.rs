//! Texts that a regular expression matches.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The longest text that is made.
const LONGEST: usize = 200;

/// Which way to go where a pattern leaves a choice.
#[derive(Clone, Copy)]
enum Way {
    /// The first alternative, the fewest repetitions, the lowest character.
    Least,
    /// The last alternative, some repetitions, the highest character.
    Most,
}

/// Up to two texts that the pattern matches as a whole, as far as it can be told without looking around; none where
/// the pattern is not valid.
pub(crate) fn samples(pattern: &str) -> Vec<String> {
    let Ok(hir) = regex_syntax::Parser::new().parse(pattern) else { return Vec::new() };
    let mut texts = Vec::new();
    for way in [Way::Least, Way::Most] {
        let mut text = String::new();
        push(&hir, way, &mut text);
        if text.len() <= LONGEST && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts
}

fn push(hir: &Hir, way: Way, text: &mut String) {
    if text.len() > LONGEST {
        return;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(member(class, way)),
        HirKind::Repetition(repetition) => {
            for _ in 0..times(repetition.min, repetition.max, way) {
                push(&repetition.sub, way, text);
            }
        }
        HirKind::Capture(capture) => push(&capture.sub, way, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| push(part, way, text)),
        HirKind::Alternation(parts) => {
            let part = match way {
                Way::Least => parts.first(),
                Way::Most => parts.last(),
            };
            if let Some(part) = part {
                push(part, way, text);
            }
        }
    }
}

fn times(min: u32, max: Option<u32>, way: Way) -> u32 {
    match way {
        Way::Least => min,
        Way::Most => max.unwrap_or(u32::MAX).min(min.saturating_add(2)),
    }
}

/// A member of the class; one that can stand in a path is preferred.
fn member(class: &Class, way: Way) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => class.iter().map(|range| (char::from(range.start()), char::from(range.end()))).collect(),
    };
    let holds = |c: &char| ranges.iter().any(|(start, end)| (*start..=*end).contains(c));
    let (edge, pleasant) = match way {
        Way::Least => (ranges.first().map(|(start, _)| *start), ['a', '0', 'A', '-', '_', '.', '/']),
        Way::Most => (ranges.last().map(|(_, end)| *end), ['z', '9', 'Z', '_', '-', '/', '.']),
    };
    edge.filter(char::is_ascii_alphanumeric).or_else(|| pleasant.into_iter().find(holds)).or(edge)
}

#[cfg(test)]
mod tests {
    use super::samples;

    #[test]
    fn both_ends_of_a_pattern() {
        assert_eq!(samples("/v[12]/(a|b)+x?"), ["/v1/a", "/v2/bbbx"]);
        assert_eq!(samples("("), [] as [String; 0]);
        assert_eq!(samples("^/a$"), ["/a"]);
    }
}
