//! A real Envoy, the judge of what xDS means. `AMESH_ENVOY` names the program.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::files::skipped;
use super::http;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running Envoy with its files; it ends with this value.
#[derive(Debug)]
pub struct Envoy {
    process: Child,
    folder: PathBuf,
    admin: SocketAddr,
}

impl Drop for Envoy {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// The program, or `None` after saying that `loss`.
#[must_use]
pub fn program(loss: &str) -> Option<PathBuf> {
    let program = std::env::var_os("AMESH_ENVOY").map(PathBuf::from);
    if program.is_none() {
        skipped(&format!("AMESH_ENVOY is not set: {loss}"));
    }
    program
}

impl Envoy {
    /// Starts Envoy and waits until it is live. `bootstrap` needs no admin address.
    #[must_use]
    pub fn start(program: &PathBuf, mut bootstrap: Value) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("amesh-tests-envoy-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        bootstrap["admin"] = json!({"address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}}});
        let (config, admin, log) = (folder.join("bootstrap.json"), folder.join("admin"), folder.join("log"));
        std::fs::write(&config, bootstrap.to_string()).unwrap();
        let process = Command::new(program)
            .arg("--config-path")
            .arg(&config)
            .arg("--admin-address-path")
            .arg(&admin)
            .args(["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"])
            .arg("--log-path")
            .arg(&log)
            .stderr(Stdio::inherit())
            .spawn()
            .expect("AMESH_ENVOY can be started");
        let mut envoy = Self { process, folder, admin: ([127, 0, 0, 1], 0).into() };
        envoy.admin = envoy.until("Envoy's admin port", |_| std::fs::read_to_string(&admin).ok()?.trim().parse().ok());
        envoy.until("Envoy is live", |it| (it.json("/server_info")?["state"] == "LIVE").then_some(()));
        envoy
    }

    /// Tries until there is an answer; fails with Envoy's log after some time, or where Envoy has ended.
    pub fn until<T>(&mut self, what: &str, attempt: impl Fn(&Self) -> Option<T>) -> T {
        let started = Instant::now();
        loop {
            if let Some(found) = attempt(self) {
                return found;
            }
            let ended = self.process.try_wait().expect("a process");
            let waits = ended.is_none() && started.elapsed() < PATIENCE;
            assert!(waits, "not in time: {what}; Envoy says: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The last lines; Envoy writes the whole configuration before it says what is wrong with it.
    fn log(&self) -> String {
        let log = std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }

    /// A page of the admin interface.
    #[must_use]
    pub fn json(&self, path: &str) -> Option<Value> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n");
        serde_json::from_str(&http::exchange(self.admin, request.as_bytes()).ok()?.body).ok()
    }

    /// Where a listener accepts connections.
    #[must_use]
    pub fn address_of(&self, listener: &str) -> Option<SocketAddr> {
        let page = self.json("/listeners?format=json")?;
        let statuses = page["listener_statuses"].as_array()?;
        let status = statuses.iter().find(|status| status["name"] == listener)?;
        let address = &status["local_address"]["socket_address"];
        let port = u16::try_from(address["port_value"].as_u64()?).ok()?;
        Some(SocketAddr::new(address["address"].as_str()?.parse().ok()?, port))
    }

    /// The names in the dump of what Envoy was served, such as `dynamic_active_clusters` with `/cluster/name`, sorted.
    #[must_use]
    pub fn dumped(&self, list: &str, path: &str) -> Vec<String> {
        let dump = self.json("/config_dump?include_eds").expect("a dump");
        let configs = dump["configs"].as_array().expect("configs");
        let entries = configs.iter().filter_map(|config| config[list].as_array()).flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.pointer(path)?.as_str().map(str::to_owned)).collect();
        names.sort();
        names
    }
}
