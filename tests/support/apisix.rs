//! A running APISIX in API-driven standalone mode, to which configurations of tests are put.
//!
//! `AMESH_APISIX_URL` is where it takes requests, `AMESH_APISIX_ADMIN_URL` its Admin API, `AMESH_APISIX_ADMIN_KEY` the
//! key. All of its configuration is replaced: never name one that somebody uses.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use amesh_simulator::Request;
use serde_json::{Value, json};

use super::files::skipped;
use super::http::{Answer, exchange, send};

const PATIENCE: Duration = Duration::from_secs(20);
/// A host that no test asks for.
const PROBE: &str = "amesh-probe.invalid";

/// The running APISIX.
#[derive(Debug)]
pub struct Apisix {
    /// Where it takes requests.
    pub gateway: SocketAddr,
    admin: SocketAddr,
    key: String,
}

impl Apisix {
    /// The one that the environment names, or `None` after saying that `loss`.
    #[must_use]
    pub fn named(loss: &str) -> Option<Self> {
        let Ok(gateway) = std::env::var("AMESH_APISIX_URL") else {
            skipped(&format!("AMESH_APISIX_URL is not set: {loss}"));
            return None;
        };
        let setting = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} goes with AMESH_APISIX_URL"));
        Some(Self {
            gateway: address(&gateway),
            admin: address(&setting("AMESH_APISIX_ADMIN_URL")),
            key: setting("AMESH_APISIX_ADMIN_KEY"),
        })
    }

    /// Replaces all of its configuration and waits until requests are decided by it; the error is what APISIX says.
    pub fn put(&self, document: &Value) -> Result<(), String> {
        let token = token();
        let mut document = document.clone();
        let probe = json!({"id": "amesh-probe", "hosts": [PROBE], "uri": "/*",
            "plugins": {"fault-injection": {"abort": {"http_status": 200, "body": token}}}});
        document["routes"].as_array_mut().expect("routes").push(probe);
        let body = document.to_string();
        let head = format!(
            "PUT /apisix/admin/configs HTTP/1.1\r\nHost: admin\r\nX-API-KEY: {}\r\nX-Digest: {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            self.key,
            body.len()
        );
        let answer = exchange(self.admin, (head + &body).as_bytes()).map_err(|error| error.to_string())?;
        if !(200..300).contains(&answer.status) {
            return Err(format!("{} {}", answer.status, answer.body));
        }
        self.wait_for(&token)
    }

    fn wait_for(&self, token: &str) -> Result<(), String> {
        let started = Instant::now();
        let in_force = |answer: Answer| answer.body.trim() == token;
        while !send(self.gateway, &Request::get(PROBE, "/")).is_ok_and(in_force) {
            if started.elapsed() > PATIENCE {
                return Err("the configuration was taken, but does not come into force".into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

fn address(url: &str) -> SocketAddr {
    let rest = url.strip_prefix("http://").unwrap_or_else(|| panic!("{url}: http://IP:PORT is needed"));
    rest.trim_end_matches('/').parse().unwrap_or_else(|_| panic!("{url}: http://IP:PORT is needed"))
}

/// A text that no document had before: APISIX knows documents by it.
fn token() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_nanos();
    format!("{now:x}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
