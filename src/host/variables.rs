//! nginx variables that a module can read as properties.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

/// Supplies the variables that do not follow from the request itself, such as `remote_addr`, `server_port`,
/// `request_id`, `pid`, `msec`. The host derives `request_uri`, `uri`, `args`, `request_method`, `scheme`, `host`,
/// `http_*`, `arg_*` and `cookie_*` from the request.
///
/// APISIX's own variables (`route_id`, `real_request_uri` ...) are not visible to a module.
pub trait Variables: Send + Sync {
    /// The value of a variable. `name` is in lower case.
    fn get(&self, name: &str) -> Option<String>;
}

impl Variables for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }
}

/// The variables of a real process: `pid`, `msec` (seconds with milliseconds) and `time_iso8601` from the system, the
/// others as given.
#[derive(Clone, Debug)]
pub struct SystemVariables(BTreeMap<String, String>);

impl SystemVariables {
    /// Variables of one connection and request. `request_id`: 32 hexadecimal digits in nginx.
    #[must_use]
    pub fn new(remote_addr: IpAddr, server_port: u16, request_id: &str) -> Self {
        Self(BTreeMap::new())
            .with("remote_addr", remote_addr.to_string())
            .with("server_port", server_port.to_string())
            .with("request_id", request_id)
            .with("pid", std::process::id().to_string())
    }

    /// Adds or replaces a variable. `name` in lower case.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }
}

impl Variables for SystemVariables {
    fn get(&self, name: &str) -> Option<String> {
        let now = SystemTime::now();
        match name {
            "msec" => {
                let elapsed = now.duration_since(UNIX_EPOCH).ok()?;
                Some(format!("{}.{:03}", elapsed.as_secs(), elapsed.subsec_millis()))
            }
            "time_iso8601" => {
                let utc = humantime::format_rfc3339_seconds(now).to_string();
                Some(utc.replace('Z', "+00:00"))
            }
            _ => self.0.get(name).cloned(),
        }
    }
}
