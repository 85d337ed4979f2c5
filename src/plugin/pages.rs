//! What people and Prometheus may read about an instance. No secret is shown.

use std::fmt::{Debug, Write};

use amesh_translator::{Kind, Severity, TypeSummary, shown};
use serde_json::json;

use crate::answer::Answer;
use crate::instance::Instance;

/// Versions and counts by type, and how the last attempt to apply ended.
pub(crate) fn status(instance: &Instance) -> Answer {
    Answer::json(&json!({
        "version": env!("CARGO_PKG_VERSION"),
        "instance": instance.config.instance,
        "mode": instance.config.apply,
        "session": instance.session,
        "sequence": instance.sequence,
        "busy": instance.record.busy,
        "ready": instance.translator.ready(),
        "last_apply": instance.record.last,
        "summary": instance.translator.summary(),
    }))
}

/// The translated configuration as last applied.
pub(crate) fn config(instance: &Instance) -> Answer {
    let resources = |kind| instance.translator.applied(kind).map(|upsert| shown(upsert.json)).collect::<Vec<_>>();
    Answer::json(&json!({ "upstreams": resources(Kind::Upstreams), "routes": resources(Kind::Routes) }))
}

/// Every diagnostic in force.
pub(crate) fn diagnostics(instance: &Instance) -> Answer {
    Answer::json(&json!({ "diagnostics": instance.translator.diagnostics() }))
}

/// Prometheus' text format.
pub(crate) fn metrics(instance: &Instance) -> Answer {
    let (summary, diagnostics) = (instance.translator.summary(), instance.translator.diagnostics());
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, label: &str, samples: Vec<(String, u64)>| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# TYPE amesh_{name} {kind}");
        for (value, number) in samples {
            let instance = &instance.config.instance;
            let _ = writeln!(text, "amesh_{name}{{instance=\"{instance}\",{label}=\"{value}\"}} {number}");
        }
    };
    let [acks, nacks] = instance.record.messages;
    family("messages_total", "counter", "verdict", vec![("ack".to_owned(), acks), ("nack".to_owned(), nacks)]);
    let outcomes = instance.record.outcomes.iter().map(|(state, count)| (label(state), *count));
    family("apply_total", "counter", "state", outcomes.collect());
    let by_type = |number: fn(&TypeSummary) -> u32| {
        let name = |of: &TypeSummary| of.type_url.rsplit('.').next().unwrap_or_default().to_owned();
        summary.types.iter().map(|of| (name(of), number(of).into())).collect()
    };
    family("xds_resources", "gauge", "type", by_type(|of| of.resources));
    family("xds_outstanding", "gauge", "type", by_type(|of| of.outstanding));
    family("xds_refused", "gauge", "type", by_type(|of| of.refused));
    let resources = [("routes", summary.routes), ("upstreams", summary.upstreams), ("pending", summary.pending)];
    family(
        "apisix_resources",
        "gauge",
        "kind",
        resources.map(|(name, number)| (name.to_owned(), number.into())).into(),
    );
    let places = |severity| diagnostics.iter().filter(move |of| of.severity == severity).map(|of| u64::from(of.count));
    let severities = [Severity::Info, Severity::Warning, Severity::Error];
    family("diagnostics", "gauge", "severity", severities.map(|of| (label(&of), places(of).sum())).into());
    Answer { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", body: text.into_bytes() }
}

fn label(value: &impl Debug) -> String {
    format!("{value:?}").to_lowercase()
}
