//! Bad input: a clear error that names the file and the place, and the exit code that is documented.

use crate::support::{amesh_in, root, translate};
use std::fmt::Write;
use std::fs::File;

fn unusable(name: &str, contents: &[u8], expected: &str) {
    let run = translate(name, contents);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.starts_with(&format!("error: {name}: ")) && run.stderr.contains(expected), "{run:?}");
}

#[test]
fn files_that_cannot_be_read() {
    unusable("empty.yaml", b"", "holds nothing");
    unusable("word.yaml", b"hello\n", "it cannot be told what this is");
    unusable("other.yaml", b"apiVersion: v1\nkind: Pod\n", "it cannot be told what this is");
    unusable("syntax.yaml", b"static_resources:\n  listeners:\n  - name: a\n   bad: [1\n", "line 4, column 4: ");
    unusable("syntax.json", b"{\n \"static_resources\": {]\n", "line 2, column 23: ");
    unusable("garbage.pb", &[0xff, 0x00, 0x13, 0x37].repeat(100), "this is no DiscoveryResponse");
    let missing = amesh_in(&root(), &["translate", "no/such/file"], b"");
    assert!(missing.code == 2 && missing.stderr.starts_with("error: no/such/file: cannot be read"), "{missing:?}");
}

#[test]
fn a_truncated_response() {
    let whole = std::fs::read(root().join("examples/bookinfo/xds/sidecar/before/cds.pb")).unwrap();
    unusable("cds.pb", &whole[..whole.len() / 3], "this is no DiscoveryResponse");
}

#[test]
fn a_file_of_300_mb() {
    let folder = tempfile::tempdir().unwrap();
    File::create(folder.path().join("big.json")).unwrap().set_len(300_000_000).unwrap();
    let run = amesh_in(folder.path(), &["translate", "big.json"], b"");
    assert_eq!(
        (run.code, run.stderr.as_str()),
        (2, "error: big.json: is larger than 200 MiB, the limit (--max-size)\n")
    );
    let run = amesh_in(folder.path(), &["translate", "--max-size", "1", "-"], &vec![b' '; (1 << 20) + 1]);
    assert!(run.code == 2 && run.stderr.contains("is larger than 1 MiB"), "{run:?}");
}

#[test]
fn any_in_any() {
    let any = r#"{"@type":"type.googleapis.com/google.protobuf.Any","value":"#;
    let nested = |levels: usize| {
        let inner = format!("{}{{}}{}", any.repeat(levels), "}".repeat(levels));
        format!(
            r#"{{"@type":"type.googleapis.com/envoy.config.cluster.v3.Cluster","name":"c",
            "transport_socket":{{"name":"t","typed_config":{inner}}}}}"#
        )
    };
    unusable("deep.json", nested(1000).as_bytes(), "recursion limit exceeded");
    let run = translate("deep.json", nested(90).as_bytes());
    let named = r#"error[AM0003] deep.json: Cluster "c": transport_socket.typed_config.value"#;
    assert!(run.code == 1 && run.stderr.starts_with(named) && run.stderr.contains("more than 64 deep"), "{run:?}");
}

#[test]
fn aliases_that_multiply() {
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for (above, name) in ('a'..='y').zip('b'..='z') {
        writeln!(bomb, "{name}: &{name} [{}]", vec![format!("*{above}"); 9].join(",")).unwrap();
    }
    unusable("bomb.yaml", bomb.as_bytes(), "budget");
    let nested = "[".repeat(10_000);
    unusable("nested.yaml", format!("a: {nested}").as_bytes(), "line 1");
}

#[test]
fn one_bad_resource_costs_no_other() {
    let run = translate(
        "envoy.yaml",
        b"static_resources:\n  clusters:\n  - {name: good, type: STATIC}\n  - {name: bad, type: NOPE}\n  - 7\n",
    );
    assert_eq!(run.code, 1, "{run:?}");
    let expected = "error[AM0003] envoy.yaml: Cluster \"bad\": type: \"NOPE\" is not a value of \
                    envoy.config.cluster.v3.Cluster.DiscoveryType\n";
    assert!(run.stderr.contains(expected), "{run:?}");
    assert!(
        run.stderr.contains("Cluster (static_resources.clusters[2]): expected an object, found a number"),
        "{run:?}"
    );
    assert!(run.stderr.contains("1 Cluster -> "), "{run:?}");
}

#[test]
fn wrong_type_urls() {
    let unknown = translate("x.json", br#"{"@type": "type.googleapis.com/acme.Foo", "name": "x"}"#);
    assert!(unknown.code == 1 && unknown.stderr.contains("\"acme.Foo\" is not known"), "{unknown:?}");
    let number = translate("x.json", br#"[{"@type": 3}]"#);
    assert!(number.code == 1 && number.stderr.starts_with("error[AM0003] x.json: [0]: "), "{number:?}");
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let run =
        translate("x.json", br#"{"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "\u001b[31m": 1}"#);
    assert!(run.stderr.contains("AM0106") && !run.stderr.contains('\u{1b}'), "{run:?}");
}
