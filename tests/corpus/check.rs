//! One scenario: both ways through the product, then everything that must hold of the result.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use amesh_simulator::apisix::Gateway;
use amesh_simulator::apisix::schema::Schema;
use amesh_tests::message::{self, Types, name_of};
use amesh_tests::session::{Answer, Native, Receiver};
use amesh_tests::worker::Worker;
use amesh_translator::{Diagnostic, Kind, Options, Severity};
use prost_reflect::DynamicMessage;
use serde_json::Value;

use crate::account::{Account, Due, Whole};
use crate::scenario::{Resource, Scenario};

/// The codes that refuse a resource or a message.
const REFUSALS: [&str; 5] = ["AM0001", "AM0002", "AM0003", "AM0004", "AM0005"];

/// What the scenarios are checked with.
pub(crate) struct Bench<'a> {
    pub(crate) types: &'a Types,
    pub(crate) schema: &'a Schema,
    pub(crate) worker: Option<Worker>,
}

/// What came of one scenario.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) scenario: String,
    pub(crate) source: String,
    pub(crate) problems: Vec<String>,
    pub(crate) accepted: usize,
    /// Resource and error.
    pub(crate) refused: Vec<(String, String)>,
    pub(crate) beyond_reference: usize,
    pub(crate) routes: usize,
    pub(crate) upstreams: usize,
    /// Places by severity.
    pub(crate) diagnostics: BTreeMap<Severity, usize>,
    /// Fields and extensions that had to be reported, and were.
    pub(crate) accounted: usize,
}

impl Bench<'_> {
    /// Never panics: what the product does wrong is a problem in the outcome.
    pub(crate) fn check(&mut self, scenario: &Scenario) -> Outcome {
        let mut outcome = Outcome {
            scenario: scenario.name.clone(),
            source: scenario.source().to_owned(),
            beyond_reference: scenario.beyond_reference,
            ..Outcome::default()
        };
        let responses = scenario.responses();
        if catch_unwind(AssertUnwindSafe(|| self.translate(scenario, &responses, &mut outcome))).is_err() {
            outcome.problem("the translator, or this test, panicked");
        }
        if let Err(difference) = self.compare(&responses) {
            outcome.problem(&format!("native and module differ: {difference}"));
        }
        outcome
    }

    fn translate(&self, scenario: &Scenario, responses: &[Vec<u8>], outcome: &mut Outcome) {
        let options = Options { unbound_routes: !scenario.has_listeners(), ..Options::default() };
        let native = Native::with(options, responses);
        if !native.translator.ready() {
            outcome.problem(&format!("still outstanding: {:?}", native.translator.outstanding()));
        }
        outcome.routes = native.translator.target(Kind::Routes).count();
        outcome.upstreams = native.translator.target(Kind::Upstreams).count();
        let document = native.document();
        self.check_document(&document, outcome);
        let diagnostics = native.translator.diagnostics();
        for diagnostic in &diagnostics {
            *outcome.diagnostics.entry(diagnostic.severity).or_default() += diagnostic.count as usize;
        }
        self.check_account(scenario, &diagnostics, outcome);
        // A resource may be refused beside one of the same name that is in use.
        for error in native.errors.iter().filter(|it| REFUSALS.contains(&it.code.text())) {
            let refused = (error.resource.clone(), error.message.clone());
            if !outcome.refused.contains(&refused) {
                outcome.refused.push(refused);
            }
        }
    }

    fn check_document(&self, document: &Value, outcome: &mut Outcome) {
        for violation in self.schema.check(document) {
            outcome.problem(&format!("APISIX's schema: {violation}"));
        }
        if let Err(refusal) = Gateway::load(document) {
            outcome.problem(&format!("APISIX refuses: {refusal}"));
        }
        check_no_code(document, outcome);
    }

    /// Every resource is either refused, with a reason, or everything in it that is not translated is reported.
    fn check_account(&self, scenario: &Scenario, diagnostics: &[Diagnostic], outcome: &mut Outcome) {
        for resource in &scenario.resources {
            let message = self.types.from_bytes(&resource.url, &resource.bytes);
            let Some((label, message)) = message.and_then(|message| Some((label(resource, &message)?, message))) else {
                continue;
            };
            let about: Vec<&Diagnostic> = diagnostics.iter().filter(|it| it.resource == label).collect();
            if let Some(refusal) = about.iter().find(|it| it.code.text() == "AM0003") {
                outcome.refused.push((label, refusal.message.clone()));
                continue;
            }
            outcome.accepted += 1;
            if about.iter().any(|it| it.code.text() == "AM0405") {
                continue;
            }
            let denied = about.iter().filter(|it| it.code.text() == "AM0302");
            let denied: Vec<Whole> = denied.map(|it| Whole { path: it.path.clone(), count: it.count }).collect();
            for due in Account::of(self.types, &message, &denied) {
                if is_reported(&due, &about) {
                    outcome.accounted += 1;
                } else {
                    outcome.problem(&format!("{label}: not reported: {} {} at {}", due.code, due.message, due.path));
                }
            }
        }
    }

    /// Sends the same to the translator and to the module and compares every byte of the answers.
    fn compare(&mut self, responses: &[Vec<u8>]) -> Result<(), String> {
        let Some(worker) = &mut self.worker else { return Ok(()) };
        let mut native = Native::new(Options::default());
        let result = compare(&mut native, worker, responses);
        if result.is_err() {
            // After a trap the instance is of no use any more.
            self.worker = Worker::start("{}");
        }
        result
    }
}

fn compare(native: &mut Native, worker: &mut Worker, responses: &[Vec<u8>]) -> Result<(), String> {
    worker.open()?;
    for (index, response) in responses.iter().enumerate() {
        same(&format!("response {index}"), &native.stream(response)?, &worker.stream(response)?)?;
    }
    for (type_url, names) in native.translator.outstanding() {
        same("expire", &native.expire(&type_url, &names)?, &worker.expire(&type_url, &names)?)?;
    }
    let (one, other) = (native.diagnostics()?, worker.diagnostics()?);
    if one == other { Ok(()) } else { Err(format!("diagnostics\n{one:?}\n{other:?}")) }
}

fn same(what: &str, native: &Answer, module: &Answer) -> Result<(), String> {
    if native == module { Ok(()) } else { Err(format!("{what}\n{native:?}\n{module:?}")) }
}

impl Outcome {
    pub(crate) fn problem(&mut self, what: &str) {
        let what: String = what.chars().take(1_500).collect();
        self.problems.push(format!("{}: {what}", self.scenario));
    }
}

/// How diagnostics name a resource; `None` for types that are not translated.
fn label(resource: &Resource, message: &DynamicMessage) -> Option<String> {
    let key = match resource.url.as_str() {
        message::ENDPOINTS => "cluster_name",
        message::CLUSTER | message::LISTENER | message::ROUTES => "name",
        _ => return None,
    };
    let name = message.get_field_by_name(key)?;
    Some(format!("{} {:?}", name_of(&resource.url).rsplit('.').next()?, name.as_str()?))
}

/// Endpoints that are reached over a socket that cannot be translated may be reported in place of the socket.
fn is_reported(due: &Due, about: &[&Diagnostic]) -> bool {
    let is_socket = due.path.starts_with("transport_socket_matches");
    about.iter().any(|it| match it.code.text() {
        "AM0403" => is_socket,
        code => code == due.code && (due.message.is_empty() || it.message == due.message),
    })
}

/// Nothing that APISIX would run as Lua, or hand to another program, comes out of xDS.
fn check_no_code(value: &Value, outcome: &mut Outcome) {
    const FIELDS: [&str; 4] = ["script", "script_id", "filter_func", "functions"];
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                if FIELDS.contains(&key.as_str()) || key.starts_with("serverless-") || key.starts_with("ext-plugin-") {
                    outcome.problem(&format!("code in the output: {key}"));
                }
                check_no_code(below, outcome);
            }
        }
        Value::Array(list) => list.iter().for_each(|below| check_no_code(below, outcome)),
        _ => {}
    }
}
