//! `amesh serve` and `amesh run`, against each other.

use crate::support::{module, root};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// A service and what it says.
struct Service {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Service {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_amesh"))
            .args(arguments)
            .current_dir(folder)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines, said: Vec::new() }
    }

    /// Waits for a line that holds this text.
    fn hears(&mut self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        while let Ok(line) = self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            self.said.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
        panic!("{text:?} was never said, but\n{}", self.said.join("\n"));
    }

    /// Tells it to stop, and waits for a clean end.
    fn stop(mut self, signal: &str) {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn copy(from: &str, to: &Path, files: &[&str]) {
    for file in files {
        std::fs::copy(root().join("examples/bookinfo/xds/sidecar").join(from).join(file), to.join(file)).unwrap();
    }
}

#[test]
fn a_folder_is_served_and_a_change_is_pushed_and_applied() {
    let Some(module) = module("a_folder_is_served_and_a_change_is_pushed_and_applied") else { return };
    let folder = tempfile::tempdir().unwrap();
    let (xds, out) = (folder.path().join("xds"), folder.path().join("apisix.yaml"));
    std::fs::create_dir(&xds).unwrap();
    copy("before", &xds, &["cds.pb", "eds.pb", "lds.pb", "rds.pb", "rds.json"]);
    let mut server = Service::start(folder.path(), &["serve", "xds", "--listen", "127.0.0.1:0"]);
    let line = server.hears("serving xDS on ");
    assert!(line.ends_with("CDS 16, EDS 12, LDS 3, RDS 1"), "{line}");
    let url =
        line.split_whitespace().find(|word| word.starts_with("http://")).unwrap().trim_end_matches(':').to_owned();
    let arguments = ["run", "--xds", &url, "--module", &module, "--out", "apisix.yaml", "--node-id", "me"];
    let mut client = Service::start(folder.path(), &arguments);
    client.hears("apisix.yaml: 7 routes, 4 upstreams");
    client.hears("RDS: acknowledged");
    server.hears("\"me\" uses RDS");
    assert!(!std::fs::read_to_string(&out).unwrap().contains("|v1|"));

    std::fs::write(xds.join("rds.pb"), b"\x0a\xff\xff").unwrap();
    server.hears("what was served before is served on");
    copy("after", &xds, &["rds.pb"]);
    server.hears("the files have changed");
    client.hears("applied");
    server.hears("\"me\" uses RDS");
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.contains("outbound|9080|v1|reviews") && written.ends_with("\n#END\n"));
    client.stop("-INT");
    server.hears("\"me\" is gone");
    server.stop("-TERM");
}

#[test]
fn a_control_plane_that_is_away_is_waited_for() {
    let Some(module) = module("a_control_plane_that_is_away_is_waited_for") else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut client = Service::start(folder.path(), &["run", "--xds", "http://127.0.0.1:1", "--module", &module]);
    client.hears("no stream: ");
    client.hears("connecting to ");
    client.stop("-TERM");
    assert!(!folder.path().join("out/apisix.yaml").exists(), "nothing was heard, so nothing is written");
}

#[test]
fn what_cannot_be_served_is_refused_at_the_start() {
    let run = |arguments: &[&str]| crate::support::amesh(arguments);
    assert_eq!(run(&["serve", "no/such/folder"]).code, 2);
    assert_eq!(run(&["serve", "src/cli/input"]).code, 2);
    let twice = run(&["serve", "examples/bookinfo/xds/sidecar/before", "--listen", "192.0.2.1:1"]);
    assert!(twice.code == 1 && twice.stderr.contains("192.0.2.1:1: "), "{twice:?}");
}

#[test]
fn settings_that_make_no_sense_are_bad_usage() {
    let usage = |arguments: &[&str], expected: &str| {
        let run = crate::support::amesh(&[&["run", "--module", "x"], arguments].concat());
        assert!(run.code == 2 && run.stderr.contains(expected), "{run:?}");
    };
    usage(&[], "--xds");
    usage(&["--xds", "ftp://x", "--apisix", "http://127.0.0.1:1/amesh"], "ftp://x");
    usage(&["--xds", "http://127.0.0.1:1", "--apisix", "nonsense"], "nonsense");
    usage(&["--xds", "http://127.0.0.1:1", "--node-metadata", "Makefile"], "Makefile");
    usage(&["--xds", "http://127.0.0.1:1"], "make plugin");
}
