//! The plugin's configuration: the JSON object under `plugins.<name>.conf` of the ingest route.
//!
//! Errors name the key and what is expected, never the value: a value may be a secret that stands in the wrong place.

use core::net::IpAddr;

use amesh_translator::{Limits, Options};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use thiserror::Error;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    /// Not JSON, an unknown key, or a value of the wrong type: where (a dot for the whole), and what.
    #[error("{0}: {1}")]
    Unreadable(serde_path_to_error::Path, String),
    /// A value that cannot be meant. The text begins with its key.
    #[error("{0}")]
    Invalid(&'static str),
}

/// Everything that the route's configuration says. Unknown keys are refused. Not printable: it holds secrets.
#[derive(PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// The path below which the plugin answers.
    pub(crate) prefix: String,
    token: Option<String>,
    /// How changes reach APISIX.
    pub(crate) apply: Mode,
    /// The Admin API; always there in standalone mode.
    pub(crate) admin: Option<Admin>,
    allow: Option<Vec<String>>,
    /// The instance whose state is meant.
    pub(crate) instance: String,
    listen_ports: Option<Vec<u16>>,
    limits: Limits,
}

impl Default for Config {
    fn default() -> Self {
        let Options { instance, listen_ports, limits, .. } = Options::default();
        let prefix = "/amesh".to_owned();
        Self { prefix, token: None, apply: Mode::None, admin: None, allow: None, instance, listen_ports, limits }
    }
}

/// How changes reach APISIX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// They do not: the change set is part of the answer.
    None,
    /// `PUT /apisix/admin/configs` of the API-driven standalone mode.
    Standalone,
}

/// Where APISIX's Admin API is and how to be let in.
#[derive(PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Admin {
    /// `host:port`.
    pub(crate) address: String,
    /// The Host header, where it is not the address.
    pub(crate) authority: Option<String>,
    /// `deployment.admin.admin_key[].key` of APISIX's config.yaml, of a user with the role admin.
    pub(crate) key: String,
    /// For each of connecting, sending and reading, in milliseconds.
    pub(crate) timeout_ms: u32,
}

impl Default for Admin {
    fn default() -> Self {
        Self { address: "127.0.0.1:9180".to_owned(), authority: None, key: String::new(), timeout_ms: 10_000 }
    }
}

impl Config {
    /// Reads the configuration as the host hands it over.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, ConfigError> {
        let json = &mut serde_json::Deserializer::from_slice(text);
        let unreadable = |error: serde_path_to_error::Error<serde_json::Error>| {
            ConfigError::Unreadable(error.path().clone(), without_value(&error.inner().to_string()))
        };
        let config: Self = serde_path_to_error::deserialize(json).map_err(unreadable)?;
        config.broken_rule().map_or(Ok(()), |rule| Err(ConfigError::Invalid(rule)))?;
        Ok(config)
    }

    fn broken_rule(&self) -> Option<&'static str> {
        let (admin, prefix) = (self.admin.as_ref(), &self.prefix);
        let authority = admin.and_then(|it| it.authority.as_ref());
        let rules = [
            (prefix.starts_with('/') && !prefix.ends_with('/'), "prefix: must begin with a slash and not end with one"),
            (self.token.as_ref().is_none_or(|it| is_visible(it)), "token: must be visible ASCII, and not empty"),
            (
                networks(self.allow.as_deref()).all(|it| it.is_some()),
                "allow: must be addresses or networks, 10.0.0.0/8",
            ),
            (is_label(&self.instance), "instance: must be 1 to 64 of A-Z a-z 0-9 - _ ."),
            (self.apply == Mode::None || admin.is_some(), "admin: is needed where apply is standalone"),
            (admin.is_none_or(|it| is_address(&it.address)), "admin.address: must be host:port"),
            (authority.is_none_or(|it| is_visible(it)), "admin.authority: must be visible ASCII, and not empty"),
            (admin.is_none_or(|it| is_visible(&it.key)), "admin.key: must be visible ASCII, and not empty"),
            // The host takes 0 for no limit at all.
            (admin.is_none_or(|it| (1..=600_000).contains(&it.timeout_ms)), "admin.timeout_ms: must be 1 to 600000"),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map(|(_, rule)| rule)
    }

    /// What the translator is told.
    pub(crate) fn options(&self) -> Options {
        let Self { instance, listen_ports, limits, .. } = self;
        Options {
            instance: instance.clone(),
            listen_ports: listen_ports.clone(),
            limits: *limits,
            ..Options::default()
        }
    }

    /// True where the caller's address may ask at all; loopback where nothing is configured.
    pub(crate) fn allows(&self, address: &str) -> bool {
        let allow = self.allow.as_deref();
        let is_allowed = |it: IpAddr| networks(allow).flatten().any(|network| network.contains(&it));
        address.parse().is_ok_and(|it: IpAddr| if allow.is_some() { is_allowed(it) } else { it.is_loopback() })
    }

    /// True where no token is configured or this is it; compared in a time that depends on the lengths only.
    pub(crate) fn authorizes(&self, authorization: &str) -> bool {
        let given = authorization.strip_prefix("Bearer ").unwrap_or_default();
        self.token.as_ref().is_none_or(|token| token.as_bytes().ct_eq(given.as_bytes()).into())
    }
}

/// What is configured as `allow`, `None` for what is neither an address nor a network.
fn networks(allow: Option<&[String]>) -> impl Iterator<Item = Option<IpNet>> {
    let network = |text: &String| text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok();
    allow.unwrap_or_default().iter().map(network)
}

fn is_visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_label(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| is_visible(host) && port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Cuts what was found out of `invalid type: string "found", expected a sequence`.
fn without_value(message: &str) -> String {
    let kept = |from, to| Some([message.get(..from)?, message.get(to..)?].concat());
    let cut = message.find(": ").zip(message.rfind(", expected")).filter(|_| message.starts_with("invalid "));
    cut.and_then(|(from, to)| kept(from, to)).unwrap_or_else(|| message.to_owned())
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
