//! Which diagnostic declares a difference.
//!
//! A diagnostic declares a difference where one of its places is one that the request meets in Envoy ([`Met`]), and only
//! in those parts of the decision that its code is about, or its field ([`crate::fields`]). Codes about unusual requests
//! declare nothing about others. Words of a message count only where a code is about the name of a header or domain.

use std::collections::BTreeSet;

use amesh_simulator::Request;
use amesh_translator::{Code, Diagnostic, Fidelity, Severity};

use crate::compare::{Aspect, Difference};
use crate::fields::{self, last};
use crate::manners::is_manners;
use crate::met::{Met, Routes};
use crate::probe::Oddity;

/// What a request meets on its way.
pub(crate) struct Way<'a> {
    /// Places of the configuration.
    pub(crate) met: &'a Met,
    pub(crate) request: &'a Request,
    /// What is unusual about the request.
    pub(crate) oddities: &'a BTreeSet<Oddity>,
    /// APISIX answers that it denies the request because of the translation.
    pub(crate) denied: bool,
    /// The place of the route in its virtual host that APISIX takes; `None`: it stands for none.
    pub(crate) route: Option<usize>,
    /// APISIX has no route for the request, not even one of a virtual host that answers 404.
    pub(crate) unserved: bool,
    /// The connection was made for another address, which the listener is told.
    pub(crate) redirected: bool,
}

impl Way<'_> {
    pub(crate) fn has(&self, oddities: &[Oddity]) -> bool {
        oddities.iter().any(|oddity| self.oddities.contains(oddity))
    }
}

/// The code of the first diagnostic that declares the difference.
pub(crate) fn declared(difference: &Difference, way: &Way<'_>, diagnostics: &[Diagnostic]) -> Option<Code> {
    let mut usable = diagnostics.iter().filter(|it| it.fidelity != Fidelity::Exact);
    let found = usable.find(|it| denies(it, way) || declares(it, difference, way));
    found.map(|diagnostic| diagnostic.code)
}

/// The code of the first diagnostic that says that a request is denied, as APISIX does.
pub(crate) fn denied(way: &Way<'_>, diagnostics: &[Diagnostic]) -> Option<Code> {
    diagnostics.iter().find(|it| denies(it, way)).map(|diagnostic| diagnostic.code)
}

/// The code of the first diagnostic that says that connections like this are not served, as APISIX does not.
pub(crate) fn not_served(way: &Way<'_>, diagnostics: &[Diagnostic]) -> Option<Code> {
    let says = |it: &&Diagnostic| is_about_serving(it.code) && way.unserved && way.met.covers(it, Routes::None);
    diagnostics.iter().find(says).map(|diagnostic| diagnostic.code)
}

fn is_about_serving(code: Code) -> bool {
    matches!(
        code,
        Code::ListenerWithoutHttp | Code::ListenerDenied | Code::ListenerPortNotBound | Code::FilterChainRefused
    )
}

/// Errors about the route that denies, or about what it stands in or leads to.
fn denies(diagnostic: &Diagnostic, way: &Way<'_>) -> bool {
    let routes = way.route.map_or(Routes::None, Routes::Only);
    way.denied && diagnostic.severity == Severity::Error && way.met.covers(diagnostic, routes)
}

fn declares(diagnostic: &Diagnostic, difference: &Difference, way: &Way<'_>) -> bool {
    // What is said of conditions is said of the routes that should have been taken, or should not.
    let routes = if diagnostic.code == Code::MatcherApproximated { Routes::Tried } else { Routes::Taken };
    is_about(diagnostic, difference, way)
        && (way.met.covers(diagnostic, routes)
            || (diagnostic.code == Code::FilterChainRefused && way.met.is_left_alone_by(diagnostic)))
}

/// Whether the code is about this part of the decision, for such a request.
fn is_about(diagnostic: &Diagnostic, difference: &Difference, way: &Way<'_>) -> bool {
    let aspect = &difference.aspect;
    match diagnostic.code {
        Code::FieldApproximated | Code::FieldIgnored | Code::FieldNotYet => {
            fields::is_about(last(&diagnostic.path), aspect, way)
        }
        Code::PathNormalised => {
            way.has(&[Oddity::PathNotNormal, Oddity::TrailingDot, Oddity::StrangeHost, Oddity::Fragment])
        }
        Code::GatewayManners => is_manners(difference, way),
        Code::MatcherApproximated => {
            way.has(&[
                Oddity::RepeatedHeader,
                Oddity::UnderscoreHeader,
                Oddity::NotAscii,
                Oddity::Repeated,
                Oddity::QuotedCookie,
            ]) || (way.denied && diagnostic.message.contains("are answered 503"))
        }
        Code::DomainUnmatchable => diagnostic.message.starts_with(&format!("{:?} ", way.met.domain)),
        Code::HeaderApproximated | Code::HeaderLeftOut => {
            header(aspect).is_some_and(|name| names_header(&diagnostic.message, name))
        }
        Code::RewriteApproximated => match last(&diagnostic.path) {
            "require_tls" => way.has(&[Oddity::ForwardedProto]),
            "regex_rewrite" => matches!(aspect, Aspect::Path | Aspect::Outcome),
            _ => aspect.is_location(),
        },
        Code::RetryApproximated => matches!(aspect, Aspect::Retries | Aspect::Timeout),
        Code::MirrorApproximated => matches!(aspect, Aspect::Mirrors),
        Code::ClusterApproximated | Code::EndpointsApproximated => aspect.is_of_endpoints(),
        Code::EndpointDropped => matches!(aspect, Aspect::Balance | Aspect::Endpoints | Aspect::Outcome),
        Code::ListenerWithoutHttp | Code::ListenerDenied | Code::ListenerPortNotBound => way.unserved,
        Code::FilterChainRefused => true,
        // No request gets through that Envoy would stop.
        Code::FilterApproximated | Code::FilterDenied => match aspect {
            Aspect::Outcome | Aspect::Status => difference.apisix.contains("403"),
            Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name) if COMPRESSED.contains(&name.as_str()) => {
                diagnostic.message.contains(name)
            }
            Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name) => name.starts_with("access-control-"),
            Aspect::RequestHeader(name) => diagnostic.message.starts_with(&format!("{name} is passed on")),
            _ => false,
        },
        _ => false,
    }
}

/// Response headers by which compression shows.
const COMPRESSED: [&str; 4] = ["accept-ranges", "content-encoding", "etag", "vary"];

/// The header that differs.
fn header(aspect: &Aspect) -> Option<&str> {
    match aspect {
        Aspect::RequestHeader(name) | Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name) => Some(name),
        Aspect::Host => Some("host"),
        _ => None,
    }
}

/// `header "x-a": ...`
fn names_header(message: &str, name: &str) -> bool {
    let rest = message.strip_prefix("header \"").and_then(|rest| rest.split_once('"'));
    rest.is_some_and(|(own, _)| own.eq_ignore_ascii_case(name))
}
