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
    let (mut differences, mut unmatched) = (Vec::new(), Vec::new());
    let mut left_over: Vec<&Fate> = apisix.iter().collect();
    for ours in &envoy {
        let twin = left_over.iter().position(|theirs| fate(ours, theirs).is_empty());
        match twin.map(|index| left_over.swap_remove(index)) {
            Some(theirs) if (ours.share - theirs.share).abs() <= SHARE => {}
            Some(theirs) => differences.push(difference(Aspect::Share, ours.share, theirs.share)),
            // What happens almost never may be left out by the rounding of shares.
            None if ours.share <= SHARE => {}
            None => unmatched.push(ours),
        }
    }
    let mut left_over: Vec<Fate> = left_over.into_iter().cloned().collect();
    for ours in unmatched {
        pair(ours.clone(), &mut left_over, &mut differences);
    }
    left_over.retain(|theirs| theirs.share > SHARE);
    differences.extend(left_over.iter().map(|theirs| difference(Aspect::Outcome, "never", brief(theirs))));
    differences
}

/// Finds what happens in place of one thing, perhaps several things, and tells what differs.
fn pair(mut ours: Fate, left_over: &mut Vec<Fate>, differences: &mut Vec<Difference>) {
    while ours.share > SHARE {
        let Some(theirs) = left_over.iter_mut().find(|theirs| theirs.share > SHARE && are_alike(&ours, theirs)) else {
            return differences.push(difference(Aspect::Outcome, brief(&ours), "never"));
        };
        differences.extend(fate(&ours, theirs));
        let both = ours.share.min(theirs.share);
        (ours.share, theirs.share) = (ours.share - both, theirs.share - both);
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
        (envoy, apisix) => matches!((envoy, apisix), (End::Reply { .. }, End::Reply { .. })),
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
        assert_eq!(aspects(&halves, &[reply(200, 1.0)]), [Aspect::Share, Aspect::Outcome]);
    }
}
