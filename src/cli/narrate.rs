//! What services say while they run: one line an event, on standard error.

use crate::style::{self, BOLD, DIM, RED};
use amesh_batch::plural;
use amesh_fetcher::Event;
use amesh_fetcher::protocol::{Apply, ApplyState, StreamAnswer};
use amesh_fetcher::server::ServerEvent;
use amesh_translator::{Diagnostic, Severity};
use std::time::{Duration, SystemTime};

/// The usual name of a resource type's service; the type's own name where there is none.
pub(crate) fn service(type_url: &str) -> &str {
    match type_url.rsplit('.').next().unwrap_or(type_url) {
        "Listener" => "LDS",
        "RouteConfiguration" => "RDS",
        "Cluster" => "CDS",
        "ClusterLoadAssignment" => "EDS",
        "Secret" => "SDS",
        name => name,
    }
}

/// One line with the time.
pub(crate) fn say(line: &str) {
    let now = humantime::format_rfc3339_seconds(SystemTime::now());
    anstream::eprintln!("{DIM}{now}{DIM:#} {line}");
}

/// What a server's event means, in words.
pub(crate) fn server(event: &ServerEvent) -> String {
    match event {
        ServerEvent::Connected { node, cluster, .. } => format!("{node:?} connected (cluster {cluster:?})"),
        ServerEvent::Subscribed { node, type_url, names } => {
            let names = names.map_or_else(|| "all".to_owned(), |count| plural(count, "name"));
            format!("{node:?} asks for {}: {names}", service(type_url))
        }
        ServerEvent::Sent { node, type_url, version, resources } => {
            format!("{node:?} is sent {} {version}: {}", service(type_url), plural(*resources, "resource"))
        }
        ServerEvent::Ack { node, type_url, version } => format!("{node:?} uses {} {version}", service(type_url)),
        ServerEvent::Nack { node, type_url, version, detail } => {
            format!("{RED}{node:?} refuses {} {version}{RED:#}: {}", service(type_url), one_line(detail))
        }
        ServerEvent::Closed { node, reason } => format!("{node:?} is gone: {}", one_line(reason)),
        ServerEvent::ConnectionFailed { reason } => format!("a connection failed: {}", one_line(reason)),
    }
}

/// What a client's event means, in words; `None` where another event says it.
pub(crate) fn client(event: &Event) -> Option<String> {
    Some(match event {
        Event::Connecting { target } => format!("connecting to {target}"),
        Event::Connected { target } => format!("connected to {target}"),
        Event::Replaying { reason, messages } => {
            format!(
                "the receiver lost its state ({}); telling it {} again",
                one_line(reason),
                plural(*messages, "message")
            )
        }
        Event::Subscribed { type_url, wildcard: true, .. } => format!("{}: asking for all", service(type_url)),
        Event::Subscribed { type_url, names, .. } => {
            format!("{}: asking for {}", service(type_url), plural(*names, "name"))
        }
        Event::Response { type_url, version, resources, bytes, .. } => {
            let (resources, size) = (plural(*resources, "resource"), size(*bytes));
            format!("{}: {resources} in {size}, version {version:?}", service(type_url))
        }
        Event::Unsolicited { type_url } => {
            format!("{}: a response that nobody asked for is ignored", service(type_url))
        }
        Event::Verdict { answer, elapsed, replayed: false } => verdict(answer, *elapsed),
        Event::Verdict { .. } | Event::SessionOpened { .. } => return None,
        Event::Apply { apply, elapsed, .. } => applied(apply, *elapsed)?,
        Event::Ack { type_url, version } => format!("{}: acknowledged {version:?}", service(type_url)),
        Event::Nack { type_url, detail, .. } => {
            format!("{RED}{}: refused{RED:#}: {}", service(type_url), one_line(detail))
        }
        Event::Expired { type_url, names } => {
            format!("{}: {} did not come and count as absent", service(type_url), plural(names.len(), "resource"))
        }
        Event::Reconnecting { reason, wait } => {
            format!("no stream: {}; trying again in {}", one_line(reason), seconds(*wait))
        }
        Event::IngestFailed { reason, wait } => format!("{}; trying again in {}", one_line(reason), seconds(*wait)),
        Event::Stopped => "stopped".to_owned(),
    })
}

fn verdict(answer: &StreamAnswer, elapsed: Duration) -> String {
    let counts = answer.counts;
    let parts = [("used", counts.accepted), ("as before", counts.unchanged), ("gone", counts.removed)];
    let mut said: Vec<String> = parts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{n} {what}")).collect();
    if counts.refused > 0 {
        said.push(format!("{RED}{} refused{RED:#}", counts.refused));
    }
    if answer.outstanding > 0 {
        said.push(format!("{} still to come", answer.outstanding));
    }
    format!("{}: {} ({})", service(&answer.type_url), said.join(", "), seconds(elapsed))
}

fn applied(apply: &Apply, elapsed: Duration) -> Option<String> {
    let message = apply.message.as_deref().map(one_line).unwrap_or_default();
    let wait = || apply.flush_after().map(seconds).unwrap_or_default();
    Some(match apply.state {
        ApplyState::Applied => {
            let (upserts, deletes) = (apply.upserts, apply.deletes);
            format!("{BOLD}applied{BOLD:#}: {upserts} made or changed, {deletes} deleted ({})", seconds(elapsed))
        }
        ApplyState::Refused => format!("{RED}APISIX refuses the configuration{RED:#}: {message}"),
        ApplyState::Retry => format!("not applied yet ({message}); again in {}", wait()),
        ApplyState::Deferred => format!("the next change is applied in {}", wait()),
        ApplyState::Unchanged | ApplyState::Waiting | ApplyState::Held => return None,
    })
}

/// The diagnostics that came with a verdict, of this severity at least.
pub(crate) fn diagnostics(answer: &StreamAnswer, least: Severity) -> Vec<Diagnostic> {
    let all = answer.diagnostics.as_ref().map(|text| serde_json::from_str::<Vec<Diagnostic>>(text.get()));
    all.and_then(Result::ok).into_iter().flatten().filter(|diagnostic| diagnostic.severity >= least).collect()
}

/// A diagnostic in one line.
pub(crate) fn diagnostic(diagnostic: &Diagnostic) -> String {
    let Diagnostic { resource, path, message, .. } = diagnostic;
    let (word, colour) = style::severity(diagnostic.severity);
    let place = if path.is_empty() { String::new() } else { format!(" {path}:") };
    format!("{colour}{word}[{}]{colour:#} {resource}:{place} {message}", diagnostic.code.text())
}

fn one_line(text: &str) -> String {
    text.lines().collect::<Vec<_>>().join("; ").chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `1.25 s`, `3.4 ms`.
pub(crate) fn seconds(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 1.0 => format!("{:.1} ms", seconds * 1000.0),
        seconds => format!("{seconds:.2} s"),
    }
}

/// `10.1 KiB`.
pub(crate) fn size(bytes: usize) -> String {
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let kib = bytes as f64 / 1024.0;
    if kib < 1024.0 { format!("{kib:.1} KiB") } else { format!("{:.1} MiB", kib / 1024.0) }
}
