//! Envoy's format strings: text with `%COMMAND(argument):length%`.

/// A validated format string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Format(pub(crate) Vec<Part>);

/// A piece of a format string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text as it is.
    Text(String),
    /// What Envoy puts in.
    Command {
        /// In capitals, such as `REQ`.
        name: String,
        /// What stands in parentheses; `None` where there are none.
        argument: Option<String>,
        /// The most bytes of the value that are kept.
        length: Option<u32>,
    },
}

/// Why Envoy would refuse a format string.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("no command at position {0}; a literal percent sign is written %%")]
pub(crate) struct FormatError(usize);

impl Format {
    /// Reads a format string.
    pub(crate) fn parse(text: &str) -> Result<Self, FormatError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            literal.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                literal.push('%');
                rest = after;
                continue;
            }
            let position = text.len().saturating_sub(after.len()).saturating_sub(1);
            let (command, after) = command(after).ok_or(FormatError(position))?;
            push_text(&mut parts, std::mem::take(&mut literal));
            parts.push(command);
            rest = after;
        }
        literal.push_str(rest);
        push_text(&mut parts, literal);
        Ok(Self(parts))
    }

    /// A command has this name in its argument.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        let has =
            |argument: &Option<String>| argument.as_ref().is_some_and(|it| it.to_ascii_lowercase().contains(name));
        self.0.iter().any(|part| matches!(part, Part::Command { argument, .. } if has(argument)))
    }

    /// The text, where it has no command.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

fn push_text(parts: &mut Vec<Part>, text: String) {
    if !text.is_empty() {
        parts.push(Part::Text(text));
    }
}

/// What follows a percent sign, up to the closing one, and the rest.
fn command(text: &str) -> Option<(Part, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))?;
    let (name, rest) = text.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    let (argument, (length, rest)) = match rest.strip_prefix('(') {
        None => (None, ending(rest)?),
        Some(inner) => {
            let mut closings = inner.match_indices(')');
            closings.find_map(|(at, _)| {
                let (argument, rest) = inner.split_at_checked(at)?;
                Some((Some(argument.to_owned()), ending(rest.strip_prefix(')')?)?))
            })?
        }
    };
    Some((Part::Command { name: name.to_owned(), argument, length }, rest))
}

/// `%` or `:12%`.
fn ending(text: &str) -> Option<(Option<u32>, &str)> {
    if let Some(rest) = text.strip_prefix('%') {
        return Some((None, rest));
    }
    let (digits, rest) = text.strip_prefix(':')?.split_once('%')?;
    Some((Some(digits.parse().ok()?), rest))
}

#[cfg(test)]
mod tests {
    use super::{Format, Part};

    fn command(name: &str, argument: Option<&str>, length: Option<u32>) -> Part {
        Part::Command { name: name.to_owned(), argument: argument.map(str::to_owned), length }
    }

    #[test]
    fn commands_and_text_are_told_apart() {
        let parts = Format::parse("a%%b %REQ(x?y):3%%PROTOCOL%(%START_TIME(%s %m)%)").map(|format| format.0);
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(
            parts,
            Ok(vec![
                text("a%b "),
                command("REQ", Some("x?y"), Some(3)),
                command("PROTOCOL", None, None),
                text("("),
                command("START_TIME", Some("%s %m"), None),
                text(")"),
            ])
        );
    }

    #[test]
    fn a_lone_percent_sign_is_refused() {
        for (text, at) in [("100%", 3), ("%req(a)%", 0), ("a %REQ(x%", 2), ("%", 0)] {
            let error = Format::parse(text).err().map(|error| error.to_string());
            let expected = format!("no command at position {at}; a literal percent sign is written %%");
            assert_eq!(error, Some(expected), "{text}");
        }
    }
}
