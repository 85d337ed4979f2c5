//! The words.

use crate::exit::Failure;
use crate::narrate::{diagnostics, seconds, service, size};
use crate::sink::Configuration;
use crate::style::{BOLD, CYAN, DIM, GREEN};
use crate::{diff, narrate};
use amesh_batch::plural;
use amesh_fetcher::Event;
use amesh_fetcher::protocol::{ApplyState, StreamAnswer};
use amesh_fetcher::server::Snapshot;
use amesh_translator::{Diagnostic, Severity};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// What a type is called here.
fn noun(type_url: &str) -> &'static str {
    match service(type_url) {
        "LDS" => "listener",
        "RDS" => "route configuration",
        "CDS" => "cluster",
        "EDS" => "endpoint list",
        _ => "resource",
    }
}

pub(super) struct Story {
    started: Instant,
    steps: u32,
    said: Vec<Diagnostic>,
}

impl Story {
    pub(super) fn begin() -> Self {
        anstream::println!("{BOLD}amesh demo{BOLD:#}: a service mesh in, Apache APISIX configuration out\n");
        Self { started: Instant::now(), steps: 0, said: Vec::new() }
    }

    pub(super) fn step(&mut self, title: &str) {
        self.steps = self.steps.saturating_add(1);
        anstream::println!("{CYAN}{}.{CYAN:#} {BOLD}{title}{BOLD:#}", self.steps);
    }

    /// One line of a step, with the time since the start.
    fn line(&self, text: &str) {
        anstream::println!("   {DIM}{:>5.2} s{DIM:#}  {text}", self.started.elapsed().as_secs_f64());
    }

    pub(super) fn serving(&self, snapshot: &Snapshot, address: SocketAddr) {
        let counts: Vec<String> = snapshot.counts().map(|(url, count)| plural(count, noun(url))).collect();
        self.line(&format!("serving {} on {address}", counts.join(", ")));
    }

    pub(super) fn loaded(&self, module: &Path) {
        let bytes = module.metadata().ok().and_then(|metadata| usize::try_from(metadata.len()).ok());
        let here = std::env::current_dir().unwrap_or_default();
        let shown = module.strip_prefix(here).unwrap_or(module).display();
        self.line(&format!("{shown} ({}) is running", size(bytes.unwrap_or_default())));
    }

    pub(super) fn event(&mut self, event: &Event) {
        match event {
            Event::Connected { target } => self.line(&format!("connected to {target}")),
            Event::Response { type_url, resources, bytes, elapsed, .. } => {
                let asked = elapsed.map_or("sent unasked".to_owned(), |elapsed| format!("after {}", seconds(elapsed)));
                let what = plural(*resources, noun(type_url));
                self.line(&format!("{}  received {what}, {}, {asked}", service(type_url), size(*bytes)));
            }
            Event::Verdict { answer, elapsed, .. } => self.verdict(answer, *elapsed),
            Event::Apply { apply, .. } if apply.state == ApplyState::Deferred => {
                let wait = apply.flush_after().map(seconds).unwrap_or_default();
                self.line(&format!("waiting {wait}: APISIX sees at most one change of a file in a second"));
            }
            Event::Reconnecting { .. } | Event::IngestFailed { .. } | Event::Expired { .. } => {
                if let Some(text) = narrate::client(event) {
                    self.line(&text);
                }
            }
            _ => {}
        }
    }

    fn verdict(&mut self, answer: &StreamAnswer, elapsed: Duration) {
        self.said.extend(diagnostics(answer, Severity::Info));
        let counts = answer.counts;
        let mut text =
            format!("{}  translated in {}: {} new", service(&answer.type_url), seconds(elapsed), counts.accepted);
        for (count, what) in [(counts.unchanged, "as before"), (counts.removed, "gone"), (counts.refused, "refused")] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        if answer.outstanding > 0 {
            let _ = write!(text, "; {} more needed before anything is applied", answer.outstanding);
        }
        self.line(&text);
    }

    pub(super) fn written(&mut self, path: &Path, configuration: &Configuration) {
        self.made(path, configuration);
        let of = |severity| self.said.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        let counts = format!("{}, {}", plural(errors, "error"), plural(warnings, "warning"));
        self.line(&format!("{counts} on what APISIX cannot do, or not quite; `amesh translate` lists them"));
    }

    fn made(&self, path: &Path, configuration: &Configuration) {
        let (routes, upstreams) = (configuration.routes.len(), configuration.upstreams.len());
        let made = format!("{}, {}", plural(routes, "route"), plural(upstreams, "upstream"));
        self.line(&format!("{GREEN}{}{GREEN:#} written: {made}; acknowledged to the control plane", path.display()));
    }

    /// The difference; none would mean that the story is not true.
    pub(super) fn changed(
        &mut self,
        path: &Path,
        before: &Configuration,
        after: &Configuration,
    ) -> Result<(), Failure> {
        self.made(path, after);
        let lines = diff::lines(before, after);
        if lines.is_empty() {
            return Err(Failure::Failed("the configuration has not changed".to_owned()));
        }
        anstream::println!("\n   What changed in {}:", path.display());
        for line in &lines {
            anstream::println!("   {line}");
        }
        anstream::println!();
        Ok(())
    }

    pub(super) fn end(&self, path: &Path) {
        let elapsed = seconds(self.started.elapsed());
        anstream::println!(
            "{GREEN}Done{GREEN:#} in {elapsed}. {} is what APISIX in standalone mode reads.",
            path.display()
        );
        anstream::println!("Next: `amesh run --help` for your control plane, `amesh translate FILE` for your files.");
    }
}
