//! The JWT filter: which requests need a token. No token is checked, so those that need one are answered as without
//! one, or 503 where they bring one.
//!
//! A rule that helps to deny is taken wider than it is, one that helps to allow narrower. So a path has to meet a rule
//! as it came and as APISIX reads it before the rule lets a request pass.

use super::{Context, Refusal, Share, answer_apart};
use crate::apisix::{Abort, Template};
use crate::diagnostic::Code;
use crate::model::condition::Condition;
use crate::model::filter::{Jwt, JwtRoute, Need, TokenPlace};
use crate::model::route::{Matched, plain_path};
use crate::order::PathMatch;
use crate::plan::outcome::Outcome;
use crate::regex::Pcre;
use crate::vars::{Expr, Lines, escape_pcre, header_variable, parameter_may_be_there};

/// Rules that are tried one after the other.
const RULES_MAX: usize = 100;
const DENIED: &str = "tokens are not checked: requests that bring one where one is needed or looked at are answered 503, \
    those without one as by Envoy";

impl Context<'_> {
    /// Requests pass that need no token, and those that need one only if they bring it and do not.
    pub(super) fn jwt(&mut self, jwt: &Jwt, own: Option<&JwtRoute>, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        let token = Expr::any(jwt.places.iter().map(brought));
        let (needed, looked_at) = match own {
            Some(JwtRoute::Disabled) => return Ok(shares),
            Some(JwtRoute::Requirement(name)) => {
                let need = jwt.requirements.get(name).ok_or("requirement_name names no requirement of the filter")?;
                (Expr::constant(*need == Need::Token), Expr::constant(*need >= Need::Perhaps))
            }
            None => (self.at_least(jwt, Need::Token)?, self.at_least(jwt, Need::Perhaps)?),
        };
        let others = if jwt.bypasses_preflights { preflight().negate() } else { Expr::True };
        let denied = Expr::all([others.clone(), token.clone(), looked_at]);
        if !denied.is_false() {
            self.report.add(Code::FilterDenied, self.place, DENIED);
        }
        let missing = Expr::all([others, token.negate(), needed]);
        let shares = self.reply_if(missing, &unauthorized(jwt.silent), shares);
        Ok(answer_apart(denied, Outcome::denied(), shares))
    }

    /// The request may need so much, or more.
    fn at_least(&mut self, jwt: &Jwt, least: Need) -> Result<Expr, Refusal> {
        if jwt.rules.len() > RULES_MAX {
            return Err("there are more than 100 rules".into());
        }
        let mut needs = Expr::False;
        for (rule, need) in jwt.rules.iter().rev() {
            needs = if *need >= least {
                Expr::any([self.rule_match(rule, Lines::AnyMayMatch)?, needs])
            } else {
                self.rule_match(rule, Lines::OneMustMatch)?.negate().and(needs)
            };
        }
        Ok(needs)
    }

    fn rule_match(&mut self, rule: &Matched, lines: Lines) -> Result<Expr, Refusal> {
        let mut parts = Vec::with_capacity(rule.headers.len().saturating_add(2));
        parts.push(rule.path.as_ref().map_or(Expr::True, |path| path_meets(path, rule.case_sensitive, lines)));
        for header in &rule.headers {
            parts.push(self.condition(&Condition::Header(header.clone()), lines)?);
        }
        parts.push(rule.others.clone());
        Ok(Expr::all(parts))
    }
}

/// Path and query as they came.
const RAW: &str = "real_request_uri";
/// A path that may read differently once it is normalised.
const UNUSUAL: &str = r"^[^?#]*?(?:%|//|/\.)";

/// The path meets the rule as it came or as APISIX reads it; where one line must match, in both ways.
fn path_meets(path: &PathMatch, case_sensitive: bool, lines: Lines) -> Expr {
    let narrow = lines == Lines::OneMustMatch;
    let (text, end, raw_end) = match path {
        PathMatch::Prefix(text) if matches!(text.as_str(), "" | "/") => return Expr::True,
        PathMatch::Prefix(text) => (text, "", ""),
        PathMatch::Exact(text) => (text, r"\z", r"(?:[?#]|\z)"),
        PathMatch::SeparatedPrefix(text) => (text, r"(?:/|\z)", r"(?:[/?#]|\z)"),
        PathMatch::Regex(pcre) => return pattern_meets(pcre, Expr::matches(RAW, UNUSUAL), narrow),
        PathMatch::Template(pcre) => {
            let unusual = Expr::any([Expr::matches(RAW, UNUSUAL), plain_path().negate()]);
            return pattern_meets(pcre, unusual, narrow);
        }
    };
    let matches = |variable: &str, end: &str| {
        let pattern = format!("^{}{end}", escape_pcre(text));
        if case_sensitive { Expr::matches(variable, pattern) } else { Expr::matches_caseless(variable, pattern) }
    };
    let both = [matches("uri", end), matches(RAW, raw_end)];
    if narrow { Expr::all(both) } else { Expr::any(both) }
}

/// The path meets a pattern, which is not told for unusual ones.
fn pattern_meets(pcre: &Pcre, unusual: Expr, narrow: bool) -> Expr {
    let meets = Expr::matches("uri", pcre.full_match());
    if narrow { meets.and(unusual.negate()) } else { Expr::any([meets, unusual]) }
}

/// The request may have something at this place.
fn brought(place: &TokenPlace) -> Expr {
    match place {
        // What nginx drops cannot be seen.
        TokenPlace::Header(name, before) => header_variable(name).map_or(Expr::True, |variable| {
            // Envoy looks at each line.
            let is_one_line = before.is_empty() || before.contains(',');
            if is_one_line { Expr::present(variable) } else { Expr::matches(variable, escape_pcre(before)) }
        }),
        TokenPlace::Parameter(name) => parameter_may_be_there(name),
        TokenPlace::Cookie(name) => Expr::matches("http_cookie", format!(r"(?:^|[;,\s]){}=", escape_pcre(name))),
    }
}

/// What Envoy takes for a preflight.
fn preflight() -> Expr {
    let filled = |variable: &str| Expr::matches(variable, "^.");
    Expr::all([
        Expr::equal("request_method", "OPTIONS"),
        filled("http_origin"),
        filled("http_access_control_request_method"),
    ])
}

fn unauthorized(silent: bool) -> Abort {
    if silent {
        return Abort::empty(401);
    }
    let mut realm = Template::literal("Bearer realm=\"");
    realm.push_variable("scheme");
    realm.push(&Template::literal("://"));
    realm.push_variable("http_host");
    realm.push_variable(RAW);
    realm.push(&Template::literal("\""));
    Abort::text(401, "Jwt is missing").with_header("www-authenticate", realm)
}
