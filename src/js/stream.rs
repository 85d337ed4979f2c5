//! A translator that is fed message by message, as from a control plane.

use crate::error::Failure;
use crate::options::{self, StreamOptions};
use crate::views::{SubscriptionView, VerdictView};
use crate::{json, views};
use amesh_batch::{Document, Form};
use amesh_translator::{Envelope, Variant};
use bytes::Bytes;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

/// Keeps what a control plane said and what APISIX should hold because of it. Everything returned is JSON.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Translator(amesh_translator::Translator);

#[wasm_bindgen]
impl Translator {
    /// A translator that has heard nothing. `options`: JSON.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &str) -> Result<Translator, JsValue> {
        let options: StreamOptions = options::read(options)?;
        Ok(Self(amesh_translator::Translator::new(options.translator()?)))
    }

    /// The subscriptions to begin with.
    pub fn open(&mut self) -> Result<String, JsValue> {
        let all = self.0.open();
        Ok(json(&all.iter().map(SubscriptionView::new).collect::<Vec<_>>())?)
    }

    /// Takes one `DiscoveryResponse`, or with `delta` one `DeltaDiscoveryResponse`.
    pub fn ingest(&mut self, message: Vec<u8>, delta: bool) -> Result<String, JsValue> {
        let variant = if delta { Variant::Delta } else { Variant::Sotw };
        let verdict = self.0.ingest(Bytes::from(message), Envelope { variant, ..Envelope::default() });
        Ok(json(&VerdictView::new(&verdict))?)
    }

    /// Takes wanted resources as absent; without names: the whole type.
    #[expect(clippy::needless_pass_by_value, reason = "lists cross the border by value")]
    pub fn expire(&mut self, type_url: &str, names: Vec<String>) -> Result<String, JsValue> {
        let verdict = self.0.expire(type_url, &names);
        Ok(json(&VerdictView::new(&verdict))?)
    }

    /// What has to change in APISIX since the last commit.
    pub fn pending(&self) -> Result<String, JsValue> {
        let mut text = Vec::new();
        self.0.pending().write_json(&mut text);
        Ok(String::from_utf8(text).map_err(|error| Failure::internal(&error))?)
    }

    /// Says that APISIX has taken the pending changes.
    pub fn commit(&mut self) {
        self.0.commit();
    }

    /// Says that APISIX has refused the pending changes for good.
    pub fn abandon(&mut self, reason: &str) {
        self.0.abandon(reason);
    }

    /// Everything that should be in APISIX, pending changes included.
    pub fn snapshot(&self) -> Result<String, JsValue> {
        let text = Document::target(&self.0).render(Form::Json);
        Ok(text.map_err(|error| Failure::internal(&error))?)
    }

    /// Every diagnostic in force.
    pub fn diagnostics(&self) -> Result<String, JsValue> {
        Ok(json(&self.0.diagnostics())?)
    }

    /// The wanted resources that have not arrived.
    pub fn outstanding(&self) -> Result<String, JsValue> {
        Ok(json(&views::wanted(&self.0.outstanding()))?)
    }

    /// Whether everything that is referred to has arrived or is known to be absent.
    pub fn ready(&self) -> bool {
        self.0.ready()
    }
}
