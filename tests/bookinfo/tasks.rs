//! The traffic management tasks of Istio's documentation (`examples/istio`): what the documentation promises is held
//! against a real Envoy with the captured xDS, against the model of Envoy, and, with the translation, against the model
//! of APISIX. Where APISIX does something else, the case says what, and by which codes the translation declares it.
//!
//! The models get what was captured, and sidecars' connections as a packet filter would redirect them. The real Envoy gets
//! it with the changes of [`crate::stock`], and its connections directly.

mod case;
mod files;
mod models;
mod real;
mod seen;

use amesh_tests::envoy::{Envoy, program};
use amesh_tests::files::{root, shared};
use amesh_tests::message::Types;
use amesh_tests::session::Native;
use amesh_translator::Options;
use amesh_verify::{Budget, Mesh, Probe, Subjects, verify};
use serde::Deserialize;

use crate::ads::Ads;
use crate::mesh::FILES;
use crate::{endpoints, stock};
use case::Case;
use seen::Observed;

/// A task, as in `tasks.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    pub(crate) name: String,
    /// Whose xDS was captured.
    pub(crate) node: String,
}

/// All tasks.
pub(crate) fn all() -> Vec<Task> {
    let text = std::fs::read(root().join("examples/istio/tasks.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

impl Task {
    fn file(&self, name: &str) -> std::path::PathBuf {
        root().join("examples/istio").join(&self.name).join(name)
    }

    pub(crate) fn cases(&self) -> Vec<Case> {
        let path = self.file("requests.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What the control plane sent, clusters first.
    pub(crate) fn responses(&self) -> Vec<Vec<u8>> {
        let mut reader = amesh_input::Reader::default();
        for file in FILES {
            let path = self.file(&format!("xds/{file}.json"));
            reader.file(file, &std::fs::read(&path).unwrap(), None).unwrap();
        }
        reader.finish().responses().iter().map(|bytes| bytes.to_vec()).collect()
    }

    fn subjects(&self) -> Subjects {
        let responses = self.responses();
        let native = Native::with(Options::default(), &responses);
        let resources = responses.iter().flat_map(|bytes| crate::mesh::resources(bytes)).collect::<Vec<_>>();
        let mesh = Mesh::read(resources.iter().map(|it| (it.type_url.as_str(), it.value.as_ref()))).unwrap();
        Subjects::new(&mesh, &native.document(), native.translator.diagnostics()).unwrap()
    }
}

fn complain(problems: &mut Vec<String>, task: &Task, case: &Case, who: &str, observed: &Observed, apisix: bool) {
    let expected = if apisix { case.with_apisix() } else { &case.expect };
    for problem in observed.problems(expected) {
        problems.push(format!("{}: {} ({}): {who}: {problem}", task.name, case.says, case.request));
    }
}

#[test]
fn the_models_do_what_the_documentation_promises() {
    let mut problems = Vec::new();
    for task in all() {
        let subjects = task.subjects();
        let codes = files::codes(&task);
        for case in task.cases() {
            let request = case.sent_to(&task.node);
            let envoy = models::of_envoy(&case, &subjects, &request);
            complain(&mut problems, &task, &case, "Envoy's model", &envoy, false);
            let apisix = models::of_apisix(&case, &subjects, &request);
            complain(&mut problems, &task, &case, "APISIX's model", &apisix, true);
            let report = verify(&subjects, &[Probe::new(request)], Budget { requests: 1 });
            if report.undeclared > 0 || !report.not_modelled.is_empty() {
                problems.push(format!("{}: {}: {report}", task.name, case.says));
            }
            assert_eq!(case.apisix.is_empty(), case.codes.is_empty(), "{}: {}", task.name, case.says);
            let unsaid: Vec<&String> = case.codes.iter().filter(|code| !codes.contains(*code)).collect();
            assert!(unsaid.is_empty(), "{}: {}: {unsaid:?} is said nowhere", task.name, case.says);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn envoy_does_what_the_documentation_promises() {
    let Some(program) = program("Istio's tasks were not compared with a real Envoy") else { return };
    let Some(descriptors) = shared("corpus/envoy-1.40-descriptors.pb") else { return };
    let types = Types::read(&descriptors);
    endpoints::start();
    let mut problems = Vec::new();
    for task in all() {
        let ads = Ads::start(task.responses().iter().map(|bytes| stock::response(&types, bytes)).collect());
        let mut envoy = Envoy::start(&program, ads.bootstrap());
        for case in task.cases() {
            let listener = format!("0.0.0.0_{}", case.port());
            let address = envoy.until(&listener, |it| it.address_of(&listener));
            let observed = real::observe(&case, address, &case.sent_to(&task.node));
            complain(&mut problems, &task, &case, "Envoy", &observed, false);
        }
        assert_eq!(ads.refusals(), Vec::<String>::new(), "{}", task.name);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
