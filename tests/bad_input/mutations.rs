//! Configurations of the corpus with one thing broken in them, before a real Envoy and before the translator: both refuse
//! them, or both take them. Where they do not, `differs.json` says why.
//!
//! Seeds are fixed; `AMESH_LONG` breaks many more.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use amesh_tests::envoy::program;
use amesh_tests::files;
use amesh_tests::message::{CLUSTER, LISTENER, Types, name_of as type_name, response};
use amesh_tests::session::Native;
use amesh_translator::{Code, Options};
use amesh_xds::schema;
use fastrand::Rng;
use prost::Message;
use serde_json::{Value, json};

use crate::breaks::{BREAKS, broken};

/// Broken configurations, and in a long run.
const RUNS: (u64, u64) = (60, 2_000);

/// What the translator says against a bootstrap.
#[derive(Default)]
struct Opinion {
    /// Why it does not take every resource.
    refusal: Option<String>,
    /// The filter chains that it does not serve or denies, and does not read therefore: `Listener "a": filter_chains[0]`,
    /// or `Listener "a": ` for all of them.
    unread: Vec<String>,
}

fn opinion(bootstrap: &Value, types: &Types) -> Opinion {
    let mut messages = Vec::new();
    for (list, url) in [("clusters", CLUSTER), ("listeners", LISTENER)] {
        let mut encoded = Vec::new();
        for (index, resource) in bootstrap["static_resources"][list].as_array().into_iter().flatten().enumerate() {
            let mut resource = resource.clone();
            if url == LISTENER && resource["name"].as_str().is_none_or(str::is_empty) {
                // Envoy names the listeners of a bootstrap itself.
                resource["name"] = json!(format!("unnamed {index}"));
            }
            match encoded_as(&resource, url, types) {
                Ok(bytes) => encoded.push(bytes),
                Err(why) => return Opinion { refusal: Some(why), ..Opinion::default() },
            }
        }
        messages.push(response(url, "1", encoded));
    }
    let native = Native::with(Options::default(), &messages);
    let refused = native.errors.iter().find(|error| error.code == Code::ResourceInvalid);
    let said = native.translator.diagnostics();
    let unread = said.iter().filter(|it| UNREAD.contains(&it.code));
    let chain = |place: &str| match place.split('.').next() {
        Some(chain) if chain.contains("filter_chain") && chain != "filter_chains" => chain.to_owned(),
        _ => String::new(),
    };
    Opinion {
        refusal: refused.map(|error| format!("{}: {}", error.resource, error.message)),
        unread: unread
            .flat_map(|it| it.places.iter().map(|place| format!("{}: {}", it.resource, chain(place))))
            .collect(),
    }
}

/// Codes of what is not served, or denied as a whole.
const UNREAD: [Code; 3] = [Code::FilterChainRefused, Code::ListenerWithoutHttp, Code::ListenerDenied];

impl Opinion {
    /// Whether the place of a break is in something that is not served.
    fn leaves_out(&self, bootstrap: &Value, pointer: &str) -> bool {
        let mut steps = pointer.split('/').skip(1);
        let (Some("listeners"), Some(index)) = (steps.next(), steps.next()) else { return false };
        let name = bootstrap["static_resources"]["listeners"][index.parse::<usize>().unwrap()]["name"].as_str();
        let name = name.filter(|name| !name.is_empty()).map_or_else(|| format!("unnamed {index}"), str::to_owned);
        let chain = match (steps.next(), steps.next()) {
            (Some("filter_chains"), Some(chain)) => format!("filter_chains[{chain}]"),
            (Some(other), _) => other.to_owned(),
            _ => String::new(),
        };
        let listener = format!("Listener {name:?}: ");
        self.unread.iter().any(|place| *place == format!("{listener}{chain}") || *place == listener)
    }
}

/// Encoded by Envoy's descriptors, or as amesh reads files where there is a field that they do not declare.
fn encoded_as(resource: &Value, url: &str, types: &Types) -> Result<Vec<u8>, String> {
    let mut whole = resource.clone();
    whole["@type"] = json!(url);
    if let Ok(message) = types.from_json(&whole) {
        return Ok(message.encode_to_vec());
    }
    let message = schema::message(type_name(url)).expect("a message that is declared");
    amesh_xds::json::to_wire(message, resource, &mut Vec::new()).map_err(|error| error.to_string())
}

/// What Envoy says against a bootstrap of the corpus; `None` where it takes it.
fn refusal_of_envoy(program: &Path, corpus: &Path, bootstrap: &Value) -> Option<String> {
    static FILES: AtomicU64 = AtomicU64::new(0);
    let number = FILES.fetch_add(1, Ordering::Relaxed);
    let file = std::env::temp_dir().join(format!("amesh-broken-{}-{number}.json", std::process::id()));
    std::fs::write(&file, bootstrap.to_string()).expect("a temporary file");
    let arguments = ["--mode", "validate", "--log-level", "critical", "-c"];
    let output = Command::new(program).current_dir(corpus).args(arguments).arg(&file).output().expect("Envoy starts");
    std::fs::remove_file(&file).expect("the temporary file");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    let reason = said.rsplit_once("\n: ").map_or(said.as_str(), |(_, reason)| reason);
    let reason = reason.split_once(".json': ").map_or(reason, |(_, reason)| reason);
    (!output.status.success()).then(|| reason.trim().to_owned())
}

fn bootstraps(corpus: &Path) -> Vec<PathBuf> {
    let folders = corpus.join("bootstraps").read_dir().expect("sources").map(|entry| entry.unwrap().path());
    let inside = |folder: PathBuf| folder.read_dir().into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = folders.flat_map(inside).collect();
    files.sort();
    files
}

fn name_of(file: &Path) -> String {
    let parts: Vec<_> = file.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy()).collect();
    format!("{}/{}", parts[1], parts[0].trim_end_matches(".json"))
}

/// Whether it is known why both differ: the break (or configuration; any), and a part of its place and of what is said.
fn is_known(known: &Value, name: &str, said: &str) -> bool {
    let text = |case: &Value, key: &str| case[key].as_str().unwrap_or_default().to_owned();
    let cases = known.as_array().into_iter().flatten();
    cases
        .into_iter()
        .any(|case| (text(case, "name") == "any" || name == text(case, "name")) && said.contains(&text(case, "says")))
}

fn known(list: &str) -> Value {
    files::json(&Path::new(env!("CARGO_MANIFEST_DIR")).join("bad_input/differs.json"))[list].clone()
}

/// Does the work of all numbers, on all processors.
fn side_by_side(count: u64, work: impl Fn(u64) + Sync) {
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8)) {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        number if number < count => work(number),
                        _ => break,
                    }
                }
            });
        }
    });
}

#[test]
fn what_envoy_takes_is_taken() {
    let Some(corpus) = files::shared("corpus") else { return };
    let types = Types::read(&corpus.join("envoy-1.40-descriptors.pb"));
    let (files, known) = (bootstraps(&corpus), known("configurations"));
    let problems = Mutex::new(Vec::new());
    side_by_side(files.len() as u64, |number| {
        let file = &files[place(number, files.len())];
        if let Some(said) = opinion(&files::json(file), &types).refusal
            && !is_known(&known, &name_of(file), &said)
        {
            problems.lock().unwrap().push(format!("{}: {said}", name_of(file)));
        }
    });
    let problems = problems.into_inner().unwrap();
    assert!(problems.is_empty(), "Envoy takes {} of {}:\n{}", problems.len(), files.len(), problems.join("\n"));
}

#[test]
fn what_is_broken_is_refused_by_both_or_none() {
    let Some(corpus) = files::shared("corpus") else { return };
    let Some(program) = program("whether Envoy refuses broken configurations is not known") else { return };
    let types = Types::read(&corpus.join("envoy-1.40-descriptors.pb"));
    let (files, known) = (bootstraps(&corpus), known("breaks"));
    let runs = if std::env::var_os("AMESH_LONG").is_some() { RUNS.1 } else { RUNS.0 };
    let (problems, counts) = (Mutex::new(Vec::new()), Mutex::new([0_usize; 4]));
    side_by_side(runs, |seed| {
        let mut rng = Rng::with_seed(seed);
        // Every kind has its turn; some configurations have nothing of that kind.
        let kind = BREAKS[place(seed, BREAKS.len())];
        let mut tries = std::iter::repeat_with(|| &files[rng.usize(..files.len())]).take(200);
        let found = tries.find_map(|file| Some((file, broken(&files::json(file), kind, seed)?)));
        let Some((file, (bootstrap, place))) = found else { return };
        let own = opinion(&bootstrap, &types);
        let (index, said) = match (refusal_of_envoy(&program, &corpus, &bootstrap), &own.refusal) {
            (Some(_), Some(_)) => (0, None),
            (None, None) => (1, None),
            (Some(_), None) if own.leaves_out(&bootstrap, &place) => (3, None),
            (Some(said), None) => (2, Some(format!("Envoy alone: {said}"))),
            (None, Some(said)) => (2, Some(format!("amesh alone: {said}"))),
        };
        counts.lock().unwrap()[index] += 1;
        let said = said.map(|said| format!("{}{place}: {said}", name_of(file)));
        if let Some(said) = said.filter(|said| !is_known(&known, kind, said)) {
            problems.lock().unwrap().push(format!("seed {seed}, {kind}, {said}"));
        }
    });
    let ([refused, taken, other, unread], problems) = (counts.into_inner().unwrap(), problems.into_inner().unwrap());
    println!(
        "broken configurations: {refused} refused by both, {taken} taken by both, {other} by one, {unread} in what is not served"
    );
    assert!(problems.is_empty(), "{} differ:\n{}", problems.len(), problems.join("\n"));
}

/// A place in a list, by a number that may go beyond its end.
fn place(number: u64, length: usize) -> usize {
    usize::try_from(number % length as u64).expect("within the list")
}
