//! `main.route`.

use serde::Serialize;

use super::{Labels, Plugins};
use crate::vars::Vars;

/// One APISIX route.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Route<'a> {
    /// 1 to 64 of `[a-zA-Z0-9-_.]`.
    pub(crate) id: &'a str,
    /// For people: the xDS route this comes from; at most 256 bytes.
    pub(crate) name: &'a str,
    /// Who made it.
    pub(crate) labels: Labels<'a>,
    /// Keys of the router's host tree; absent: the host-less router.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(crate) hosts: &'a [String],
    /// Keys of the router's path tree.
    pub(crate) uris: &'a [String],
    /// Decides only between routes at the same key.
    pub(crate) priority: u32,
    /// Everything else that must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vars: Option<Vars<'a>>,
    /// Where the request goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) upstream_id: Option<&'a str>,
    /// How long the upstream may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Timeout>,
    /// Connections may become websockets.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) enable_websocket: bool,
    /// Absent: no plugin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plugins: Option<&'a Plugins>,
}

/// `route.timeout`, in seconds; each above 0. APISIX demands all three.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Timeout {
    connect: f64,
    send: f64,
    read: f64,
}

/// What stands for "no limit": nginx has none, a day is longer than any request.
const UNLIMITED_MILLISECONDS: u64 = 86_400_000;

impl Timeout {
    /// From milliseconds; 0 in `total` is no limit.
    pub(crate) fn from_milliseconds(connect: u64, total: u64) -> Self {
        let total = if total == 0 { UNLIMITED_MILLISECONDS } else { total };
        let total = seconds(total);
        Self { connect: seconds(connect.max(1)), send: total, read: total }
    }
}

/// Milliseconds as APISIX takes times.
pub(crate) fn seconds(milliseconds: u64) -> f64 {
    let bounded = u32::try_from(milliseconds).unwrap_or(u32::MAX);
    f64::from(bounded) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::Timeout;

    #[test]
    fn fractions_of_a_second_survive() {
        let json = serde_json::to_string(&Timeout::from_milliseconds(250, 0)).unwrap();
        assert_eq!(json, r#"{"connect":0.25,"send":86400.0,"read":86400.0}"#);
    }
}
