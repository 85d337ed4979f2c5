//! Answers that are made here: redirects and direct responses.

use super::outcome::{Outcome, Share};
use super::rewrite::{pairs, whole_path, without_query};
use crate::apisix::{Abort, FaultInjection, Meta, Plugins, ProxyRewrite, ResponseRewrite, Template};
use crate::model::route::{Redirect, Route, Scheme};
use crate::vars::Expr;

/// After proxy-rewrite, which makes the path.
const AFTER_REWRITE: i32 = 900;

/// A direct response. Envoy adds the request's own URL to some.
pub(super) fn respond(status: u16, body: &[u8]) -> Outcome {
    let (text, bytes) = std::str::from_utf8(body).map_or((".", Some(body)), |text| (text, None));
    let mut abort = Abort::text(status, text);
    if status == 201 || (300..400).contains(&status) {
        let mut location = Template::variable("scheme");
        location.push_literal("://");
        location.push_variable("http_host");
        location.push_variable("real_request_uri");
        abort = abort.with_header("Location", location);
    }
    let outcome = Outcome::answer(abort);
    match bytes {
        Some(bytes) => outcome.with(ResponseRewrite::with_body(bytes)),
        None => outcome,
    }
}

/// A redirect, by the port in the request's host where that counts.
pub(super) fn redirect(route: &Route, redirect: &Redirect) -> Vec<Share> {
    let rewrite = rewritten(route, redirect);
    let answer = |(condition, host): (Expr, Template)| {
        let mut location = match &redirect.scheme {
            Scheme::Kept => Template::variable("scheme"),
            Scheme::Is(scheme) => Template::literal(scheme),
        };
        location.push_literal("://");
        location.push(&host);
        let fault = |location, meta| FaultInjection {
            meta,
            ..FaultInjection::from(Abort::empty(redirect.status).with_header("Location", location))
        };
        let plugins: Plugins = match &rewrite {
            Path::Literal(path) => {
                location.push_literal(path);
                fault(location, Meta::default()).into()
            }
            Path::Kept => {
                location.push_variable("real_request_uri");
                fault(location, Meta::default()).into()
            }
            Path::Made(regex_uri) => {
                location.push_variable("upstream_uri");
                let rewrite = ProxyRewrite { regex_uri: regex_uri.clone(), ..ProxyRewrite::default() };
                let plugins = Plugins::from(fault(location, Meta::at(AFTER_REWRITE)));
                return (condition, Outcome { target: None, plugins }.with(rewrite));
            }
        };
        (condition, Outcome { target: None, plugins })
    };
    hosts(redirect).into_iter().map(answer).collect()
}

/// Path and query of the new URL.
enum Path {
    Kept,
    Literal(String),
    /// `proxy-rewrite.regex_uri` makes it.
    Made(Vec<String>),
}

fn rewritten(route: &Route, redirect: &Redirect) -> Path {
    match (&redirect.whole_path, &redirect.path, redirect.strips_query) {
        (Some(path), ..) if redirect.strips_query || path.contains('?') => Path::Literal(path.clone()),
        (Some(path), ..) => Path::Made(whole_path(path)),
        (None, Some(rewrite), strips_query) => Path::Made(pairs(route, rewrite, strips_query)),
        (None, None, true) => Path::Made(without_query()),
        (None, None, false) => Path::Kept,
    }
}

/// The host of the new URL. Where the scheme changes, Envoy cuts off the old one's own port.
fn hosts(redirect: &Redirect) -> Vec<(Expr, Template)> {
    let with_port = |mut host: Template| {
        if let Some(port) = redirect.port {
            host.push_literal(&format!(":{port}"));
        }
        host
    };
    if let Some(host) = &redirect.host {
        return vec![(Expr::True, with_port(Template::literal(host)))];
    }
    if redirect.port.is_some() {
        return vec![(Expr::True, with_port(Template::variable("host")))];
    }
    let cut = match &redirect.scheme {
        Scheme::Kept => Expr::False,
        Scheme::Is(scheme) => Expr::any([own_port(scheme, "http", 80), own_port(scheme, "https", 443)]),
    };
    let kept = (Expr::True, Template::variable("http_host"));
    if cut.is_false() { vec![kept] } else { vec![(cut, Template::variable("host")), kept] }
}

/// The request came with `scheme`, whose own port is named, and goes on with another one.
fn own_port(new: &str, scheme: &str, port: u16) -> Expr {
    if new == scheme {
        return Expr::False;
    }
    Expr::equal("scheme", scheme).and(Expr::matches("http_host", format!(r":{port}\z")))
}
