//! Consumers: who may come in through the auth plugins.

use serde_json::Value as Json;

use super::fields::Fields;
use super::refusal::Refusal;

/// A consumer of the document.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) name: String,
    /// Credentials by plugin.
    credentials: Vec<(String, Json)>,
    /// Whether it brings plugins that would run for its requests.
    pub(super) has_plugins: bool,
}

const AUTH: [&str; 3] = ["key-auth", "basic-auth", "jwt-auth"];

impl Consumer {
    pub(super) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let name = fields.text("username")?.ok_or_else(|| fields.refuse("username", "is required"))?;
        let mut consumer = Self { name: name.into(), credentials: Vec::new(), has_plugins: fields.has("group_id") };
        let Some(plugins) = fields.child("plugins")? else { return Ok(consumer) };
        for plugin in plugins.names() {
            let Some(credential) = plugins.child(plugin)? else { continue };
            let required: &[&str] = match plugin {
                "key-auth" => &["key"],
                "jwt-auth" if credential.has("algorithm") => &["key"],
                "jwt-auth" => &["key", "secret"],
                "basic-auth" => &["username", "password"],
                _ => &[],
            };
            if let Some(missing) = required.iter().find(|name| !credential.has(name)) {
                return Err(credential.refuse(missing, "is required"));
            }
            if AUTH.contains(&plugin) {
                consumer.credentials.push((plugin.into(), plugins.get(plugin).cloned().unwrap_or_default()));
            } else {
                consumer.has_plugins = true;
            }
        }
        Ok(consumer)
    }

    /// A text of its credential for a plugin.
    pub(super) fn credential(&self, plugin: &str, name: &str) -> Option<&str> {
        let (_, credential) = self.credentials.iter().find(|(other, _)| other == plugin)?;
        credential.get(name)?.as_str()
    }
}
