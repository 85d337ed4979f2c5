//! Real Envoy against APISIX: a configuration that Envoy runs, translated, is asked what Envoy has just answered.
//!
//! A request counts once Envoy and its model agree about it; then the model tells all that Envoy may do with it, in every
//! draw, and how likely, which no number of requests would show. That is compared with the model of APISIX, which runs
//! the translation. Real here are Envoy and the translator; APISIX is its model, held against recordings of a real one.

use std::collections::BTreeMap;

use amesh_simulator::Request;
use amesh_tests::message::{CLUSTER, LISTENER, encode, response};
use amesh_tests::session::Native;
use amesh_translator::{Code, Options};
use amesh_verify::{Budget, Mesh, Probe, Report, Subjects, verify};
use serde_json::Value;

use crate::case::Case;

/// What came of all configurations.
#[derive(Default)]
pub(crate) struct Comparison {
    configurations: usize,
    report: Report,
    /// Undeclared differences, by configuration.
    undeclared: BTreeMap<String, Report>,
}

/// A configuration and what is made of it, as both proxies have it.
pub(crate) struct Translation {
    subjects: Subjects,
    /// What APISIX gets.
    pub(crate) document: Value,
}

impl Translation {
    /// `resources`: listeners and clusters in JSON, each with its `@type`.
    pub(crate) fn of(resources: &[Value]) -> Self {
        let encoded =
            |url: &str| -> Vec<Vec<u8>> { resources.iter().filter(|it| it["@type"] == url).map(encode).collect() };
        let (clusters, listeners) = (encoded(CLUSTER), encoded(LISTENER));
        let messages = [response(CLUSTER, "1", clusters.clone()), response(LISTENER, "1", listeners.clone())];
        let native = Native::with(Options::default(), &messages);
        let of = |url, list: &[Vec<u8>]| list.iter().map(|it| (url, it.clone())).collect::<Vec<_>>();
        let all = [of(CLUSTER, &clusters), of(LISTENER, &listeners)].concat();
        let mesh = Mesh::read(all.iter().map(|(url, bytes)| (*url, bytes.as_slice()))).expect("resources");
        let document = native.document();
        let subjects = Subjects::new(&mesh, &document, native.translator.diagnostics());
        Self { subjects: subjects.expect("both proxies take the configuration"), document }
    }
}

impl Comparison {
    /// A configuration with the requests about which Envoy and its model agree.
    pub(crate) fn add(&mut self, case: &Case, translation: &Translation, requests: &[Request]) {
        let probes: Vec<Probe> = requests.iter().cloned().map(Probe::new).collect();
        let report = verify(&translation.subjects, &probes, Budget { requests: probes.len() });
        self.configurations += 1;
        if report.undeclared > 0 {
            self.undeclared.insert(case.name.clone(), report.clone());
        }
        if let Some(declared) = &case.declared {
            let is_other = |code: &&Code| !declared.iter().any(|known| known == code.text());
            let others: Vec<&Code> = report.declared.keys().filter(is_other).collect();
            assert!(others.is_empty() && report.not_modelled.is_empty(), "{}: {others:?}\n{report}", case.name);
        }
        self.report.merge(Report { counter_examples: Vec::new(), ..report });
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("real Envoy and the translation in APISIX's model, {} configurations:", self.configurations);
        println!("{}", self.report);
        for (name, report) in &self.undeclared {
            report.counter_examples.iter().take(3).for_each(|example| println!("{name}: {example}"));
        }
    }

    /// Any difference that no diagnostic declares is a fault.
    pub(crate) fn check(&self, known: usize) {
        let undeclared = self.report.undeclared;
        assert!(undeclared <= known, "{undeclared} undeclared in {} configurations", self.undeclared.len());
    }
}
