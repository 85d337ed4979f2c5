//! Feeds a whole input to a translator, as a control plane would that has nothing more to say.

use amesh_input::Input;
use amesh_translator::{Code, Diagnostic, Envelope, Options, Translator};
use std::collections::BTreeSet;

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Holds the configuration.
    pub translator: Translator,
    /// Everything that the translator says.
    pub diagnostics: BTreeSet<Diagnostic>,
}

/// Ingests everything, then says of what is still wanted that it does not exist.
#[must_use]
pub fn translate(input: &Input, options: Options) -> Outcome {
    let mut translator = Translator::new(options);
    translator.open();
    let mut diagnostics = BTreeSet::new();
    for response in input.responses() {
        let verdict = translator.ingest(response, Envelope::default());
        diagnostics.extend(verdict.diagnostics.into_iter().filter(|diagnostic| is_about_message(diagnostic.code)));
    }
    // What is expired may have been the way to more that is wanted.
    while let Some((type_url, names)) = translator.outstanding().into_iter().next() {
        let before = translator.outstanding();
        translator.expire(&type_url, &names);
        if translator.outstanding() == before {
            break;
        }
    }
    diagnostics.extend(translator.diagnostics());
    Outcome { translator, diagnostics }
}

/// Said once, with the message; everything else the translator repeats as long as it is the case.
fn is_about_message(code: Code) -> bool {
    matches!(
        code,
        Code::MessageInvalid | Code::TypeUnknown | Code::LimitExceeded | Code::ResourceDuplicate | Code::TypeUnused
    )
}
