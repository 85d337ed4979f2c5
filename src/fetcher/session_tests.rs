#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::arithmetic_side_effects)]

use prost::Message;

use super::*;
use crate::wire::{Any, DiscoveryRequest, DiscoveryResponse};

const CDS: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const EDS: &str = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment";
const LIMIT: Duration = Duration::from_secs(15);

fn wildcard(type_url: &str) -> Subscription {
    Subscription { type_url: type_url.into(), wildcard: true, added: vec![], removed: vec![] }
}

fn names(added: &[&str], removed: &[&str]) -> Subscription {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Subscription { type_url: EDS.into(), wildcard: false, added: owned(added), removed: owned(removed) }
}

/// A response whose resources are nothing but names.
fn response(type_url: &str, version: &str, nonce: &str, resources: &[&str]) -> Envelope {
    let any = |name: &&str| {
        let value = Any { type_url: (*name).to_owned(), value: Bytes::new() }.encode_to_vec().into();
        Any { type_url: type_url.into(), value }
    };
    let resources = resources.iter().map(any).collect();
    let message =
        DiscoveryResponse { version_info: version.into(), resources, type_url: type_url.into(), nonce: nonce.into() };
    Envelope::read(message.encode_to_vec().into()).unwrap()
}

fn apply(state: &str) -> Apply {
    serde_json::from_value(serde_json::json!({"mode": "standalone", "state": state, "message": "bad uri"})).unwrap()
}

fn answer(verdict: &str, state: &str, subscribe: Vec<Subscription>) -> StreamAnswer {
    let mut answer: StreamAnswer = serde_json::from_value(serde_json::json!({
        "verdict": verdict, "type_url": "", "version": "", "nonce": "", "ready": true,
        "apply": {"mode": "standalone", "state": state}
    }))
    .unwrap();
    answer.error_detail = (verdict == "nack").then(|| "listener refused".to_owned());
    answer.subscribe = subscribe;
    answer
}

struct Bench {
    session: Session,
    now: Instant,
}

impl Bench {
    /// A session that wants all clusters, on its first stream, with the first request sent.
    fn new() -> Self {
        let node = Node { id: "n".into(), ..Node::default() };
        let mut bench = Self { session: Session::new(node, LIMIT), now: Instant::now() };
        bench.session.ingest_opened(&[wildcard(CDS)]);
        assert_eq!(bench.session.next_request(bench.now), None, "no stream, no request");
        bench.session.stream_opened();
        let first = bench.request().expect("the first subscription");
        assert_eq!((first.type_url.as_str(), first.resource_names.len()), (CDS, 0));
        assert_eq!(first.node.unwrap().id, "n");
        bench
    }

    fn request(&mut self) -> Option<DiscoveryRequest> {
        self.session.next_request(self.now).map(|outgoing| outgoing.request)
    }

    fn deliver(&mut self, envelope: &Envelope, answer: &StreamAnswer) {
        assert_ne!(self.session.received(envelope, self.now), Received::Unsolicited);
        self.session.answered(envelope, answer, self.now);
    }
}

fn sent(request: Option<DiscoveryRequest>) -> (String, String, String, Vec<String>, Option<String>) {
    let request = request.expect("a request is due");
    assert_eq!(request.node, None, "the node goes with the first request only");
    let kind = request.type_url.rsplit('.').next().unwrap().to_owned();
    let detail = request.error_detail.map(|status| status.message);
    (kind, request.version_info, request.response_nonce, request.resource_names, detail)
}

fn expected(
    kind: &str,
    version: &str,
    nonce: &str,
    names: &[&str],
    detail: Option<&str>,
) -> (String, String, String, Vec<String>, Option<String>) {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    (kind.into(), version.into(), nonce.into(), names, detail.map(str::to_owned))
}

#[test]
fn an_ack_is_held_until_the_configuration_is_applied() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c"]), &answer("ack", "waiting", vec![names(&["c"], &[])]));
    // The subscription goes at once, the ACK does not.
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "", "", &["c"], None));
    assert_eq!(bench.request(), None);
    bench.deliver(&response(EDS, "1", "b", &["c"]), &answer("ack", "deferred", vec![]));
    assert_eq!(bench.request(), None);
    assert_eq!(bench.session.next_timer(), Some(bench.now + Duration::from_secs(1)));
    assert!(!bench.session.take_flush(bench.now));
    bench.now += Duration::from_secs(1);
    assert!(bench.session.take_flush(bench.now));
    bench.session.applied(&apply("applied"), None, bench.now);
    assert_eq!(sent(bench.request()), expected("Cluster", "1", "a", &[], None));
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "1", "b", &["c"], None));
    assert_eq!(bench.request(), None);
}

#[test]
fn a_nack_keeps_the_version_and_stays_a_nack_while_held() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c"]), &answer("ack", "applied", vec![]));
    assert_eq!(sent(bench.request()), expected("Cluster", "1", "a", &[], None));
    bench.deliver(&response(CDS, "2", "b", &["c"]), &answer("nack", "retry", vec![]));
    assert_eq!(bench.request(), None);
    bench.session.applied(&apply("applied"), None, bench.now);
    assert_eq!(sent(bench.request()), expected("Cluster", "1", "b", &[], Some("listener refused")));
}

#[test]
fn a_refusal_by_apisix_turns_held_acks_into_nacks() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c"]), &answer("ack", "deferred", vec![]));
    bench.session.applied(&apply("refused"), None, bench.now);
    assert_eq!(sent(bench.request()), expected("Cluster", "", "a", &[], Some("bad uri")));
    assert!(bench.session.replay().is_empty(), "what APISIX refused is not told again");
}

#[test]
fn only_the_newest_nonce_of_a_type_is_answered() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c"]), &answer("ack", "deferred", vec![]));
    bench.deliver(&response(CDS, "2", "b", &["c"]), &answer("nack", "deferred", vec![]));
    bench.session.applied(&apply("applied"), None, bench.now);
    // One answer, for "b"; version 1 was accepted on the way.
    assert_eq!(sent(bench.request()), expected("Cluster", "1", "b", &[], Some("listener refused")));
    assert_eq!(bench.request(), None);
}

#[test]
fn names_change_with_the_accepted_version_and_the_newest_nonce() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c", "d"]), &answer("ack", "waiting", vec![names(&["c", "d"], &[])]));
    assert_eq!(sent(bench.request()).3, ["c", "d"]);
    bench.deliver(&response(EDS, "7", "x", &["c", "d"]), &answer("ack", "applied", vec![]));
    assert_eq!(sent(bench.request()).0, "Cluster");
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "7", "x", &["c", "d"], None));
    let change = vec![names(&["e"], &["c"])];
    bench.deliver(&response(CDS, "2", "b", &["d", "e"]), &answer("ack", "waiting", change));
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "7", "x", &["d", "e"], None));
    // Names that come and go between two requests cost none.
    bench.session.subscribe(&[names(&["z"], &[]), names(&[], &["z"])]);
    assert_eq!(bench.request(), None);
}

#[test]
fn a_type_without_names_is_never_asked_for_whole_by_accident() {
    let mut bench = Bench::new();
    bench.deliver(
        &response(CDS, "1", "a", &[]),
        &answer("ack", "applied", vec![names(&["c"], &[]), names(&[], &["c"])]),
    );
    assert_eq!(sent(bench.request()).0, "Cluster");
    assert_eq!(bench.request(), None);
}

#[test]
fn a_new_stream_starts_with_versions_and_without_nonces() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c"]), &answer("ack", "applied", vec![names(&["c"], &[])]));
    assert_eq!(sent(bench.request()), expected("Cluster", "1", "a", &[], None));
    sent(bench.request());
    bench.deliver(&response(EDS, "1", "b", &["c"]), &answer("ack", "deferred", vec![]));
    bench.session.stream_closed();
    assert_eq!(bench.request(), None);
    bench.session.stream_opened();
    let first = bench.request().unwrap();
    assert_eq!((first.version_info.as_str(), first.response_nonce.as_str()), ("1", ""));
    assert!(first.node.is_some());
    // The answer for the response of the old stream is not sent on the new one; its version counts all the same.
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "", "", &["c"], None));
    bench.session.applied(&apply("applied"), None, bench.now);
    assert_eq!(bench.request(), None);
    bench.session.subscribe(&[names(&["d"], &[])]);
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "1", "", &["c", "d"], None));
}

#[test]
fn resources_that_do_not_come_count_as_absent_after_their_time() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c", "d"]), &answer("ack", "waiting", vec![names(&["c", "d"], &[])]));
    assert_eq!(bench.session.next_timer(), None, "the time starts with the request");
    sent(bench.request());
    assert_eq!(bench.session.next_timer(), Some(bench.now + LIMIT));
    bench.deliver(&response(EDS, "1", "b", &["c"]), &answer("ack", "waiting", vec![]));
    bench.now += LIMIT;
    assert_eq!(bench.session.take_expired(bench.now), Some((EDS.to_owned(), vec!["d".to_owned()])));
    assert_eq!(bench.session.take_expired(bench.now), None);
    assert_eq!(bench.session.absent(), [(EDS.to_owned(), vec!["d".to_owned()])]);
    // It may still come.
    bench.deliver(&response(EDS, "2", "c", &["d"]), &answer("ack", "applied", vec![]));
    assert!(bench.session.absent().is_empty());
}

#[test]
fn without_a_stream_nothing_expires() {
    let mut bench = Bench::new();
    bench.session.subscribe(&[names(&["c"], &[])]);
    sent(bench.request());
    bench.session.stream_closed();
    bench.now += LIMIT;
    assert_eq!((bench.session.next_timer(), bench.session.take_expired(bench.now)), (None, None));
    bench.session.stream_opened();
    while bench.request().is_some() {}
    assert_eq!(bench.session.next_timer(), Some(bench.now + LIMIT));
}

#[test]
fn a_receiver_that_lost_its_state_is_told_everything_again() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c", "d"]), &answer("ack", "waiting", vec![names(&["c", "d"], &[])]));
    bench.deliver(&response(EDS, "1", "b", &["c", "d"]), &answer("ack", "applied", vec![]));
    bench.deliver(&response(EDS, "2", "c", &["d"]), &answer("ack", "applied", vec![]));
    while bench.request().is_some() {}
    assert_eq!(bench.session.next_sequence(), 1);

    bench.session.ingest_opened(&[wildcard(CDS)]);
    assert_eq!(bench.session.next_sequence(), 1, "sequence numbers start anew");
    let replay: Vec<Envelope> = bench.session.replay().into_iter().map(|m| Envelope::read(m).unwrap()).collect();
    let told: Vec<_> = replay.iter().map(|e| (e.type_url.as_str(), e.version.as_str(), e.resource_count())).collect();
    assert_eq!(told, [(CDS, "1", 2), (EDS, "2", 2)]);
    bench.session.replay_answered(&answer("ack", "held", vec![names(&["c", "d"], &[])]));
    bench.session.replay_answered(&answer("ack", "applied", vec![]));
    bench.session.replay_done();
    // The control plane hears nothing of it: it knows these names and these answers.
    assert_eq!(bench.request(), None);
    assert_eq!(bench.session.replay().len(), 2);
}

#[test]
fn a_replay_that_ends_with_other_names_asks_for_those() {
    let mut bench = Bench::new();
    bench.deliver(&response(CDS, "1", "a", &["c"]), &answer("ack", "waiting", vec![names(&["c"], &[])]));
    bench.deliver(&response(EDS, "1", "b", &["c"]), &answer("ack", "applied", vec![]));
    while bench.request().is_some() {}
    bench.session.ingest_opened(&[wildcard(CDS)]);
    bench.session.replay_answered(&answer("ack", "held", vec![names(&["e"], &[])]));
    bench.session.replay_done();
    assert_eq!(sent(bench.request()), expected("ClusterLoadAssignment", "1", "b", &["e"], None));
    assert_eq!(bench.session.replay().len(), 1, "what is not wanted any more is forgotten");
}

#[test]
fn types_nobody_asked_for_are_unsolicited() {
    let mut bench = Bench::new();
    let push = response("type.googleapis.com/istio.networking.nds.v1.NameTable", "1", "a", &[]);
    assert_eq!(bench.session.received(&push, bench.now), Received::Unsolicited);
}

#[test]
fn a_response_that_the_receiver_never_takes_is_a_nack() {
    let mut bench = Bench::new();
    let large = response(CDS, "1", "a", &["c"]);
    bench.session.received(&large, bench.now);
    bench.session.rejected(&large, "413 Payload Too Large");
    assert_eq!(sent(bench.request()), expected("Cluster", "", "a", &[], Some("413 Payload Too Large")));
    assert!(bench.session.replay().is_empty());
}
