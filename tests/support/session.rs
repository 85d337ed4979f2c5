//! What a fetcher does with a receiver of xDS messages, whatever the receiver is: the translator itself, or
//! `amesh.wasm` in a worker. Both answer in the words of the ingest protocol.

use amesh_translator::{Diagnostic, Envelope, Kind, Options, Severity, Translator};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The answers of one receiver, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The verdict.
    pub verdict: String,
    /// The change set that was applied; empty where there was none.
    pub changes: String,
}

/// Takes messages in the words of the ingest protocol.
pub trait Receiver {
    /// Takes a state-of-the-world response.
    fn stream(&mut self, message: &[u8]) -> Result<Answer, String>;
    /// Takes wanted resources as absent.
    fn expire(&mut self, type_url: &str, names: &[String]) -> Result<Answer, String>;
    /// All diagnostics in force.
    fn diagnostics(&mut self) -> Result<Vec<Diagnostic>, String>;
}

/// The translator, in this process.
#[derive(Debug)]
pub struct Native {
    /// For whatever the protocol does not show.
    pub translator: Translator,
    /// What the verdicts so far call an error.
    pub errors: Vec<Diagnostic>,
}

impl Native {
    /// A receiver that has heard nothing.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let mut translator = Translator::new(options);
        translator.open();
        Self { translator, errors: Vec::new() }
    }

    /// Ingests responses in order, expires what is outstanding then and commits: the state after a whole start.
    #[must_use]
    pub fn with(options: Options, messages: &[Vec<u8>]) -> Self {
        let mut native = Self::new(options);
        for message in messages {
            native.stream(message).expect("the translator answers");
        }
        for (type_url, names) in native.translator.outstanding() {
            native.expire(&type_url, &names).expect("the translator answers");
        }
        native
    }

    /// The standalone document with everything that should be in APISIX.
    #[must_use]
    pub fn document(&self) -> Value {
        let items = |kind| -> Vec<Value> {
            self.translator.target(kind).map(|it| serde_json::from_str(it.json).expect("JSON")).collect()
        };
        json!({ "upstreams": items(Kind::Upstreams), "routes": items(Kind::Routes) })
    }

    /// As the plugin's mode `none`: applied is what is pending as soon as nothing is outstanding.
    fn answer(&mut self, verdict: &amesh_translator::Verdict) -> Result<Answer, String> {
        self.errors.extend(verdict.diagnostics.iter().filter(|it| it.severity == Severity::Error).cloned());
        let verdict = serde_json::to_string(verdict).map_err(|error| error.to_string())?;
        let pending = self.translator.pending();
        if !self.translator.ready() || pending.is_empty() {
            return Ok(Answer { verdict, changes: String::new() });
        }
        let mut changes = Vec::new();
        pending.write_json(&mut changes);
        let changes = String::from_utf8(changes).map_err(|error| error.to_string())?;
        self.translator.commit();
        Ok(Answer { verdict, changes })
    }
}

impl Receiver for Native {
    fn stream(&mut self, message: &[u8]) -> Result<Answer, String> {
        let verdict = self.translator.ingest(message.to_vec().into(), Envelope::default());
        self.answer(&verdict)
    }

    fn expire(&mut self, type_url: &str, names: &[String]) -> Result<Answer, String> {
        let verdict = self.translator.expire(type_url, names);
        self.answer(&verdict)
    }

    fn diagnostics(&mut self) -> Result<Vec<Diagnostic>, String> {
        // The places that tests ask the translator for are not part of the protocol.
        let plain = |diagnostic| Diagnostic { places: Vec::new(), ..diagnostic };
        Ok(self.translator.diagnostics().into_iter().map(plain).collect())
    }
}

/// Splits an answer of the plugin into verdict and changes, byte for byte.
pub(crate) fn split(body: &[u8]) -> Result<Answer, String> {
    #[derive(serde::Deserialize)]
    struct Tail<'a> {
        #[serde(borrow)]
        apply: &'a RawValue,
        #[serde(borrow, default)]
        changes: Option<&'a RawValue>,
    }
    let text = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    let Tail { apply, changes } = serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
    let verdict = text.split_once(&format!(",\"apply\":{}", apply.get())).map_or("", |(verdict, _)| verdict);
    Ok(Answer { verdict: format!("{verdict}}}"), changes: changes.map_or("", RawValue::get).to_owned() })
}
