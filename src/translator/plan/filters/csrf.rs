//! The CSRF filter. APISIX cannot compare the origin with the host, but with each host that a virtual host has.

use super::{Context, Refusal, Share};
use crate::apisix::Abort;
use crate::diagnostic::Code;
use crate::hosts::PortMatching;
use crate::model::filter::Csrf;
use crate::vars::{Expr, HeaderKind, TextMatch, escape_pcre};

const METHODS: [&str; 4] = ["POST", "PUT", "DELETE", "PATCH"];

impl Context<'_> {
    /// Requests of unknown origins are answered.
    pub(super) fn csrf(&mut self, csrf: &Csrf, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        let changes = Expr::one_of("request_method", METHODS.map(str::to_owned).to_vec());
        let is_exact = |domain: &&String| !domain.contains('*');
        if !self.domains.iter().all(|domain| is_exact(&domain)) || self.domains.is_empty() {
            self.report.add(Code::FilterDenied, self.place, WILDCARD);
        }
        let mut known = Vec::new();
        for domain in self.domains.iter().filter(is_exact) {
            let own = HeaderKind::Exact(domain.clone());
            // Envoy finds the virtual host without case and compares the origin with case.
            let host = self.host(domain);
            known.push(host.and(from(&TextMatch { kind: own, ignore_case: false })?));
        }
        for origin in &csrf.origins {
            match from(origin) {
                Ok(part) => known.push(part),
                Err(Refusal(why)) => self.report.add(Code::FilterApproximated, self.place, why),
            }
        }
        let denied = super::sampled(csrf.enabled, super::ENABLED).and(changes).and(Expr::any(known).negate());
        Ok(self.reply_if(denied, &Abort::text(403, "Invalid origin"), shares))
    }

    /// The request is for this host, with or without a port that Envoy cuts off.
    fn host(&self, domain: &str) -> Expr {
        match self.requests.ports {
            PortMatching::Compare => Expr::equal("http_host", domain),
            PortMatching::StripListenerPort(port) => {
                Expr::one_of("http_host", vec![domain.to_owned(), format!("{domain}:{port}")])
            }
            PortMatching::Ignore => Expr::matches("http_host", format!("^{}(?::[0-9]+)?\\z", escape_pcre(domain))),
        }
    }
}

const WILDCARD: &str = "csrf: where a domain is a wildcard, or there is none, the host is no known origin: such POST, PUT, \
    DELETE and PATCH requests are answered 403";

const LEFT_OUT: &str = "an origin that is not a whole, a beginning or an end of a host is left out: such requests are \
    answered 403";

/// The origin, or where there is none the referrer, has a host like this.
fn from(host: &TextMatch) -> Result<Expr, Refusal> {
    let (before, inside, after) = match &host.kind {
        HeaderKind::Exact(text) => ("", text, ""),
        HeaderKind::Prefix(text) => ("", text, "[^/?#]*"),
        HeaderKind::Suffix(text) => ("[^/?#]*", text, ""),
        _ => return Err(LEFT_OUT.into()),
    };
    let pattern = format!("^(?:[^:/?#]*://)?{before}{}{after}(?:[/?#].*)?\\z", escape_pcre(inside));
    let matches = |variable: &str| {
        if host.ignore_case { Expr::matches_caseless(variable, &pattern) } else { Expr::matches(variable, &pattern) }
    };
    let no_origin = Expr::matches("http_origin", "^.").negate();
    Ok(Expr::any([matches("http_origin"), no_origin.and(matches("http_referer"))]))
}
