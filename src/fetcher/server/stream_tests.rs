#![allow(clippy::unwrap_used, clippy::expect_used)]

use bytes::Bytes;
use prost::Message;

use super::*;
use crate::wire::{Any, Status};

/// A resource of a name and a body.
fn any(type_url: &str, name: &str, body: &str) -> Any {
    let value = Any { type_url: name.into(), value: Bytes::copy_from_slice(body.as_bytes()) }.encode_to_vec().into();
    Any { type_url: type_url.into(), value }
}

fn set(resources: &[(&str, &str, &str)]) -> SnapshotSet {
    let mut snapshot = Snapshot::default();
    for (type_url, name, body) in resources {
        snapshot.insert(any(type_url, name, body)).unwrap();
    }
    SnapshotSet::for_all(snapshot)
}

fn request(type_url: &str, version: &str, nonce: &str, names: &[&str]) -> DiscoveryRequest {
    DiscoveryRequest {
        version_info: version.into(),
        node: Some(Node { id: "n".into(), ..Node::default() }),
        resource_names: names.iter().map(|name| (*name).to_owned()).collect(),
        type_url: type_url.into(),
        response_nonce: nonce.into(),
        error_detail: None,
    }
}

fn names(response: &DiscoveryResponse) -> Vec<String> {
    response.resources.iter().map(|any| Any::decode(any.value.clone()).unwrap().type_url).collect()
}

#[test]
fn serves_in_order_and_once() {
    let all = set(&[(ROUTES, "r", ""), (LISTENER, "l", ""), (CLUSTER, "c", ""), (ENDPOINTS, "c", "")]);
    let mut stream = ClientStream::default();
    for type_url in [ROUTES, LISTENER, ENDPOINTS, CLUSTER] {
        let wanted: &[&str] = match type_url {
            ROUTES => &["r"],
            ENDPOINTS => &["c"],
            _ => &[],
        };
        stream.request(request(type_url, "", "", wanted), &all);
    }
    let sent: Vec<_> = std::iter::from_fn(|| stream.next_response()).map(|response| response.type_url).collect();
    assert_eq!(sent, [CLUSTER, ENDPOINTS, LISTENER, ROUTES]);
}

#[test]
fn an_ack_is_not_answered_and_a_nack_not_sent_again() {
    let mut stream = ClientStream::default();
    let old = set(&[(CLUSTER, "c", "1")]);
    stream.request(request(CLUSTER, "", "", &[]), &old);
    let first = stream.next_response().unwrap();
    let events = stream.request(request(CLUSTER, &first.version_info, &first.nonce, &[]), &old);
    assert!(matches!(events.first(), Some(ServerEvent::Ack { .. })));
    assert_eq!(stream.next_response(), None);

    let new = set(&[(CLUSTER, "c", "2")]);
    stream.replace(&new);
    let second = stream.next_response().unwrap();
    assert_ne!(second.version_info, first.version_info);
    let mut refusal = request(CLUSTER, &first.version_info, &second.nonce, &[]);
    refusal.error_detail = Some(Status { code: 3, message: "no".into() });
    let events = stream.request(refusal, &new);
    let expected = ServerEvent::Nack {
        node: "n".into(),
        type_url: CLUSTER.into(),
        version: second.version_info.clone(),
        detail: "no".into(),
    };
    assert_eq!(events, [expected]);
    assert_eq!(stream.next_response(), None);
    stream.replace(&new);
    assert_eq!(stream.next_response(), None, "the same version is not sent again");
    stream.replace(&old);
    assert!(stream.next_response().is_some());
}

#[test]
fn by_name_only_what_is_asked_for_and_only_what_changed() {
    let mut stream = ClientStream::default();
    let before = set(&[(ENDPOINTS, "a", "1"), (ENDPOINTS, "b", "1"), (ENDPOINTS, "c", "1")]);
    stream.request(request(ENDPOINTS, "", "", &["a", "b", "x"]), &before);
    let first = stream.next_response().unwrap();
    assert_eq!(names(&first), ["a", "b"]);
    // One more name: only that one is sent.
    stream.request(request(ENDPOINTS, &first.version_info, &first.nonce, &["a", "b", "c", "x"]), &before);
    let second = stream.next_response().unwrap();
    assert_eq!(names(&second), ["c"]);
    // A name that goes and comes back is sent again.
    stream.request(request(ENDPOINTS, &second.version_info, &second.nonce, &["a", "b"]), &before);
    assert_eq!(stream.next_response(), None);
    stream.request(request(ENDPOINTS, &second.version_info, &second.nonce, &["a", "b", "c"]), &before);
    let third = stream.next_response().unwrap();
    assert_eq!(names(&third), ["c"]);
    stream.replace(&set(&[(ENDPOINTS, "a", "2"), (ENDPOINTS, "b", "1"), (ENDPOINTS, "c", "1"), (ENDPOINTS, "d", "1")]));
    assert_eq!(names(&stream.next_response().unwrap()), ["a"]);
    // A change of what it did not ask for is no news.
    stream.replace(&set(&[(ENDPOINTS, "a", "2"), (ENDPOINTS, "b", "1"), (ENDPOINTS, "c", "1"), (ENDPOINTS, "d", "2")]));
    assert_eq!(stream.next_response(), None);
}

#[test]
fn stale_nonces_are_ignored() {
    let mut stream = ClientStream::default();
    let all = set(&[(ENDPOINTS, "a", "1"), (ENDPOINTS, "b", "1")]);
    stream.request(request(ENDPOINTS, "", "", &["a"]), &all);
    let first = stream.next_response().unwrap();
    stream.request(request(ENDPOINTS, "", &first.nonce, &["a", "b"]), &all);
    let second = stream.next_response().unwrap();
    let events = stream.request(request(ENDPOINTS, &first.version_info, &first.nonce, &["a"]), &all);
    assert_eq!((events.len(), stream.next_response()), (0, None));
    let events = stream.request(request(ENDPOINTS, &second.version_info, &second.nonce, &["a", "b"]), &all);
    assert!(matches!(events.first(), Some(ServerEvent::Ack { .. })));
}

#[test]
fn a_client_that_comes_back_is_sent_only_what_it_lacks() {
    let all = set(&[(CLUSTER, "c", "1"), (ENDPOINTS, "a", "1"), (ENDPOINTS, "b", "1")]);
    let mut stream = ClientStream::default();
    stream.request(request(CLUSTER, "", "", &[]), &all);
    stream.request(request(ENDPOINTS, "", "", &["a"]), &all);
    let clusters = stream.next_response().unwrap().version_info;
    let endpoints = stream.next_response().unwrap().version_info;

    let mut again = ClientStream::default();
    again.request(request(CLUSTER, &clusters, "", &[]), &all);
    again.request(request(ENDPOINTS, &endpoints, "", &["a"]), &all);
    assert_eq!(again.next_response(), None);
    let mut more = ClientStream::default();
    more.request(request(ENDPOINTS, &endpoints, "", &["a", "b"]), &all);
    assert_eq!(names(&more.next_response().unwrap()), ["a", "b"]);
}

#[test]
fn none_of_a_type_wanted_whole_is_an_answer_too() {
    let mut stream = ClientStream::default();
    stream.request(request(LISTENER, "", "", &["*"]), &SnapshotSet::default());
    let response = stream.next_response().unwrap();
    assert!(response.resources.is_empty() && !response.version_info.is_empty());
}
