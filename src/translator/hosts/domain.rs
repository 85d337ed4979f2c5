//! One domain text, taken apart.

/// nginx refuses a longer Host header with its default buffers of 8 KiB.
pub(super) const DOMAIN_MAX: usize = 8192;

/// What a domain text asks for. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Domain {
    /// A host key exists.
    Keyed {
        /// `foo.com`, `*.foo.com` or `[::1]`, without port and trailing dot.
        key: String,
        spec: Spec,
    },
    /// No key; compared as text in the router without hosts.
    Text { class: Class, text: String },
    /// `*`.
    Any,
    /// Nothing that nginx lets through can match.
    Never,
}

/// Envoy's order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Exact,
    Suffix,
    Prefix,
}

/// What a host key leaves open.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spec {
    /// The name ends with a dot.
    pub(super) dot: bool,
    pub(super) port: Port,
}

/// A host key of a virtual host, and what the key leaves open.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Keyed {
    pub(super) key: String,
    pub(super) virtual_host: usize,
    pub(super) spec: Spec,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Port {
    /// Host without a port.
    None,
    /// Host with this port.
    Is(String),
    /// Host with any port, from a domain like `foo.com:*`.
    Any,
}

impl Domain {
    /// Reads a domain text in lower case.
    pub(super) fn parse(text: &str) -> Self {
        if text.is_empty() || text.len() > DOMAIN_MAX || text.bytes().any(|b| b <= b' ' || b == 0x7f) {
            return Self::Never;
        }
        if text == "*" {
            return Self::Any;
        }
        if let Some(suffix) = text.strip_prefix('*') {
            return keyed(suffix, "*", is_suffix)
                .unwrap_or_else(|| Self::Text { class: Class::Suffix, text: suffix.to_owned() });
        }
        if let Some(prefix) = text.strip_suffix('*') {
            return any_port(prefix).unwrap_or_else(|| Self::Text { class: Class::Prefix, text: prefix.to_owned() });
        }
        keyed(text, "", is_name).unwrap_or_else(|| Self::Text { class: Class::Exact, text: text.to_owned() })
    }
}

/// Whether APISIX can look a domain up. One that no request can match needs no look-up. What becomes of a domain that
/// stands for any port is decided together with all others.
pub(crate) fn has_host_key(domain: &str) -> bool {
    // Almost every domain is a plain name, which needs no closer look.
    let plain = is_plain_name(domain) && domain != ".";
    plain || matches!(Domain::parse(&domain.to_ascii_lowercase()), Domain::Keyed { .. } | Domain::Never)
}

/// `name`, `name:port`, `name.` or `name.:port` as a key.
fn keyed(text: &str, star: &str, is_key: fn(&str) -> bool) -> Option<Domain> {
    let (name, port) = split_port(text).unwrap_or((text, Port::None));
    let (name, dot) = name.strip_suffix('.').map_or((name, false), |name| (name, true));
    is_key(name).then(|| Domain::Keyed { key: [star, name].concat(), spec: Spec { dot, port } })
}

/// `name:*`, of which `prefix` is `name:`.
fn any_port(prefix: &str) -> Option<Domain> {
    let name = prefix.strip_suffix(':')?;
    let spec = Spec { dot: false, port: Port::Any };
    (is_name(name) && !name.ends_with('.')).then(|| Domain::Keyed { key: name.to_owned(), spec })
}

/// The port at the end of a text that is no bare IPv6 address.
pub(super) fn split_port(text: &str) -> Option<(&str, Port)> {
    let (name, port) = text.rsplit_once(':')?;
    let bare_address = name.contains(':') && !name.ends_with(']');
    (is_port(port) && !bare_address).then(|| (name, Port::Is(port.to_owned())))
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// APISIX takes it as a host key and nginx can produce it.
fn is_name(name: &str) -> bool {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner {
        Some(address) => {
            !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':' || b == b'.')
        }
        None => is_plain_name(name),
    }
}

fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}

/// Digits alone are left out: they could be part of a port.
fn is_suffix(name: &str) -> bool {
    is_plain_name(name) && name.bytes().any(|b| !b.is_ascii_digit())
}
