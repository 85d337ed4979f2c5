//! Exit codes and output of the command line itself.

use crate::support::{amesh, amesh_in};

#[test]
fn bad_usage_is_2() {
    for arguments in [&["translate"][..], &["nonsense"], &[], &["translate", "--to", "xml", "x"], &["explain", "AM9"]] {
        assert_eq!(amesh(arguments).code, 2, "{arguments:?}");
    }
    let label = amesh(&["translate", "--instance", "a b", "x"]);
    assert!(label.code == 2 && label.stderr.contains("1 to 64"), "{label:?}");
}

#[test]
fn help_says_the_exit_codes() {
    for arguments in [&["--help"][..], &["translate", "--help"]] {
        let help = amesh(arguments);
        assert!(help.code == 0 && help.stdout.contains("2  bad usage"), "{help:?}");
    }
    assert!(amesh(&["--version"]).stdout.starts_with("amesh "));
}

#[test]
fn completes() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(amesh(&["completions", shell]).stdout.contains("translate"));
    }
}

const ROUTES: &str = r#"{"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "r",
    "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [
        {"match": {"prefix": "/"}, "direct_response": {"status": 204}, "shoe_size": 43}]}]}"#;

#[test]
fn reports_as_text_or_as_json_and_is_quiet_when_asked() {
    let run =
        |extra: &[&str]| amesh_in(&crate::support::root(), &[&["translate", "-"], extra].concat(), ROUTES.as_bytes());
    let text = run(&[]);
    let expected = "warning[AM0106] <stdin>: RouteConfiguration \"r\": virtual_hosts[0].routes[0].shoe_size: ";
    assert!(text.code == 0 && text.stderr.starts_with(expected), "{text:?}");
    assert!(!text.stderr.contains('\u{1b}'), "no colour without a terminal: {text:?}");
    assert_eq!(run(&["--quiet"]).stderr, "");
    assert_eq!(run(&["--deny-warnings"]).code, 1);
    let json: serde_json::Value = serde_json::from_str(&run(&["--format", "json"]).stderr).unwrap();
    assert_eq!((&json["diagnostics"][0]["code"], &json["counts"]["warning"]), (&"AM0106".into(), &1.into()));
    assert_eq!(json["diagnostics"][0]["file"], "<stdin>");
    assert_eq!(json["summary"]["resources"]["RouteConfiguration"], 1);
}

#[test]
fn writes_to_a_file_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let run = amesh_in(folder.path(), &["translate", "-", "-o", "new/out.yaml"], ROUTES.as_bytes());
    assert!(run.code == 0 && run.stdout.is_empty(), "{run:?}");
    let written = std::fs::read_to_string(folder.path().join("new/out.yaml")).unwrap();
    assert!(written.ends_with("\n#END\n"));
    assert_eq!(std::fs::read_dir(folder.path().join("new")).unwrap().count(), 1);
    assert_eq!(amesh_in(folder.path(), &["translate", "-", "-o", "/proc/none/x"], ROUTES.as_bytes()).code, 2);
}
