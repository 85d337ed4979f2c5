//! Envoy's format strings in APISIX's terms.

use crate::apisix::Template;
use crate::model::format::{Format, Part};

/// What a format string means at one place.
pub(super) trait Values {
    /// The value of a request header in lower case; pseudo headers begin with a colon.
    fn request_header(&mut self, name: &str) -> Term;
    /// The value of a header of the upstream's response, in lower case.
    fn response_header(&mut self, name: &str) -> Term;
    /// What is known when the configuration is made or when the response is there; by the command's name.
    fn fact(&mut self, name: &str) -> Term;
}

/// Variables that are never empty.
const ALWAYS_THERE: [&str; 13] = [
    "hostname",
    "http_host",
    "real_request_uri",
    "realip_remote_addr",
    "remote_addr",
    "remote_port",
    "request_id",
    "request_method",
    "scheme",
    "server_addr",
    "server_port",
    "server_protocol",
    "status",
];

/// What one command gives.
pub(super) enum Term {
    /// This text, which may be empty.
    Text(String),
    /// The value of this variable; empty where it has none.
    Variable(&'static str),
    /// As [`Term::Variable`], with a name that is made here.
    Named(String),
    /// A template that has been made before.
    Template(Rendered),
    /// A variable that is written differently than Envoy writes the same thing.
    Alike(&'static str),
    /// APISIX has nothing like it.
    Unknown,
}

/// A format string as a template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rendered {
    pub(super) template: Template,
    /// The value is empty for every request.
    pub(super) always_empty: bool,
    /// The value is empty for some requests.
    pub(super) may_be_empty: bool,
    /// The value is not written as Envoy writes it.
    pub(super) alike: bool,
}

/// The template of a format string; the command that APISIX cannot do where there is one.
pub(super) fn render<'a>(format: &'a Format, values: &mut impl Values) -> Result<Rendered, &'a str> {
    let mut rendered = Rendered { always_empty: true, may_be_empty: true, ..Rendered::default() };
    for part in &format.0 {
        let term = match part {
            Part::Text(text) => Term::Text(text.clone()),
            Part::Command { length: Some(_), name, .. } => return Err(name),
            Part::Command { name, argument, length: None } => match command(name, argument.as_deref(), values) {
                Term::Unknown => return Err(name),
                term => term,
            },
        };
        rendered.push(term);
    }
    Ok(rendered)
}

impl Rendered {
    fn push(&mut self, term: Term) {
        match term {
            Term::Text(text) => {
                self.template.push_literal(&text);
                self.always_empty &= text.is_empty();
                self.may_be_empty &= text.is_empty();
            }
            Term::Variable(name) => self.push_variable(name),
            Term::Named(name) => self.push_variable(&name),
            Term::Alike(name) => {
                self.push_variable(name);
                self.alike = true;
            }
            Term::Template(other) => {
                self.template.push(&other.template);
                self.always_empty &= other.always_empty;
                self.may_be_empty &= other.may_be_empty;
                self.alike |= other.alike;
            }
            Term::Unknown => {}
        }
    }

    fn push_variable(&mut self, name: &str) {
        self.template.push_variable(name);
        self.always_empty = false;
        self.may_be_empty &= !ALWAYS_THERE.contains(&name);
    }
}

fn command(name: &str, argument: Option<&str>, values: &mut impl Values) -> Term {
    match (name, argument) {
        ("REQ", Some(argument)) => request(&argument.to_ascii_lowercase(), values),
        ("RESP", Some(argument)) if !argument.contains('?') => values.response_header(&argument.to_ascii_lowercase()),
        (_, Some(_)) => Term::Unknown,
        ("PROTOCOL", None) => Term::Alike("server_protocol"),
        ("DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT", None) => Term::Variable("remote_addr"),
        ("DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT", None) => Term::Variable("realip_remote_addr"),
        ("DOWNSTREAM_REMOTE_PORT", None) => Term::Variable("remote_port"),
        ("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", None) => Term::Variable("server_addr"),
        ("DOWNSTREAM_LOCAL_PORT", None) => Term::Variable("server_port"),
        ("DOWNSTREAM_REMOTE_ADDRESS", None) => joined("remote_addr", "remote_port"),
        ("DOWNSTREAM_LOCAL_ADDRESS", None) => joined("server_addr", "server_port"),
        ("REQUESTED_SERVER_NAME", None) => Term::Variable("ssl_server_name"),
        ("DOWNSTREAM_TLS_VERSION", None) => Term::Variable("ssl_protocol"),
        ("DOWNSTREAM_TLS_CIPHER", None) => Term::Variable("ssl_cipher"),
        ("DOWNSTREAM_PEER_SUBJECT", None) => Term::Variable("ssl_client_s_dn"),
        ("DOWNSTREAM_PEER_ISSUER", None) => Term::Variable("ssl_client_i_dn"),
        ("DOWNSTREAM_PEER_SERIAL", None) => Term::Alike("ssl_client_serial"),
        ("DOWNSTREAM_PEER_FINGERPRINT_1", None) => Term::Variable("ssl_client_fingerprint"),
        ("DOWNSTREAM_PEER_CERT", None) => Term::Variable("ssl_client_escaped_cert"),
        ("HOSTNAME", None) => Term::Alike("hostname"),
        ("STREAM_ID", None) => Term::Alike("request_id"),
        ("START_TIME", None) => Term::Alike("time_iso8601"),
        (name, None) => values.fact(name),
    }
}

/// `NAME`, or `NAME?OTHER`, which is the other where the first is absent.
fn request(argument: &str, values: &mut impl Values) -> Term {
    match argument.split_once('?') {
        None => values.request_header(argument),
        // Envoy takes the header off requests from outside and sets it only afterwards.
        Some(("x-envoy-original-path", ":path")) => values.request_header(":path"),
        Some(_) => Term::Unknown,
    }
}

/// `address:port`.
fn joined(address: &str, port: &str) -> Term {
    let mut rendered = Rendered { alike: true, ..Rendered::default() };
    rendered.template.push_variable(address);
    rendered.template.push_literal(":");
    rendered.template.push_variable(port);
    Term::Template(rendered)
}

/// The variable of a request header. With dashes it is read anew after the header was changed; with underscores APISIX
/// would remember its first value.
pub(super) fn request_variable(name: &str) -> Term {
    match name {
        ":method" => Term::Variable("request_method"),
        ":path" => Term::Variable("real_request_uri"),
        ":authority" | "host" => Term::Variable("http_host"),
        ":scheme" => Term::Variable("scheme"),
        name if is_plain(name) => Term::Named(format!("http_{name}")),
        // nginx drops such headers on arrival, so there is no telling what Envoy would have seen.
        _ => Term::Unknown,
    }
}

/// The variable of a header of the upstream's response.
pub(super) fn response_variable(name: &str) -> Term {
    if is_plain(name) { Term::Named(format!("upstream_http_{}", name.replace('-', "_"))) } else { Term::Unknown }
}

/// A header name that nginx has a variable for.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
}
