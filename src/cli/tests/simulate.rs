//! `amesh simulate` with the captured sidecar of one of Istio's tasks.

use crate::support::{Run, amesh, root};

/// What becomes of a call of reviews, with more arguments.
fn reviews(arguments: &[&str]) -> Run {
    let folder = root().join("examples/istio/request-routing/xds");
    let files = ["cds", "eds", "lds", "rds"].map(|name| folder.join(format!("{name}.json")).display().to_string());
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    amesh(&[&["simulate", "--url", "http://reviews:9080/reviews/0"], arguments, files.as_slice()].concat())
}

const REDIRECTED: [&str; 4] = ["--port", "15001", "--original-dst", "10.96.0.13:9080"];

#[test]
fn a_redirected_connection_reaches_the_listener_of_its_destination() {
    let run = reviews(&REDIRECTED);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("to cluster \"outbound|9080|v1|reviews.default.svc.cluster.local\""), "{run:?}");
    assert!(run.stdout.contains("to 127.0.31.1:9080 127.0.31.2:9080"), "{run:?}");
    let jason = reviews(&[&REDIRECTED[..], &["-H", "end-user: jason"]].concat());
    assert!(jason.stdout.contains("to 127.0.32.1:9080 127.0.32.2:9080"), "{jason:?}");
}

#[test]
fn a_listener_that_is_not_bound_needs_a_redirected_connection() {
    let run = reviews(&[]);
    assert!(run.stdout.contains("closes the connection"), "{run:?}");
}

#[test]
fn an_original_destination_is_an_address_and_a_port() {
    for wrong in ["reviews:9080", "10.96.0.13", "15001"] {
        assert_eq!(reviews(&["--original-dst", wrong]).code, 2, "{wrong}");
    }
}
