//! What the user decides about a translation.

use serde::Deserialize;

/// Settings of one translator. Every field has a default; unknown fields are refused.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Name of this translator in the labels of everything it makes: 1 to 64 of `[A-Za-z0-9-_.]`.
    pub instance: String,
    /// Ports that APISIX listens on for HTTP (`apisix.node_listen`); `None`: not known, not checked.
    pub listen_ports: Option<Vec<u16>>,
    /// Translates route configurations that no listener refers to, for every port: for files that hold routes only.
    pub unbound_routes: bool,
    /// Bounds on what one control plane may send.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { instance: "amesh".to_owned(), listen_ports: None, unbound_routes: false, limits: Limits::default() }
    }
}

/// Bounds on hostile or broken input; what exceeds one is refused with a diagnostic that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Bytes of one resource name; longer ones are refused.
    pub name_bytes: usize,
    /// Resources of one type.
    pub resources: usize,
    /// Domains of one virtual host.
    pub domains: usize,
    /// Routes of one virtual host.
    pub routes: usize,
    /// Router entries that the order of routes may add to one host before routes are tried one by one instead.
    pub extra_router_entries: usize,
    /// Compiled patterns that a worker of APISIX keeps; more are said, not refused.
    pub compiled_patterns: usize,
    /// Paths ending in `/*` of which a worker of APISIX keeps the pattern; more are said, not refused.
    pub path_patterns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 200 << 20,
            name_bytes: 65_536,
            resources: 1_000_000,
            domains: 100_000,
            routes: 100_000,
            extra_router_entries: 20_000,
            compiled_patterns: 8_192,
            path_patterns: 1_000,
        }
    }
}
