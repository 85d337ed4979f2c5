//! What can be seen of a proxy's decision from outside, in one form for both.

use std::collections::BTreeMap;

/// Header values by name in lower case, in order.
pub(crate) type Headers = BTreeMap<String, Vec<Vec<u8>>>;

/// One thing that may happen, with its probability.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fate {
    /// Above 0, at most 1.
    pub(crate) share: f64,
    /// Milliseconds that the request is held before.
    pub(crate) delay: u64,
    /// What happens then.
    pub(crate) end: End,
}

/// How a request ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum End {
    /// The proxy answers.
    Reply {
        /// The HTTP status.
        status: u16,
        /// `None`: nginx's error page.
        body: Option<Vec<u8>>,
        /// Those that matter, see [`is_compared`].
        headers: Headers,
        /// It is the translation's own denial.
        denial: bool,
    },
    /// It goes on.
    Forward(Box<Forwarded>),
    /// The connection is closed without an answer.
    Closed,
}

/// A request as the next hop gets it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forwarded {
    /// `host:port` of what may be reached, with shares; `None` where they cannot be told.
    pub(crate) endpoints: Option<BTreeMap<String, f64>>,
    /// The addresses alone.
    pub(crate) addresses: Vec<String>,
    /// Why the addresses are not known.
    pub(crate) open: Option<String>,
    pub(crate) method: String,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) headers: Headers,
    /// Milliseconds; `None`: a day or more.
    pub(crate) timeout: Option<u64>,
    pub(crate) retries: u32,
    /// What becomes of the responses of [`crate::responses`].
    pub(crate) responses: Vec<(u16, Headers)>,
    /// Where copies go (`host:port`) with their shares.
    pub(crate) mirrors: BTreeMap<String, f64>,
    pub(crate) websocket: bool,
}

/// Headers that are compared: not those that both proxies set in their own way.
pub(crate) fn is_compared(name: &str) -> bool {
    const OWN: [&str; 13] = [
        "connection",
        "content-length",
        "date",
        "host",
        "keep-alive",
        "server",
        "te",
        "transfer-encoding",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    !OWN.contains(&name) && !name.starts_with("x-envoy-") && name != "x-request-id"
}

/// Collects header lines.
pub(crate) fn headers<'h>(lines: impl IntoIterator<Item = (&'h str, &'h [u8])>) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in lines {
        let name = name.to_ascii_lowercase();
        if is_compared(&name) {
            headers.entry(name).or_default().push(value.trim_ascii().to_vec());
        }
    }
    headers
}
