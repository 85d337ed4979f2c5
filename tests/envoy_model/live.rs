//! The model of APISIX against a running one, about the translations of the configurations here.
//!
//! What is left to chance is drawn many times by the model: the running APISIX must do one of the things it may do.

use amesh_simulator::Request;
use amesh_simulator::apisix::{Decision, Gateway};
use amesh_tests::apisix::Apisix;
use amesh_tests::http::{as_sent, send};
use amesh_verify::request_id;

use crate::backends::Backends;
use crate::case::{Case, Probe};
use crate::opinion::Opinion;
use crate::translation::Translation;

/// Draws on each of the axes of `$request_id`.
const DRAWS: u32 = 16;

/// What came of the comparison.
#[derive(Default)]
pub(crate) struct Live {
    configurations: usize,
    compared: usize,
    not_modelled: usize,
    problems: Vec<String>,
}

impl Live {
    /// Asks the running APISIX all requests of a case whose listener is on its port.
    pub(crate) fn case(&mut self, case: &Case, backends: &Backends, apisix: &Apisix) {
        self.configurations += 1;
        let translation = Translation::of(&case.resources(backends)).expect("both proxies take the configuration");
        let document = translation.document;
        let gateway = match (Gateway::load(&document), apisix.put(&document)) {
            (Ok(gateway), Ok(())) => gateway,
            (model, running) => {
                let model = model.map(|_| "takes it");
                return self.problems.push(format!("{}: model {model:?}, running {running:?}", case.name));
            }
        };
        for probe in &case.requests {
            match send(apisix.gateway, &probe.request) {
                Ok(answer) => self.probe(&case.name, probe, &gateway, backends, &Opinion::of_answer(&answer)),
                Err(error) => self.problems.push(format!("{}: {}: {error}", case.name, probe.text)),
            }
        }
    }

    fn probe(&mut self, case: &str, probe: &Probe, gateway: &Gateway, backends: &Backends, seen: &Opinion) {
        match opinions(gateway, &probe.request, backends) {
            Err(_) => self.not_modelled += 1,
            Ok(model) => {
                self.compared += 1;
                if !model.contains(seen) {
                    let text = format!("{case}: {}\n  APISIX {seen:?}\n  model  {model:?}", probe.text);
                    self.problems.push(text);
                }
            }
        }
    }

    /// Fails where they differ.
    pub(crate) fn finish(self) {
        let Self { configurations, compared, not_modelled, problems } = self;
        println!("running APISIX and its model, {configurations} configurations: {compared} requests compared");
        println!("{not_modelled} not modelled, {} differ", problems.len());
        println!("{}", problems.join("\n\n"));
        assert!(problems.is_empty(), "the model differs from APISIX about {} requests", problems.len());
    }
}

/// All that may happen.
fn opinions(gateway: &Gateway, request: &Request, backends: &Backends) -> Result<Vec<Opinion>, String> {
    let request = &as_sent(request);
    let of = |decision: Decision| -> Result<Vec<Opinion>, String> {
        let answers = decision.outcomes.iter().map(|outcome| &outcome.answer);
        let opinions = answers.map(|answer| Opinion::of_apisix(answer, request, |port| backends.name_of(port)));
        Ok(opinions.collect::<Result<Vec<_>, _>>()?.concat())
    };
    if let Ok(opinions) = of(gateway.decide(request)) {
        return Ok(opinions);
    }
    let mut all: Vec<Opinion> = Vec::new();
    for draw in 0..DRAWS.pow(3) {
        let at = |axis: u32| (f64::from(draw / DRAWS.pow(axis) % DRAWS) + 0.5) / f64::from(DRAWS);
        let request_id = Some(request_id(at(0), at(1), at(2)));
        for opinion in of(gateway.decide(&Request { request_id, ..request.clone() }))? {
            if !all.contains(&opinion) {
                all.push(opinion);
            }
        }
    }
    Ok(all)
}
