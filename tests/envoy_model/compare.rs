//! Model and Envoy side by side.

use amesh_simulator::Request;
use amesh_simulator::envoy::{Chance, Proxy};
use amesh_tests::envoy::Envoy;
use amesh_tests::http::send;

use crate::backends::Backends;
use crate::case::{Case, Probe};
use crate::opinion::Opinion;
use crate::translation::{Comparison, Translation};

/// What came of the comparison.
#[derive(Default)]
pub(crate) struct Tally {
    compared: usize,
    not_modelled: usize,
    problems: Vec<String>,
    translations: Comparison,
}

/// How many draws are tried at most.
const DRAWS: u64 = 10_000;

impl Tally {
    pub(crate) fn case(&mut self, case: &Case, backends: &Backends, envoy: &Envoy) {
        let resources = case.resources(backends);
        let proxy = match Proxy::load(&resources) {
            Ok(proxy) => proxy,
            Err(refusal) => return self.problems.push(format!("{}: {refusal}", case.name)),
        };
        let address = envoy.address_of(&case.name).expect("Envoy has the listener");
        let mut agreed = Vec::new();
        for probe in &case.requests {
            let answer = || send(address, &probe.request).unwrap_or_else(|error| panic!("{}: {error}", probe.text));
            let mut answers = Vec::new();
            for answer in (0..case.times).map(|_| Opinion::of_answer(&answer())) {
                if !answers.contains(&answer) {
                    answers.push(answer);
                }
            }
            if self.probe(case, probe, &proxy, backends, &answers) {
                agreed.push(probe.request.clone());
            }
        }
        let translation = Translation::of(&resources).expect("both proxies take the configuration");
        self.translations.add(case, &resources[..resources.len() - 1], &translation, &agreed);
    }

    /// True where the model knows, and agrees.
    fn probe(&mut self, case: &Case, probe: &Probe, proxy: &Proxy, backends: &Backends, envoy: &[Opinion]) -> bool {
        let opinions = opinions(proxy, &probe.request, backends);
        let agrees = |model: &[Opinion]| {
            let all_met = case.times == 1 || model.iter().all(|opinion| envoy.contains(opinion));
            all_met && envoy.iter().all(|opinion| model.contains(opinion))
        };
        match (opinions, probe.not_modelled) {
            (Err(_), true) => self.not_modelled += 1,
            (Ok(model), false) if agrees(&model) => {
                self.compared += 1;
                return true;
            }
            (model, _) => {
                let steps = proxy.decide(&probe.request, Chance::default()).steps;
                let (case, text) = (&case.name, &probe.text);
                self.problems.push(format!("{case}: {text}\n  Envoy {envoy:?}\n  model {model:?}\n  {steps:?}"));
            }
        }
        false
    }

    /// Fails with more than so many disagreements of Envoy and its model, and undeclared differences.
    pub(crate) fn finish(self, (known, undeclared): (usize, usize)) {
        let Self { compared, not_modelled, problems, translations } = self;
        println!("{compared} requests compared; {not_modelled} are not modelled");
        translations.print();
        let count = problems.len();
        println!("{count} of {compared} differ:\n{}", problems.join("\n\n"));
        assert!(count <= known, "the model differs from Envoy about {count} requests");
        translations.check(undeclared);
    }
}

/// All that may happen, for every draw.
fn opinions(proxy: &Proxy, request: &Request, backends: &Backends) -> Result<Vec<Opinion>, String> {
    let mut opinions = Vec::new();
    let mut draws = 1;
    let mut draw = 0;
    while draw < draws {
        let decision = proxy.decide(request, Chance(draw));
        for divisor in decision.divisors {
            draws = common_multiple(draws, divisor);
        }
        assert!(draws <= DRAWS, "too many draws");
        for outcome in &decision.outcomes {
            for opinion in Opinion::of_model(&outcome.answer, request, backends)? {
                if !opinions.contains(&opinion) {
                    opinions.push(opinion);
                }
            }
        }
        draw += 1;
    }
    Ok(opinions)
}

fn common_multiple(one: u64, other: u64) -> u64 {
    let (mut divisor, mut rest) = (one, other);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    one / divisor * other
}
