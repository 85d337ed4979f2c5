//! The xDS that a real Istio control plane made of Bookinfo, before and after "all v1".
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a test may fail, and reads files"
)]

mod support;

use amesh_translator::{Answer, Envelope, Kind, Options, Translator, Verdict};
use support::captured;

fn ingest(translator: &mut Translator, node: &str, variant: &str) -> Vec<Verdict> {
    ["cds", "eds", "lds", "rds"]
        .map(|file| translator.ingest(captured(node, variant, file), Envelope::default()))
        .to_vec()
}

fn translator() -> Translator {
    Translator::new(Options::default())
}

#[test]
fn every_response_is_accepted() {
    for node in ["sidecar", "gateway"] {
        for variant in ["before", "after"] {
            let mut translator = translator();
            let verdicts = ingest(&mut translator, node, variant);
            for verdict in &verdicts {
                assert_eq!(verdict.verdict, Answer::Ack, "{node} {variant}: {verdict:?}");
            }
            assert!(verdicts.last().unwrap().ready, "{node} {variant}: {:?}", translator.outstanding());
        }
    }
}

#[test]
fn subscriptions_follow_the_references() {
    let mut translator = translator();
    let verdicts = ingest(&mut translator, "sidecar", "before");
    let wanted = |index: usize| verdicts[index].subscribe.iter().flat_map(|s| s.added.clone()).collect::<Vec<_>>();
    assert_eq!(wanted(0).len(), 12);
    assert_eq!(wanted(2), ["9080"]);
}

#[test]
fn all_v1_changes_routes_and_no_upstream_that_stays() {
    let mut translator = translator();
    ingest(&mut translator, "sidecar", "before");
    translator.commit();
    let before: Vec<String> = translator.applied(Kind::Upstreams).map(|u| u.id.to_owned()).collect();
    ingest(&mut translator, "sidecar", "after");
    let pending = translator.pending();
    assert!(pending.upserts.iter().all(|u| u.kind == Kind::Routes || !before.contains(&u.id.to_owned())));
    assert!(!pending.upserts.is_empty());
}

#[test]
fn the_same_again_changes_nothing() {
    let mut translator = translator();
    ingest(&mut translator, "sidecar", "after");
    translator.commit();
    for verdict in ingest(&mut translator, "sidecar", "after") {
        assert_eq!((verdict.counts.accepted, verdict.counts.refused), (0, 0));
        assert!(verdict.counts.unchanged > 0);
    }
    assert!(translator.pending().is_empty());
}
