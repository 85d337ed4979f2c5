//! The API key filter: conditions on the places where keys are looked for. The keys stand in the conditions of routes,
//! and nowhere else.

use std::collections::BTreeMap;

use super::{Context, Refusal, Share};
use crate::apisix::{Abort, Template};
use crate::diagnostic::Code;
use crate::model::filter::{ApiKey, CLIENT, KeySource, Secret};
use crate::plan::lines::remark;
use crate::plan::outcome::Outcome;
use crate::vars::{
    Comparison, Expr, HeaderNote, PartPattern, cookie, decoded_parameter, decoded_parameter_filled, header_variable,
};

/// Keys of which each has a pattern of its own.
const PATTERNS_MAX: usize = 100;
/// Clients that the upstream is told of, each with routes of its own.
const CLIENTS_MAX: usize = 64;

const IN_ROUTES: &str = "keys stand in the conditions of routes: whoever may read APISIX's configuration sees them";
const ALL_HEADERS: &str =
    "hide_credentials: all headers that may have a key are taken off, not only the one that has been looked at";
const LEFT_IN: &str = "hide_credentials: a query parameter or cookie cannot be taken off: requests that have their key in \
    one are answered 503";

impl Context<'_> {
    /// Requests without a known key are answered. What `own` leaves empty is as in `filter`.
    pub(super) fn api_key(&mut self, filter: &ApiKey, own: &ApiKey, shares: &[Share]) -> Result<Vec<Share>, Refusal> {
        let clients = if own.clients.is_empty() { &filter.clients } else { &own.clients };
        let sources = if own.sources.is_empty() { &filter.sources } else { &own.sources };
        if own.hides && own.sources.is_empty() && !filter.sources.is_empty() {
            return Err("a route that hides keys must say where they are".into());
        }
        self.check_client_header(own)?;
        let is_allowed = |client: &String| own.allowed.is_empty() || own.allowed.contains(client);
        let keys = |wanted: bool| {
            let wanted = clients.iter().filter(move |(_, client)| is_allowed(client) == wanted);
            wanted.map(|(Secret(key), _)| key.as_str()).collect::<Vec<_>>()
        };
        let (allowed, forbidden) = (keys(true), keys(false));
        let is_hidden = |source: &KeySource| !own.hides || matches!(source, KeySource::Header(_));
        let left_in = found(sources, &allowed, |source| !is_hidden(source))?;
        self.say_keys(own, sources, &left_in);
        let mut all = vec![(left_in, Outcome::denied())];
        for (client, keys) in groups(clients, &allowed, own)? {
            let condition = found(sources, &keys, is_hidden)?;
            let told = |outcome: &Outcome| outcome.clone().filled(CLIENT, &Template::literal(client));
            all.extend(shares.iter().map(|(share, outcome)| (condition.clone().and(share.clone()), told(outcome))));
        }
        all.push((found(sources, &forbidden, |_| true)?, self.reply(Abort::text(403, "Client is forbidden."))));
        all.retain(|(condition, _)| !condition.is_false());
        all.push((Expr::True, self.reply(Abort::text(401, "Client authentication failed."))));
        Ok(all)
    }

    fn say_keys(&mut self, own: &ApiKey, sources: &[KeySource], left_in: &Expr) {
        self.report.add(Code::FilterApproximated, self.place, IN_ROUTES);
        let headers = sources.iter().filter(|source| matches!(source, KeySource::Header(_))).count();
        if headers > 0 {
            self.report.add(Code::MatcherApproximated, self.place, remark(HeaderNote::RepeatedLines));
        }
        if own.hides && headers > 1 {
            self.report.add(Code::FilterApproximated, self.place, ALL_HEADERS);
        }
        if !left_in.is_false() {
            self.report.add(Code::FilterDenied, self.place, LEFT_IN);
        }
    }

    /// What the header for the client is set to is known too late for other headers that are made of it.
    fn check_client_header(&self, own: &ApiKey) -> Result<(), Refusal> {
        let name = own.client_header.as_str();
        if name.is_empty() {
            return Ok(());
        }
        if name == "host" || name.starts_with(':') || header_variable(name).is_err() {
            return Err("forwarding.header is no header that APISIX can set".into());
        }
        let steps = self.requests.filters.steps(self.levels);
        let mut levels = self.changes.iter().chain(steps.iter().flatten());
        let is_read = levels.any(|level| {
            let mut values = level.request.add.iter().chain(&level.response.add);
            values.any(|addition| addition.value.mentions(name))
        });
        if is_read { Err("another header is made of the one in forwarding.header".into()) } else { Ok(()) }
    }
}

/// Keys of the requests that are treated alike: those of each client where the upstream is told, else all.
fn groups<'a>(
    clients: &'a BTreeMap<Secret, String>,
    allowed: &[&'a str],
    own: &ApiKey,
) -> Result<Vec<(&'a str, Vec<&'a str>)>, Refusal> {
    if own.client_header.is_empty() {
        return Ok(vec![("", allowed.to_vec())]);
    }
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (Secret(key), client) in clients.iter().filter(|(Secret(key), _)| allowed.contains(&key.as_str())) {
        groups.entry(client).or_default().push(key);
    }
    if groups.len() > CLIENTS_MAX {
        return Err("the upstream is to be told of more than 64 clients".into());
    }
    Ok(groups.into_iter().collect())
}

/// The first source that has a key has one of these, and is one that is asked for.
fn found(sources: &[KeySource], keys: &[&str], asked: impl Fn(&KeySource) -> bool) -> Result<Expr, Refusal> {
    let mut none_before = Expr::True;
    let mut parts = Vec::with_capacity(sources.len());
    for source in sources {
        let (has_some, has_one) = at(source, keys)?;
        if asked(source) {
            parts.push(none_before.clone().and(has_one.into_secret()));
        }
        none_before = none_before.and(has_some.negate());
    }
    Ok(Expr::any(parts))
}

/// The source has a key, and it has one of these.
fn at(source: &KeySource, keys: &[&str]) -> Result<(Expr, Expr), Refusal> {
    if !matches!(source, KeySource::Header(_)) && keys.len() > PATTERNS_MAX {
        return Err("more than 100 keys cannot be looked for in query parameters and cookies".into());
    }
    Ok(match source {
        KeySource::Header(name) if name.starts_with(':') => return Err("a pseudo header cannot have a key".into()),
        KeySource::Header(name) => {
            let variable = header_variable(name)?;
            (Expr::matches(&variable, "^."), Expr::one_of(&variable, in_header(name, keys)?))
        }
        KeySource::Query(name) => (decoded_parameter_filled(name), decoded_parameter(name, keys)),
        KeySource::Cookie(name) => {
            let (plain, quoted) = (PartPattern::filled(";"), PartPattern::filled(";\""));
            let one = |key: &&str| {
                let part = |stops: &str| PartPattern::text(Comparison::Exact, key, false, stops);
                cookie(name, &part(";"), &part(";\""))
            };
            (cookie(name, &plain, &quoted), Expr::any(keys.iter().map(one)))
        }
    })
}

const BEARER: &str = "Bearer ";

/// Values of a header that have one of the keys. Envoy looks at the first of several lines, which nginx joins by commas:
/// they are none of the values.
fn in_header(name: &str, keys: &[&str]) -> Result<Vec<String>, Refusal> {
    if keys.iter().any(|key| key.contains(',')) {
        return Err("a key with a comma in it could stand in two lines of a header".into());
    }
    let plain = keys.iter().copied().map(str::to_owned);
    if name != "authorization" {
        return Ok(plain.collect());
    }
    let with_scheme = keys.iter().map(|key| format!("{BEARER}{key}"));
    Ok(plain.filter(|key| !key.starts_with(BEARER)).chain(with_scheme).collect())
}
