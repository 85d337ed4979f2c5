//! What `ngx.re.sub` puts in the place of a match.

use super::pcre::Pattern;

/// A pattern and its replacement: `$1`, `${1}` and `$0` stand for groups, `$$` for a dollar.
#[derive(Debug)]
pub(super) struct Substitution {
    pub(super) pattern: Pattern,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Group(usize),
}

/// The groups of a match, the whole match first; groups that took no part are `None`.
pub(super) type Groups = Vec<Option<Vec<u8>>>;

impl Substitution {
    /// The error is about either of the two.
    pub(super) fn new(pattern: &str, replacement: &str) -> Result<Self, String> {
        let pattern = Pattern::new(pattern, false);
        pattern.check()?;
        Ok(Self { pattern, pieces: pieces(replacement).ok_or("failed to compile the replacement template")? })
    }

    /// Replaces the first match: the result and the groups. `None`: there is no match. The error is the
    /// engine's, as after too many steps.
    pub(super) fn once(&self, subject: &[u8]) -> Result<Option<(Vec<u8>, Groups)>, String> {
        let Some((span, groups)) = self.pattern.groups(subject)? else { return Ok(None) };
        let mut text = subject.get(..span.start).unwrap_or_default().to_vec();
        text.extend(self.replacement(&groups));
        text.extend_from_slice(subject.get(span.end..).unwrap_or_default());
        Ok(Some((text, groups)))
    }

    /// Replaces every match; the groups are those of the first.
    pub(super) fn all(&self, subject: &[u8]) -> Result<Option<(Vec<u8>, Groups)>, String> {
        let Some((_, first)) = self.pattern.groups(subject)? else { return Ok(None) };
        let (mut text, mut done) = (Vec::new(), 0);
        for found in self.pattern.captures(subject) {
            let Some(whole) = found.get(0) else { continue };
            let groups: Groups =
                (0..found.len()).map(|at| found.get(at).map(|group| group.as_bytes().to_vec())).collect();
            text.extend_from_slice(subject.get(done..whole.start()).unwrap_or_default());
            text.extend(self.replacement(&groups));
            done = whole.end();
        }
        text.extend_from_slice(subject.get(done..).unwrap_or_default());
        Ok(Some((text, first)))
    }

    fn replacement(&self, groups: &Groups) -> Vec<u8> {
        let mut text = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(piece) => text.extend_from_slice(piece.as_bytes()),
                Piece::Group(number) => text.extend(groups.get(*number).and_then(Option::as_ref).into_iter().flatten()),
            }
        }
        text
    }
}

fn pieces(mut template: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    while let Some((before, after)) = template.split_once('$') {
        pieces.push(Piece::Text(before.into()));
        if let Some(rest) = after.strip_prefix('$') {
            pieces.push(Piece::Text("$".into()));
            template = rest;
            continue;
        }
        let braced = after.strip_prefix('{');
        let digits = braced.unwrap_or(after);
        let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
        let (number, rest) = digits.split_at(end);
        pieces.push(Piece::Group(number.parse().ok()?));
        template = if braced.is_some() { rest.strip_prefix('}')? } else { rest };
    }
    pieces.push(Piece::Text(template.into()));
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(pattern: &str, replacement: &str, subject: &str) -> Option<String> {
        let substitution = Substitution::new(pattern, replacement).unwrap();
        let (text, _) = substitution.once(subject.as_bytes()).unwrap()?;
        String::from_utf8(text).ok()
    }

    #[test]
    fn replaces_the_first_match() {
        assert_eq!(once("b(.)", "<$1$0>", "abcbd").as_deref(), Some("a<cbc>bd"));
        assert_eq!(once("b", "$$${0}1", "abc").as_deref(), Some("a$b1c"));
        assert_eq!(once("(x)?b", "[$1$9]", "abc").as_deref(), Some("a[]c"));
        assert_eq!(once("x", "y", "abc"), None);
    }

    #[test]
    fn refuses_names() {
        for bad in ["$a", "$", "${1", "${a}", "${}"] {
            assert!(Substitution::new("a", bad).is_err(), "{bad}");
        }
        assert!(Substitution::new("(", "").is_err());
    }
}
