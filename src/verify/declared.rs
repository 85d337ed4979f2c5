//! Which diagnostic declares a difference.
//!
//! A diagnostic declares a difference where it is about a resource that the request meets and about that part of the
//! decision. What it is about is read off its path, which ends in a field name, and its message.

use std::collections::BTreeSet;

use amesh_translator::{Code, Diagnostic, Fidelity, Severity};

use crate::compare::{Aspect, Difference};
use crate::probe::{Oddity, is_plain};

/// What a request meets on its way.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Way<'a> {
    /// Labels of resources, such as `Cluster "a"`; route configurations count always.
    pub(crate) resources: &'a BTreeSet<String>,
    /// It is not known which listener has the connection.
    pub(crate) listener_unknown: bool,
    /// What is unusual about the request.
    pub(crate) oddities: &'a BTreeSet<Oddity>,
    /// APISIX answers that it denies the request because of the translation.
    pub(crate) denied: bool,
    /// The request comes over TLS.
    pub(crate) tls: bool,
    /// APISIX has no route for the request, not even one of a virtual host that answers 404.
    pub(crate) unserved: bool,
}

/// The code of the first diagnostic that declares the difference.
pub(crate) fn declared(difference: &Difference, way: &Way<'_>, diagnostics: &[Diagnostic]) -> Option<Code> {
    let about = |diagnostic: &&Diagnostic| {
        diagnostic.resource.starts_with("RouteConfiguration")
            || way.resources.contains(&diagnostic.resource)
            || (way.listener_unknown && diagnostic.resource.starts_with("Listener"))
    };
    let mut usable = diagnostics.iter().filter(|it| it.fidelity != Fidelity::Exact).filter(about);
    let found = usable.find(|diagnostic| declares(diagnostic, difference, way));
    found.map(|diagnostic| diagnostic.code)
}

fn declares(diagnostic: &Diagnostic, difference: &Difference, way: &Way<'_>) -> bool {
    if way.denied && diagnostic.severity == Severity::Error {
        return true;
    }
    if (way.unserved && is_about_serving(diagnostic.code)) || (way.tls && diagnostic.code == Code::FilterChainRefused) {
        return true;
    }
    if way.oddities.contains(&Oddity::PathNotNormal) && diagnostic.path.contains("path") {
        return true;
    }
    if let Some(code) = oddity(diagnostic.code)
        && code.iter().any(|oddity| way.oddities.contains(oddity))
    {
        return true;
    }
    // What these say is about named kinds of requests and headers, not about whatever their words could mean.
    match diagnostic.code {
        Code::GatewayManners => return is_manners(difference, way),
        Code::PathNormalised => return false,
        Code::EndpointDropped if matches!(difference.aspect, Aspect::Outcome) => return true,
        _ => {}
    }
    let aspect = &difference.aspect;
    let text = format!("{} {}", diagnostic.path, diagnostic.message).to_ascii_lowercase();
    words(aspect).iter().any(|word| text.contains(word.as_str()))
}

/// The form of answers to gRPC clients, the character set of texts, nginx's own pages, host names in lower case, the
/// scheme of the connection, headers that only one of both drops.
fn is_manners(difference: &Difference, way: &Way<'_>) -> bool {
    let (envoy, apisix) = (difference.envoy.trim_matches('"'), difference.apisix.trim_matches('"'));
    match &difference.aspect {
        Aspect::Body => apisix == "none",
        Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name) if name == "content-type" => {
            apisix.strip_suffix("; charset=utf-8").is_some_and(|plain| plain == envoy || plain == "text/html")
        }
        Aspect::ReplyHeader(name) if name == "location" => {
            envoy.eq_ignore_ascii_case(apisix) || way.oddities.contains(&Oddity::ForwardedProto)
        }
        Aspect::ReplyHeader(name) if matches!(name.as_str(), "grpc-status" | "grpc-message") => apisix == "none",
        Aspect::ResponseHeader(name) if name == "x-apisix-upstream-status" => envoy == "none",
        Aspect::RequestHeader(name) => matches!(name.as_str(), "expect" | "proxy-connection") || !is_plain(name),
        _ => false,
    }
}

/// Codes of listeners and filter chains that APISIX does not serve.
fn is_about_serving(code: Code) -> bool {
    matches!(
        code,
        Code::ListenerWithoutHttp | Code::ListenerDenied | Code::ListenerPortNotBound | Code::FilterChainRefused
    )
}

/// Unusual requests that a code is about.
fn oddity(code: Code) -> Option<&'static [Oddity]> {
    match code {
        Code::PathNormalised => {
            Some(&[Oddity::PathNotNormal, Oddity::TrailingDot, Oddity::StrangeHost, Oddity::Fragment])
        }
        Code::GatewayManners => Some(&[
            Oddity::UnknownMethod,
            Oddity::Upgrade,
            Oddity::RepeatedHeader,
            Oddity::ForwardedProto,
            Oddity::StrangeHeader,
            Oddity::NotAscii,
            Oddity::Grpc,
        ]),
        Code::MatcherApproximated => {
            Some(&[Oddity::RepeatedHeader, Oddity::UnderscoreHeader, Oddity::NotAscii, Oddity::Repeated])
        }
        _ => None,
    }
}

/// Words that a diagnostic about this part of a decision has in its path or message.
fn words(aspect: &Aspect) -> Vec<String> {
    let fixed: &[&str] = match aspect {
        Aspect::ReplyHeader(name) if name == "location" => &["location", "response_header", "_host_port"],
        Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name) => {
            return vec![name.clone(), "response_header".into(), "response header".into(), "local_reply".into()];
        }
        Aspect::RequestHeader(name) => return vec![name.clone(), "request_header".into(), "request header".into()],
        Aspect::Outcome | Aspect::Status => &["answers", "is answered", "are answered", "denied", "refuses"],
        Aspect::Body => &["body", "page"],
        Aspect::Endpoints => &["endpoint", "resolve", "subset", "metadata_match", "cluster is chosen at random"],
        Aspect::Balance => &["lb_policy", "endpoint", "weight", "locality", "load", "hash"],
        Aspect::Method => &["method"],
        Aspect::Host => &["host"],
        Aspect::Path => &["path", "rewrite"],
        Aspect::Timeout => &["timeout"],
        Aspect::Retries => &["retr"],
        Aspect::Mirrors => &["mirror"],
        Aspect::Upgrade => &["upgrade", "websocket"],
        Aspect::Delay | Aspect::Share => &["delay", "percentage", "fraction", "share", "fault"],
    };
    fixed.iter().map(|word| (*word).to_owned()).collect()
}
