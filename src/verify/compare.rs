//! What differs between two decisions.

use std::collections::BTreeSet;
use std::fmt;

use crate::seen::{End, Fate, Forwarded, Headers};

/// Shares that differ by less count as equal: a translation has sixteen bits for them.
const SHARE: f64 = 0.0001;

/// Which part of a decision differs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case", tag = "what", content = "name")]
pub enum Aspect {
    /// One answers, the other forwards.
    Outcome,
    /// The status of an answer.
    Status,
    /// The body of an answer.
    Body,
    /// A header of an answer.
    ReplyHeader(String),
    /// Where a request goes.
    Endpoints,
    /// How much of the traffic goes to each endpoint.
    Balance,
    /// The method as forwarded.
    Method,
    /// The host as forwarded.
    Host,
    /// The path as forwarded.
    Path,
    /// A header as forwarded.
    RequestHeader(String),
    /// The status or a header of a response that is passed on.
    ResponseHeader(String),
    /// How long the next hop may take.
    Timeout,
    /// How often a request is sent again.
    Retries,
    /// Which copies are sent.
    Mirrors,
    /// Whether connections are upgraded.
    Upgrade,
    /// How long a request is held.
    Delay,
    /// How often something happens.
    Share,
}

impl Aspect {
    /// Part of an answer, which is different as a whole where its status is.
    pub(crate) fn is_of_a_reply(&self) -> bool {
        matches!(self, Self::Body | Self::ReplyHeader(_))
    }

    /// Which endpoints get the request.
    pub(crate) fn is_of_endpoints(&self) -> bool {
        matches!(self, Self::Endpoints | Self::Balance)
    }

    /// Where a redirect leads.
    pub(crate) fn is_location(&self) -> bool {
        matches!(self, Self::ReplyHeader(name) if name == "location")
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Difference {
    /// What differs.
    #[serde(flatten)]
    pub aspect: Aspect,
    /// How it is with Envoy.
    pub envoy: String,
    /// How it is with APISIX.
    pub apisix: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: Envoy {}, APISIX {}", self.aspect, self.envoy, self.apisix)
    }
}

/// All differences between what may happen on both sides; none where they are the same.
pub(crate) fn compare(envoy: &[Fate], apisix: &[Fate]) -> Vec<Difference> {
    let (envoy, apisix) = (merged(envoy), merged(apisix));
    if let ([left], [right]) = (envoy.as_slice(), apisix.as_slice()) {
        return fate(left, right);
    }
    let (mut ours, mut theirs) = (lots(envoy), lots(apisix));
    let mut differences = Vec::new();
    while let Some((left, right, found)) = closest(&ours, &theirs) {
        let (Some(left), Some(right)) = (ours.get_mut(left), theirs.get_mut(right)) else { break };
        let both = left.rest.min(right.rest);
        for lot in [left, right] {
            lot.rest -= both;
            lot.is_paired = true;
        }
        differences.extend(found);
    }
    left_over(&ours, &theirs, &mut differences);
    differences
}

/// One thing that may happen, and how much of its share has no counterpart yet.
struct Lot {
    fate: Fate,
    rest: f64,
    is_paired: bool,
}

fn lots(fates: Vec<Fate>) -> Vec<Lot> {
    fates.into_iter().map(|fate| Lot { rest: fate.share, fate, is_paired: false }).collect()
}

impl Lot {
    /// What happens almost never may be left out by the rounding of shares.
    fn is_open(&self) -> bool {
        self.rest > SHARE
    }
}

/// The two that differ least, of those that are of one kind and of which at least one has no counterpart at all.
fn closest(ours: &[Lot], theirs: &[Lot]) -> Option<(usize, usize, Vec<Difference>)> {
    let mut best: Option<(usize, usize, Vec<Difference>)> = None;
    for (left, one) in ours.iter().enumerate().filter(|(_, lot)| lot.is_open()) {
        for (right, other) in theirs.iter().enumerate().filter(|(_, lot)| lot.is_open()) {
            if (one.is_paired && other.is_paired) || !are_alike(&one.fate, &other.fate) {
                continue;
            }
            let found = fate(&one.fate, &other.fate);
            if best.as_ref().is_none_or(|(.., least)| found.len() < least.len()) {
                best = Some((left, right, found));
            }
        }
    }
    best
}

/// What has a counterpart of another share, or none.
fn left_over(ours: &[Lot], theirs: &[Lot], differences: &mut Vec<Difference>) {
    let open = |lots: &'_ [Lot]| -> Vec<(bool, Fate)> {
        let open = lots.iter().filter(|lot| lot.is_open());
        open.map(|lot| {
            (lot.is_paired, Fate { share: if lot.is_paired { lot.fate.share } else { lot.rest }, ..lot.fate.clone() })
        })
        .collect()
    };
    let (ours, mut theirs) = (open(ours), open(theirs));
    for (is_paired, fate) in ours {
        let instead =
            theirs.iter().position(|(other, it)| !*other && !is_paired && (it.share - fate.share).abs() <= SHARE);
        match instead {
            Some(index) => {
                differences.push(difference(Aspect::Outcome, brief(&fate), brief(&theirs.swap_remove(index).1)));
            }
            None if is_paired => differences.push(difference(Aspect::Share, brief(&fate), "another share")),
            None => differences.push(difference(Aspect::Outcome, brief(&fate), "never")),
        }
    }
    for (is_paired, fate) in theirs {
        let (aspect, envoy) = if is_paired { (Aspect::Share, "another share") } else { (Aspect::Outcome, "never") };
        differences.push(difference(aspect, envoy, brief(&fate)));
    }
}

/// Fates that are the same but for their share become one.
fn merged(fates: &[Fate]) -> Vec<Fate> {
    let mut merged: Vec<Fate> = Vec::new();
    for fate in fates {
        match merged.iter_mut().find(|known| known.delay == fate.delay && known.end == fate.end) {
            Some(known) => known.share += fate.share,
            None => merged.push(fate.clone()),
        }
    }
    merged
}

fn brief(fate: &Fate) -> String {
    let end = match &fate.end {
        End::Reply { status, .. } => format!("answers {status}"),
        End::Forward(to) if to.open.is_some() => "forwards".to_owned(),
        End::Forward(to) => format!("forwards to {}", to.addresses.join(" ")),
        End::Closed => "closes the connection".to_owned(),
    };
    format!("{end} ({:.2} %, after {} ms)", fate.share * 100.0, fate.delay)
}

/// Both are answers, or go to the same place, as late.
fn are_alike(envoy: &Fate, apisix: &Fate) -> bool {
    let are_alike = match (&envoy.end, &apisix.end) {
        (End::Forward(envoy), End::Forward(apisix)) => envoy.addresses == apisix.addresses,
        (End::Reply { .. }, End::Reply { .. }) | (End::Closed, End::Closed) => true,
        _ => false,
    };
    are_alike && envoy.delay == apisix.delay
}

fn fate(envoy: &Fate, apisix: &Fate) -> Vec<Difference> {
    let mut found = Found::default();
    found.check(Aspect::Delay, &envoy.delay, &apisix.delay);
    match (&envoy.end, &apisix.end) {
        (End::Forward(left), End::Forward(right)) => forwarded(left, right, &mut found),
        (
            End::Reply { status: left, body: left_body, headers: left_headers, .. },
            End::Reply { status: right, body: right_body, headers: right_headers, .. },
        ) => {
            found.check(Aspect::Status, left, right);
            let empty = left_body.as_ref().is_none_or(Vec::is_empty);
            if left_body != right_body {
                found.add(Aspect::Body, text(left_body.as_deref()), text(right_body.as_deref()));
            }
            found.headers(
                left_headers,
                right_headers,
                Aspect::ReplyHeader,
                if empty { &["content-type"] } else { &[] },
            );
        }
        (End::Closed, End::Closed) => {}
        _ => found.add(Aspect::Outcome, brief(envoy), brief(apisix)),
    }
    found.differences
}

fn forwarded(envoy: &Forwarded, apisix: &Forwarded, found: &mut Found) {
    let addresses = |it: &Forwarded| it.addresses.iter().cloned().collect::<BTreeSet<String>>();
    if envoy.open.is_some() || addresses(envoy) != addresses(apisix) {
        found.add(Aspect::Endpoints, envoy.addresses.join(" "), apisix.addresses.join(" "));
    } else if let (Some(left), Some(right)) = (&envoy.endpoints, &apisix.endpoints)
        && left.iter().any(|(address, share)| (share - right.get(address).unwrap_or(&0.0)).abs() > 0.01)
    {
        found.add(Aspect::Balance, format!("{left:?}"), format!("{right:?}"));
    }
    found.check(Aspect::Method, &envoy.method, &apisix.method);
    found.bytes(Aspect::Host, &envoy.host, &apisix.host);
    found.bytes(Aspect::Path, &envoy.path, &apisix.path);
    found.headers(&envoy.headers, &apisix.headers, Aspect::RequestHeader, &[]);
    for ((status, headers), (theirs, their_headers)) in envoy.responses.iter().zip(&apisix.responses) {
        found.check(Aspect::ResponseHeader(":status".into()), status, theirs);
        found.headers(headers, their_headers, Aspect::ResponseHeader, &[]);
    }
    found.check(Aspect::Timeout, &envoy.timeout, &apisix.timeout);
    found.check(Aspect::Retries, &envoy.retries, &apisix.retries);
    found.check(Aspect::Mirrors, &envoy.mirrors, &apisix.mirrors);
    found.check(Aspect::Upgrade, &envoy.websocket, &apisix.websocket);
}

#[derive(Default)]
struct Found {
    differences: Vec<Difference>,
}

impl Found {
    fn add(&mut self, aspect: Aspect, envoy: impl fmt::Display, apisix: impl fmt::Display) {
        self.differences.push(difference(aspect, envoy, apisix));
    }

    fn check<T: PartialEq + fmt::Debug>(&mut self, aspect: Aspect, envoy: &T, apisix: &T) {
        if envoy != apisix {
            self.add(aspect, format!("{envoy:?}"), format!("{apisix:?}"));
        }
    }

    fn bytes(&mut self, aspect: Aspect, envoy: &[u8], apisix: &[u8]) {
        if envoy != apisix {
            self.add(aspect, text(Some(envoy)), text(Some(apisix)));
        }
    }

    /// Compares header by header; several lines of one name are as good as one with commas (RFC 9110, 5.3), with or
    /// without a blank after each.
    fn headers(&mut self, envoy: &Headers, apisix: &Headers, aspect: fn(String) -> Aspect, ignored: &[&str]) {
        let names: BTreeSet<&String> = envoy.keys().chain(apisix.keys()).collect();
        for name in names.into_iter().filter(|name| !ignored.contains(&name.as_str())) {
            let joined = |headers: &Headers| headers.get(name).map(|values| text(Some(&values.join(&b", "[..]))));
            let (left, right) = (joined(envoy), joined(apisix));
            let tight = |list: &Option<String>| list.as_ref().map(|list| list.replace(", ", ","));
            if tight(&left) != tight(&right) {
                let shown = |list: Option<String>| list.unwrap_or_else(|| text(None));
                self.add(aspect(name.clone()), shown(left), shown(right));
            }
        }
    }
}

fn difference(aspect: Aspect, envoy: impl fmt::Display, apisix: impl fmt::Display) -> Difference {
    Difference { aspect, envoy: envoy.to_string(), apisix: apisix.to_string() }
}

fn text(bytes: Option<&[u8]>) -> String {
    bytes.map_or_else(|| "none".to_owned(), |bytes| format!("{:?}", String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, share: f64) -> Fate {
        let end = End::Reply { status, body: Some(Vec::new()), headers: Headers::new(), denial: false };
        Fate { share, delay: 0, end }
    }

    #[test]
    fn same_fates_in_any_order() {
        let envoy = [reply(200, 0.25), reply(503, 0.75)];
        let apisix = [reply(503, 0.5), reply(200, 0.25), reply(503, 0.25)];
        assert_eq!(compare(&envoy, &apisix), []);
    }

    #[test]
    fn other_shares_and_statuses_are_told() {
        let aspects = |left: &[Fate], right: &[Fate]| -> Vec<Aspect> {
            compare(left, right).into_iter().map(|it| it.aspect).collect()
        };
        assert_eq!(aspects(&[reply(200, 1.0)], &[reply(404, 1.0)]), [Aspect::Status]);
        let halves = [reply(200, 0.5), reply(503, 0.5)];
        assert_eq!(aspects(&halves, &[reply(200, 0.5), reply(404, 0.5)]), [Aspect::Status]);
        assert_eq!(aspects(&halves, &[reply(200, 0.6), reply(503, 0.4)]), [Aspect::Share, Aspect::Share]);
        assert_eq!(aspects(&halves, &[reply(200, 1.0)]), [Aspect::Status]);
        let late = Fate { delay: 5, ..reply(503, 0.5) };
        assert_eq!(aspects(&halves, &[reply(200, 0.5), late]), [Aspect::Outcome]);
    }
}
