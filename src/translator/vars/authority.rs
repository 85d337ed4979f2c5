//! Header matchers on the host where Envoy cuts its port off first (`strip_any_host_port`, `strip_matching_host_port`),
//! and the variable still has it.

use super::header::{HeaderError, HeaderKind, HeaderMatch};
use super::{Expr, escape_pcre};

/// What the client sent, with its port.
const HOST: &str = "http_host";

impl HeaderMatch {
    /// True where the matcher looks at the host.
    pub(crate) fn is_authority(&self) -> bool {
        self.name.eq_ignore_ascii_case(":authority") || self.name.eq_ignore_ascii_case("host")
    }

    /// The condition on the host without its port; `port`: the pattern of what is cut off, from the colon on, and
    /// digits at its end.
    pub(crate) fn to_expr_without_port(&self, port: &str) -> Result<Expr, HeaderError> {
        let (text, before, after) = match &self.kind {
            HeaderKind::Present(_) => return self.to_expr().map(|(expr, _)| expr),
            HeaderKind::Regex(_) | HeaderKind::Range { .. } => return Err(HeaderError::HostWithoutPort),
            HeaderKind::Exact(text) => (text, "^", ""),
            HeaderKind::Prefix(text) => (text, "^", r"[\s\S]*"),
            HeaderKind::Suffix(text) => (text, "", ""),
            HeaderKind::Contains(text) => (text, "", r"[\s\S]*"),
        };
        let literal = escape_pcre(text);
        let condition = |pattern: String| {
            if self.ignore_case { Expr::matches_caseless(HOST, pattern) } else { Expr::matches(HOST, pattern) }
        };
        let stands_at_the_end = after.is_empty();
        // Such a text can neither lie in a port nor reach into one.
        let apart = !text.contains(':') && text.bytes().any(|byte| !byte.is_ascii_digit());
        let matched = match (apart, stands_at_the_end) {
            (true, true) => condition(format!(r"{before}{literal}(?:{port})?\z")),
            (true, false) => condition(format!("{before}{literal}")),
            (false, _) => {
                let with_port = Expr::matches(HOST, format!(r"{port}\z"));
                let end = if stands_at_the_end { r"\z" } else { "" };
                Expr::any([
                    with_port.clone().and(condition(format!(r"{before}{literal}{after}{port}\z"))),
                    with_port.negate().and(condition(format!("{before}{literal}{end}"))),
                ])
            }
        };
        Ok(self.presented(HOST, matched))
    }
}
