//! What `make run` shows.

use crate::support::{amesh_in, module};

#[test]
fn the_demo_tells_its_story() {
    let Some(module) = module("the_demo_tells_its_story") else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = amesh_in(folder.path(), &["demo", "--module", &module], b"");
    assert_eq!(run.code, 0, "{run:?}");
    for expected in [
        "1. A control plane starts",
        "serving 16 clusters, 12 endpoint lists, 3 listeners, 1 route configuration on 127.0.0.1:",
        "is running",
        "RDS  received 1 route configuration",
        "out/apisix.yaml written: ",
        "~ route 9080/reviews.default.svc.cluster.local:9080#0",
        "upstream_id: outbound|9080||reviews.default.svc.cluster.local -> outbound|9080|v1|reviews.default.svc.cluster.local",
        "Done in ",
    ] {
        assert!(run.stdout.contains(expected), "{expected:?} is missing in:\n{}", run.stdout);
    }
    let written = std::fs::read_to_string(folder.path().join("out/apisix.yaml")).unwrap();
    assert!(written.ends_with("\n#END\n") && written.contains("outbound|9080|v1|reviews"));
}

/// What the module in its host writes is what the same translation in this process says.
#[test]
fn the_file_is_the_translation_of_the_last_state() {
    let Some(module) = module("the_file_is_the_translation_of_the_last_state") else { return };
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(amesh_in(folder.path(), &["demo", "--module", &module], b"").code, 0);
    let after = crate::support::root().join("examples/bookinfo/xds/sidecar/after");
    let native = amesh_in(&after, &["translate", "cds.pb", "eds.pb", "lds.pb", "rds.pb"], b"");
    let written = std::fs::read_to_string(folder.path().join("out/apisix.yaml")).unwrap();
    assert_eq!(written, native.stdout);
}

#[test]
fn a_missing_or_broken_module_is_explained() {
    let folder = tempfile::tempdir().unwrap();
    let missing = amesh_in(folder.path(), &["demo", "--module", "none.wasm"], b"");
    assert!(missing.code == 2 && missing.stderr.contains("none.wasm; `make plugin` builds it"), "{missing:?}");
    std::fs::write(folder.path().join("bad.wasm"), b"\0asm").unwrap();
    let broken = amesh_in(folder.path(), &["demo", "--module", "bad.wasm"], b"");
    assert!(broken.code == 1 && broken.stderr.contains("not a module that APISIX's host accepts"), "{broken:?}");
    assert!(!folder.path().join("out").exists());
}
