//! RE2's reading of a pattern, in the words of the `regex` crate.

/// Rewrites what only the `regex` crate gives a meaning, refuses what only it accepts.
pub(super) fn translate(source: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = source;
    let mut repeats = false;
    while let Some(letter) = rest.chars().next() {
        let was_repeated = std::mem::take(&mut repeats);
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        rest = match letter {
            '\\' => escape(after, &mut plain)?,
            '[' => class(after, &mut plain)?,
            '(' => group(after, &mut plain)?,
            '*' | '+' | '?' | '{' => match repetition(rest) {
                Some(length) if was_repeated || is_too_often(rest.get(..length)) => {
                    return Err(format!("bad repetition operator: {rest}"));
                }
                Some(length) => {
                    repeats = true;
                    let (operator, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                    plain.push_str(operator);
                    after
                }
                None => {
                    plain.push_str("\\{");
                    after
                }
            },
            other => {
                plain.push(other);
                after
            }
        };
    }
    Ok(plain)
}

/// The length of the repetition operator at the beginning, with the `?` that makes it lazy.
fn repetition(text: &str) -> Option<usize> {
    let operator = match text.strip_prefix('{') {
        None => 1,
        Some(counts) => {
            let (counts, _) = counts.split_once('}')?;
            let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if least.is_empty() || !digits(least) || !digits(most) {
                return None;
            }
            counts.len().checked_add(2)?
        }
    };
    let is_lazy = text.get(operator..)?.starts_with('?');
    operator.checked_add(usize::from(is_lazy))
}

/// RE2 repeats nothing more than 1000 times.
fn is_too_often(operator: Option<&str>) -> bool {
    let counts = operator.unwrap_or_default().split(|letter: char| !letter.is_ascii_digit());
    counts.filter(|count| !count.is_empty()).any(|count| count.parse::<u16>().map_or(true, |count| count > 1000))
}

/// The groups that RE2 knows: `(`, `(?:`, `(?P<`, `(?<` and its flags.
fn group<'t>(after: &'t str, plain: &mut String) -> Result<&'t str, String> {
    plain.push('(');
    let Some(kind) = after.strip_prefix('?') else { return Ok(after) };
    let named = kind.strip_prefix('P').unwrap_or(kind);
    let is_named = named.starts_with('<') && !named.starts_with("<=") && !named.starts_with("<!");
    let flags = kind.split([':', ')']).next().unwrap_or_default();
    if !is_named && !flags.chars().all(|letter| "imsU-".contains(letter)) {
        return Err(format!("invalid perl operator: (?{flags}"));
    }
    plain.push('?');
    Ok(kind)
}

/// A class up to its end. Nested classes and set operations exist in the other engine alone.
fn class<'t>(after: &'t str, plain: &mut String) -> Result<&'t str, String> {
    plain.push('[');
    let mut rest = after;
    if let Some(inner) = rest.strip_prefix('^') {
        plain.push('^');
        rest = inner;
    }
    let mut is_first = true;
    while let Some(letter) = rest.chars().next() {
        let was_first = std::mem::replace(&mut is_first, false);
        let after = rest.get(letter.len_utf8()..).unwrap_or_default();
        rest = match letter {
            ']' if !was_first => {
                plain.push(']');
                return Ok(after);
            }
            '\\' => escape(after, plain)?,
            '[' if after.starts_with(':') && after.contains(":]") => {
                let (name, after) = after.split_once(":]").unwrap_or_default();
                plain.extend(["[", name, ":]"]);
                after
            }
            other => {
                if "[]&~".contains(other) || other == '-' && after.starts_with('-') {
                    plain.push('\\');
                }
                plain.push(other);
                after
            }
        };
    }
    Err(format!("missing ]: [{after}"))
}

/// What follows a backslash.
fn escape<'t>(after: &'t str, plain: &mut String) -> Result<&'t str, String> {
    let letter = after.chars().next().ok_or("trailing \\")?;
    let rest = after.get(letter.len_utf8()..).unwrap_or_default();
    match letter {
        'Q' => {
            let (text, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
            plain.push_str(&regex::escape(text));
            return Ok(rest);
        }
        'C' => plain.push_str("(?s:.)"),
        'a' | 'f' | 't' | 'n' | 'r' | 'v' | 'x' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' | 'b' | 'B' | 'A' | 'z' | 'p'
        | 'P' => plain.extend(['\\', letter]),
        '0' => plain.push_str("\\x00"),
        other if other.is_ascii_alphanumeric() => return Err(format!("invalid escape sequence: \\{other}")),
        other => plain.push_str(&regex::escape(&other.to_string())),
    }
    Ok(rest)
}
