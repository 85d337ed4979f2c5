//! Conditions that tell what a host key leaves open.

use std::collections::BTreeSet;

use super::PortMatching;
use super::domain::{Class, Port, Spec};
use crate::vars::{Expr, escape_pcre};

/// The form of the names in one group of host keys, which decides how the port is found in a Host header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// `foo.com`, and `*.foo.com`, to which a Host `.foo.com` is the only one that leaves nothing for the star.
    Name,
    /// `[::1]`
    Bracket,
    /// `*-bar.com` and the like, which APISIX also lets match without anything in the place of the star.
    Suffix,
}

impl Shape {
    pub(super) fn of(key: &str) -> Self {
        match key.as_bytes() {
            [b'[', ..] => Self::Bracket,
            [b'*', second, ..] if *second != b'.' => Self::Suffix,
            _ => Self::Name,
        }
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::Name | Self::Suffix => "[^:]*[^:.]",
            Self::Bracket => r"\[[^\]]*\]",
        }
    }
}

/// Holds if the Host header has one of the ports and dots in `specs`. `taken` are ports that belong to others and are
/// therefore not meant by [`Port::Any`]. Independent of the name, so that one guard serves many keys.
pub(super) fn ports_guard(shape: Shape, specs: &BTreeSet<Spec>, taken: &BTreeSet<String>) -> Expr {
    let name = shape.pattern();
    let branches: Vec<String> = [(false, ""), (true, r"\.")]
        .into_iter()
        .filter_map(|(dot, written)| Some(format!("{written}{}", ports_pattern(specs, dot, taken)?)))
        .collect();
    let tail = match branches.as_slice() {
        [only] => only.clone(),
        many => format!("(?:{})", many.join("|")),
    };
    Expr::matches("http_host", format!(r"^{name}{tail}\z"))
}

/// The ports of the names with or without a trailing dot; `None` if there is no such name.
fn ports_pattern(specs: &BTreeSet<Spec>, dot: bool, taken: &BTreeSet<String>) -> Option<String> {
    let ports: Vec<&Port> = specs.iter().filter(|spec| spec.dot == dot).map(|spec| &spec.port).collect();
    let optional = if ports.contains(&&Port::None) { "?" } else { "" };
    let written: Vec<String> = ports.iter().filter_map(|port| port_pattern(port, taken)).collect();
    match written.as_slice() {
        [] => (!ports.is_empty()).then(String::new),
        many => Some(format!("(?::{}){optional}", alternatives(many))),
    }
}

fn port_pattern(port: &Port, taken: &BTreeSet<String>) -> Option<String> {
    match port {
        Port::None => None,
        Port::Is(port) => Some(port.clone()),
        Port::Any if taken.is_empty() => Some(".+".to_owned()),
        Port::Any => {
            let ports: Vec<String> = taken.iter().cloned().collect();
            Some(format!(r"(?!{}\z).+", alternatives(&ports)))
        }
    }
}

fn alternatives(texts: &[String]) -> String {
    match texts {
        [only] => only.clone(),
        many => format!("(?:{})", many.join("|")),
    }
}

/// Where the request's port plays no part: tells names with a trailing dot from those without.
pub(super) fn dot_guard(dot: bool) -> Expr {
    let dotted = Expr::matches("http_host", r"\.(?::[0-9]+)?\z");
    if dot { dotted } else { dotted.negate() }
}

/// The stars of these wildcard keys stand for something.
pub(super) fn star_guard(keys: &[String]) -> Expr {
    let bare = keys.iter().map(|key| key.trim_start_matches('*').to_owned()).collect();
    Expr::one_of("host", bare).negate()
}

/// The pattern of a domain that has no key.
pub(super) fn text_pattern(class: Class, text: &str, ports: PortMatching) -> String {
    let literal = escape_pcre(text);
    let port = match ports {
        PortMatching::Compare => String::new(),
        PortMatching::Ignore => "[0-9]+".to_owned(),
        PortMatching::StripListenerPort(port) => port.to_string(),
    };
    let cut_off = if port.is_empty() { String::new() } else { format!("(?::{port})?") };
    match class {
        Class::Exact => format!(r"^{literal}{cut_off}\z"),
        Class::Suffix => format!(r".{literal}{cut_off}\z"),
        Class::Prefix if port.is_empty() => format!("^{literal}."),
        // The star must stand for more than a port that is cut off.
        Class::Prefix => format!(r"^(?!.*:{port}\z){literal}.|^{literal}.+:{port}\z"),
    }
}
