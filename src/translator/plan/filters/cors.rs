//! The CORS filter. APISIX's own plugin answers every OPTIONS request and adds more headers than Envoy, so preflights
//! are answered by `fault-injection`, and other answers get their headers by `response-rewrite`.

use super::{Context, Share, answer_apart};
use crate::apisix::{Abort, ResponseHeaders, ResponseRewrite, Template};
use crate::diagnostic::Code;
use crate::model::filter::{Config, Cors};
use crate::plan::outcome::Outcome;
use crate::vars::{Expr, HeaderKind, TextMatch};

const ORIGIN: &str = "http_origin";

type Header = (&'static str, Template);

impl Context<'_> {
    /// Preflights are answered, other answers get headers. Only routes to clusters have it.
    pub(super) fn cors(&mut self, name: &str, shares: Vec<Share>) -> Vec<Share> {
        let levels = self.levels.configs(name);
        let policies = levels.filter_map(|config| if let Config::Cors(cors) = config { Some(&**cors) } else { None });
        let policies: Vec<&Cors> = policies.collect();
        let policies = if policies.is_empty() { self.cors.clone() } else { policies };
        let Some(cors) = Cors::merged(policies.into_iter()).filter(|_| self.forwards) else { return shares };
        let runs = super::sampled(cors.enabled, super::ENABLED);
        let origin = runs.clone().and(self.origin(&cors));
        let mut shares = if origin.is_false() { shares } else { self.with_origin(&cors, &origin, shares) };
        let preflight = Expr::equal("request_method", "OPTIONS").and(filled("http_access_control_request_method"));
        if cors.forwards_others == Some(false) && origin != filled(ORIGIN) {
            let others = runs.and(preflight.clone()).and(filled(ORIGIN)).and(origin.clone().negate());
            shares = answer_preflights(&cors, others, with_headers(answer(&cors), credentials(&cors)), shares);
        }
        let mine = origin.and(preflight);
        answer_preflights(&cors, mine, with_headers(answer(&cors), cors_headers(&cors)), shares)
    }

    fn origin(&mut self, cors: &Cors) -> Expr {
        let mut parts = Vec::with_capacity(cors.origins.len());
        for origin in &cors.origins {
            match one_origin(origin) {
                Some(part) => parts.push(part),
                None => self.report.add(Code::FilterApproximated, self.place, "an origin is left out"),
            }
        }
        Expr::any(parts)
    }

    /// The answers to requests of allowed origins say so.
    fn with_origin(&mut self, cors: &Cors, origin: &Expr, shares: Vec<Share>) -> Vec<Share> {
        let mut headers = ResponseHeaders::default();
        headers.set.extend(cors_headers(cors).into_iter().map(|(name, value)| (name.to_owned(), value)));
        let mut all = Vec::with_capacity(shares.len());
        for (share, outcome) in shares {
            let conditional =
                ResponseRewrite { headers: headers.clone(), vars: origin.clone(), ..ResponseRewrite::default() };
            if outcome.plugins.response_rewrite.is_none() {
                all.push((share, outcome.with(conditional)));
                continue;
            }
            let plain = ResponseRewrite { headers: headers.clone(), ..ResponseRewrite::default() };
            if let Ok(plugins) = outcome.plugins.clone().merge(plain.into()) {
                all.push((share.clone().and(origin.clone()), Outcome { plugins, ..outcome.clone() }));
            } else {
                self.report.add(Code::FilterApproximated, self.place, RIVALS);
            }
            all.push((share, outcome));
        }
        all
    }
}

fn one_origin(origin: &TextMatch) -> Option<Expr> {
    if matches!(&origin.kind, HeaderKind::Exact(text) if text == "*") {
        return Some(filled(ORIGIN));
    }
    origin.to_expr(ORIGIN).ok()
}

const RIVALS: &str = "headers for other origins are left to response_headers_to_add, which has some of the same names";

/// Headers of every answer.
fn cors_headers(cors: &Cors) -> Vec<Header> {
    let mut headers = vec![("access-control-allow-origin", Template::variable(ORIGIN))];
    headers.extend(credentials(cors));
    if !cors.exposed.is_empty() {
        headers.push(("access-control-expose-headers", Template::literal(&cors.exposed)));
    }
    headers
}

/// Answers preflights, also those that ask for a private network.
fn answer_preflights(cors: &Cors, which: Expr, answer: Abort, shares: Vec<Share>) -> Vec<Share> {
    let shares = answer_apart(which.clone(), Outcome::answer(answer.clone()), shares);
    if cors.private_network != Some(true) {
        return shares;
    }
    let asked = which.and(Expr::equal("http_access_control_request_private_network", "true"));
    let allowed = answer.with_header("access-control-allow-private-network", Template::literal("true"));
    answer_apart(asked, Outcome::answer(allowed), shares)
}

/// Allowed origins get this, and every preflight that is answered.
fn credentials(cors: &Cors) -> Option<Header> {
    (cors.credentials == Some(true)).then(|| ("access-control-allow-credentials", Template::literal("true")))
}

fn with_headers(answer: Abort, headers: impl IntoIterator<Item = Header>) -> Abort {
    headers.into_iter().fold(answer, |answer, (name, value)| answer.with_header(name, value))
}

/// The answer to a preflight without what depends on its origin.
fn answer(cors: &Cors) -> Abort {
    let headers = [
        ("access-control-allow-methods", &cors.methods),
        ("access-control-allow-headers", &cors.headers),
        ("access-control-max-age", &cors.max_age),
    ];
    let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
    with_headers(Abort::empty(200), headers.map(|(name, value)| (name, Template::literal(value))))
}

/// The header has a value that is not empty.
fn filled(variable: &str) -> Expr {
    Expr::matches(variable, "^.")
}
