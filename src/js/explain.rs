//! What the diagnostic codes stand for.

use crate::json;
use amesh_translator::{Code, Fidelity, Severity};
use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// `Explanation` in JavaScript.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explanation {
    code: Code,
    title: &'static str,
    severity: Severity,
    severity_means: &'static str,
    fidelity: Fidelity,
    fidelity_means: &'static str,
}

/// Every code, in order, as JSON.
#[wasm_bindgen]
pub fn codes() -> Result<String, JsValue> {
    let all: Vec<Explanation> = Code::ALL.iter().map(|code| explanation(*code)).collect();
    Ok(json(&all)?)
}

fn explanation(code: Code) -> Explanation {
    let (severity, fidelity) = (code.severity(), code.fidelity());
    Explanation {
        code,
        title: code.title(),
        severity,
        severity_means: amesh_batch::severity_means(severity),
        fidelity,
        fidelity_means: amesh_batch::fidelity_means(fidelity),
    }
}
