//! The client against the server of this crate.

use std::time::Duration;

use amesh_fetcher::server::{ServerEvent, Snapshot, SnapshotSet};
use amesh_fetcher::{Event, IngestError};
use serde_json::json;

use crate::support::{
    CDS, EDS, Receiver, Running, Server, Told, config, delivered, find, names, resource, snapshot, state,
};

async fn acked(server: &mut Server, wanted: &str) -> String {
    find(&mut server.events, |event| match event {
        ServerEvent::Ack { type_url, version, .. } if type_url == wanted => Some(version.clone()),
        ServerEvent::Nack { detail, .. } => panic!("{detail}"),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn a_snapshot_arrives_is_acked_and_changes_are_pushed() {
    let mut server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1"), ("b", "1")]))).await;
    let (receiver, mut told) = Receiver::new();
    let client = Running::start(config(&server.url()), receiver);
    assert_eq!(delivered(&mut told, CDS).await, ["a", "b"]);
    assert_eq!(delivered(&mut told, EDS).await, ["a", "b"]);
    let first = acked(&mut server, EDS).await;

    server.publish(snapshot(&[("a", "1"), ("b", "2")]));
    assert_eq!(delivered(&mut told, EDS).await, ["b"], "only what changed, and no clusters before it");
    assert_ne!(acked(&mut server, EDS).await, first);

    server.publish(snapshot(&[("b", "2"), ("c", "1")]));
    assert_eq!(delivered(&mut told, CDS).await, ["b", "c"]);
    assert_eq!(delivered(&mut told, EDS).await, ["c"]);
    client.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn acks_wait_for_the_apply_and_flushes_come_in_time() {
    let mut server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1")]))).await;
    let (receiver, mut told) = Receiver::new();
    let deferred = json!({"apply": {"mode": "standalone", "state": "deferred", "retry_after_ms": 300}});
    receiver.script([Ok(state("waiting")), Ok(deferred)]);
    let client = Running::start(config(&server.url()), receiver);
    delivered(&mut told, EDS).await;
    while let Ok(event) = server.events.try_recv() {
        assert!(!matches!(event, ServerEvent::Ack { .. }), "acked before it was applied");
    }
    find(&mut told, |told| (*told == Told::Flush).then_some(())).await;
    let mut acks = Vec::new();
    while acks.len() < 2 {
        find(&mut server.events, |event| match event {
            ServerEvent::Ack { type_url, .. } => {
                acks.push(type_url.clone());
                Some(())
            }
            _ => None,
        })
        .await;
    }
    assert_eq!(acks, [CDS, EDS]);
    client.stop().await;
}

#[tokio::test]
async fn a_nack_reaches_the_control_plane_and_ends_there() {
    let mut server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1")]))).await;
    let (receiver, mut told) = Receiver::new();
    receiver.script([Ok(json!({"verdict": "nack", "error_detail": "Cluster \"a\": lb_policy is not known"}))]);
    let client = Running::start(config(&server.url()), receiver);
    let detail = find(&mut server.events, |event| match event {
        ServerEvent::Nack { type_url, detail, .. } if type_url == CDS => Some(detail.clone()),
        _ => None,
    })
    .await;
    assert_eq!(detail, "Cluster \"a\": lb_policy is not known");
    assert_eq!(delivered(&mut told, CDS).await, ["a"]);
    delivered(&mut told, EDS).await;
    acked(&mut server, EDS).await;
    // The same version is not sent again; the next one is.
    server.publish(snapshot(&[("a", "1"), ("b", "1")]));
    assert_eq!(delivered(&mut told, CDS).await, ["a", "b"]);
    acked(&mut server, CDS).await;
    client.stop().await;
}

#[tokio::test]
async fn a_control_plane_that_restarts_is_found_again() {
    let first = snapshot(&[("a", "1")]);
    let mut server = Server::start(SnapshotSet::for_all(first.clone())).await;
    let address = server.address;
    let (receiver, mut told) = Receiver::new();
    let mut client = Running::start(config(&server.url()), receiver);
    acked(&mut server, EDS).await;
    server.stop().await;
    find(&mut client.events, |event| matches!(event, Event::Reconnecting { .. }).then_some(())).await;
    while told.try_recv().is_ok() {}

    let mut server = Server::start_at(address, SnapshotSet::for_all(first)).await;
    find(&mut server.events, |event| {
        matches!(event, ServerEvent::Subscribed { type_url, .. } if type_url == EDS).then_some(())
    })
    .await;
    server.publish(snapshot(&[("a", "2")]));
    // What it had is not sent again: the first delivery is the change.
    assert_eq!(delivered(&mut told, EDS).await, ["a"]);
    assert!(told.try_recv().is_err());
    client.stop().await;
    server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_loses_its_state_is_told_again() {
    let mut server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1"), ("b", "1")]))).await;
    let (receiver, mut told) = Receiver::new();
    let client = Running::start(config(&server.url()), receiver.clone());
    acked(&mut server, EDS).await;
    while told.try_recv().is_ok() {}
    receiver.script([Err(IngestError::SessionLost("unknown-session".into()))]);
    server.publish(snapshot(&[("a", "2"), ("b", "1")]));
    let mut replay = Vec::new();
    for _ in 0..5 {
        replay.push(find(&mut told, |told| Some(told.clone())).await);
    }
    let short = |told: &Told| match told {
        Told::Stream { sequence, names, hold, .. } => format!("{sequence} {} hold={hold}", names.join(",")),
        other => format!("{other:?}"),
    };
    let replay: Vec<_> = replay.iter().map(short).collect();
    assert_eq!(replay, ["3 a hold=false", "Session", "1 a,b hold=true", "2 a,b hold=true", "3 a hold=false"]);
    acked(&mut server, EDS).await;

    // Lost while nothing happens: the heartbeat finds out, and the last of the replay has it applied.
    client.stop().await;
    let (mut receiver, mut told) = Receiver::new();
    receiver.heartbeat = Some(Duration::from_millis(200));
    let client = Running::start(config(&server.url()), receiver.clone());
    acked(&mut server, EDS).await;
    receiver.script([Err(IngestError::SessionLost("unknown-session".into()))]);
    find(&mut told, |told| matches!(told, Told::Stream { hold: true, .. }).then_some(())).await;
    find(&mut told, |told| matches!(told, Told::Stream { hold: false, sequence: 2, .. }).then_some(())).await;
    client.stop().await;
}

#[tokio::test]
async fn what_does_not_come_is_reported_absent() {
    let mut set = snapshot(&[("a", "1")]);
    set.insert(resource(CDS, "lost", b"")).unwrap();
    let server = Server::start(SnapshotSet::for_all(set)).await;
    let (receiver, mut told) = Receiver::new();
    let mut settings = config(&server.url());
    settings.absent_after = Duration::from_millis(300);
    let client = Running::start(settings, receiver);
    let absent = find(&mut told, |told| match told {
        Told::Expire(type_url, names) if type_url == EDS => Some(names.clone()),
        _ => None,
    })
    .await;
    assert_eq!(absent, ["lost"]);
    server.publish(snapshot(&[("a", "1"), ("lost", "found")]));
    assert_eq!(delivered(&mut told, EDS).await, ["lost"]);
    client.stop().await;
}

#[tokio::test]
async fn a_large_response_comes_in_parts() {
    let clusters: Vec<String> = (0..100).map(|index| format!("cluster-{index:03}")).collect();
    let mut set = Snapshot::default();
    for name in &clusters {
        set.insert(resource(CDS, name, &[7; 1000])).unwrap();
    }
    let server = Server::start(SnapshotSet::for_all(set)).await;
    let (receiver, mut told) = Receiver::new();
    let mut settings = config(&server.url());
    settings.part_size = 30_000;
    let client = Running::start(settings, receiver);
    let (mut all, mut parts) = (Vec::new(), 0_u64);
    loop {
        let (sequence, more, body) = find(&mut told, |told| match told {
            Told::Stream { sequence, more, body, .. } => Some((*sequence, *more, body.clone())),
            _ => None,
        })
        .await;
        parts += 1;
        assert_eq!(sequence, parts);
        assert!(body.len() <= 30_000);
        all.extend(names(&body));
        if !more {
            break;
        }
    }
    assert_eq!((all, parts), (clusters, 4));
    client.stop().await;
}

#[tokio::test]
async fn stopping_needs_no_patience() {
    // The control plane is away.
    let (receiver, _told) = Receiver::new();
    let mut client = Running::start(config("http://127.0.0.1:1"), receiver);
    find(&mut client.events, |event| matches!(event, Event::Reconnecting { .. }).then_some(())).await;
    client.stop().await;
    // The receiver is away.
    let server = Server::start(SnapshotSet::for_all(snapshot(&[("a", "1")]))).await;
    let (receiver, _told) = Receiver::new();
    receiver.script((0..100).map(|_| Err(IngestError::Unavailable("connection refused".into()))));
    let mut client = Running::start(config(&server.url()), receiver);
    find(&mut client.events, |event| matches!(event, Event::IngestFailed { .. }).then_some(())).await;
    client.stop().await;
}

#[tokio::test]
async fn nodes_are_served_their_own_and_strangers_nothing() {
    let own = SnapshotSet { default: None, nodes: [("node".to_owned(), snapshot(&[("a", "1")]).into())].into() };
    let mut server = Server::start(own).await;
    let (receiver, mut told) = Receiver::new();
    let client = Running::start(config(&server.url()), receiver);
    assert_eq!(delivered(&mut told, CDS).await, ["a"]);
    client.stop().await;
    let (receiver, mut told) = Receiver::new();
    let mut stranger = config(&server.url());
    stranger.node.id = "stranger".into();
    let client = Running::start(stranger, receiver);
    assert!(delivered(&mut told, CDS).await.is_empty());
    let known = find(&mut server.events, |event| match event {
        ServerEvent::Connected { node, known, .. } if node == "stranger" => Some(*known),
        _ => None,
    })
    .await;
    assert!(!known);
    client.stop().await;
}
