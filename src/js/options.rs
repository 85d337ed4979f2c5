//! Options, as JSON text that JavaScript made of its objects.

use crate::error::Failure;
use amesh_input::Input;
use amesh_translator::{Limits, Options};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// What a translation of files takes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FileOptions {
    pub(crate) instance: Option<String>,
    pub(crate) listen_ports: Option<Vec<u16>>,
    pub(crate) unbound_routes: Option<bool>,
    pub(crate) from: Option<String>,
    pub(crate) to: Form,
    pub(crate) quiet: bool,
    pub(crate) max_bytes: Option<usize>,
}

/// A form of the document.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    #[default]
    Yaml,
    Json,
}

impl From<Form> for amesh_batch::Form {
    fn from(form: Form) -> Self {
        match form {
            Form::Yaml => Self::Yaml,
            Form::Json => Self::Json,
        }
    }
}

/// What a translator of a stream takes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StreamOptions {
    instance: Option<String>,
    listen_ports: Option<Vec<u16>>,
    unbound_routes: bool,
    max_bytes: Option<usize>,
}

/// Reads options; an unknown one is an error, since a misspelt one would be lost.
pub(crate) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Failure> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default();
        let message = error.into_inner().to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        Failure::option(path, message)
    })
}

impl FileOptions {
    /// Without a listener to take routes into use, all of them are, as in the command.
    pub(crate) fn translator(&self, input: &Input) -> Result<Options, Failure> {
        let unbound_routes = self.unbound_routes.unwrap_or(!input.has_listeners());
        options(self.instance.as_deref(), self.listen_ports.as_deref(), unbound_routes, self.max_bytes)
    }
}

impl StreamOptions {
    pub(crate) fn translator(&self) -> Result<Options, Failure> {
        options(self.instance.as_deref(), self.listen_ports.as_deref(), self.unbound_routes, self.max_bytes)
    }
}

fn options(
    instance: Option<&str>,
    listen_ports: Option<&[u16]>,
    unbound_routes: bool,
    max_bytes: Option<usize>,
) -> Result<Options, Failure> {
    let default = Options::default();
    let instance = instance.map_or(default.instance, str::to_owned);
    if !is_label(&instance) {
        return Err(Failure::option("instance".to_owned(), "must be 1 to 64 of A-Z a-z 0-9 - _ ."));
    }
    let listen_ports = listen_ports.filter(|ports| !ports.is_empty()).map(<[u16]>::to_vec);
    let message_bytes = max_bytes.unwrap_or(default.limits.message_bytes);
    Ok(Options { instance, listen_ports, unbound_routes, limits: Limits { message_bytes, ..default.limits } })
}

fn is_label(text: &str) -> bool {
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(valid)
}
