//! Literal text as a PCRE pattern.

/// `text` written so that PCRE reads it as itself, outside a character class.
#[must_use]
pub(crate) fn escape_pcre(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\^$.|?*+()[]{}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
