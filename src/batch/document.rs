//! The configuration as one document: an apisix.yaml of APISIX's standalone mode, or JSON.

use amesh_translator::{Kind, Translator};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// A form of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// apisix.yaml of APISIX's standalone mode.
    Yaml,
    /// One JSON document.
    Json,
}

/// Everything that should be in APISIX: by kind, each resource as JSON text.
#[derive(Debug, Default)]
pub struct Document<'a> {
    /// `main.upstream` of APISIX's schema.
    pub upstreams: Vec<&'a str>,
    /// `main.route` of APISIX's schema.
    pub routes: Vec<&'a str>,
}

impl<'a> Document<'a> {
    /// What a translator wants to be there.
    #[must_use]
    pub fn target(translator: &'a Translator) -> Self {
        let all = |kind| translator.target(kind).map(|upsert| upsert.json).collect();
        Self { upstreams: all(Kind::Upstreams), routes: all(Kind::Routes) }
    }

    /// The text of the document.
    pub fn render(&self, form: Form) -> Result<String, RenderError> {
        match form {
            Form::Json => Ok(serde_json::to_string_pretty(self)? + "\n"),
            Form::Yaml => yaml(self),
        }
    }
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// As JSON.
    #[error("the result cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// As YAML.
    #[error("the result cannot be written as YAML: {0}")]
    Yaml(#[from] serde_saphyr::ser_error::Error),
}

/// APISIX takes the file only when its last line is `#END`. Its YAML library follows YAML 1.1, and so does the quoting.
fn yaml(document: &Document<'_>) -> Result<String, RenderError> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, document, options)?;
    Ok(text + "#END\n")
}

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("upstreams", &List(&self.upstreams))?;
        map.serialize_entry("routes", &List(&self.routes))?;
        map.end()
    }
}

struct List<'a>(&'a [&'a str]);

impl Serialize for List<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        self.0.iter().try_for_each(|json| list.serialize_element(&Json(json)))?;
        list.end()
    }
}

/// JSON text as what it says, members in its order.
struct Json<'a>(&'a str);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_transcode::transcode(&mut serde_json::Deserializer::from_str(self.0), serializer)
    }
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
