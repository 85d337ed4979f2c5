//! Checks a document against the JSON schema that APISIX itself publishes (`GET
//! /v1/schema` of its control API: `main.<kind>` and `plugins.<name>.schema`).
//!
//! APISIX generates Lua from the schema; of the standard that is draft 7, with differences that are
//! followed here: patterns are PCRE, unanchored, on bytes; only the formats `ipv4` and `ipv6` occur;
//! defaults are filled in, and count for `if` and `minProperties`. Two are not, both to the strict
//! side: APISIX takes an empty array for an empty object and the other way round, and skips texts
//! that refer to secrets.
//!
//! What APISIX checks besides the schema (conditions, references, certificates) is not checked here.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use jsonschema::{Draft, Keyword, ValidationError, Validator};
use serde_json::{Value as Json, json};

use super::pcre::Pattern;

/// APISIX's schema, compiled.
#[derive(Debug)]
pub struct Schema {
    kinds: BTreeMap<String, Compiled>,
    plugins: BTreeMap<String, Compiled>,
    stream_plugins: BTreeMap<String, Compiled>,
}

#[derive(Debug)]
struct Compiled {
    source: Json,
    validator: Validator,
}

/// Something in a document that the schema does not allow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Violation {
    /// Where, such as `routes[0] "web" /plugins/cors/max_age`.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// A schema that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the schema of {name}: {message}")]
pub struct SchemaError {
    /// The kind of object or the plugin.
    pub name: String,
    /// What is wrong with its schema.
    pub message: String,
}

/// Collections of a document and the kind of their objects.
const COLLECTIONS: [(&str, &str); 10] = [
    ("consumer_groups", "consumer_group"),
    ("consumers", "consumer"),
    ("global_rules", "global_rule"),
    ("plugin_configs", "plugin_config"),
    ("protos", "proto"),
    ("routes", "route"),
    ("services", "service"),
    ("ssls", "ssl"),
    ("stream_routes", "stream_route"),
    ("upstreams", "upstream"),
];

/// Collections whose objects have no schema in the file.
const UNCHECKED: [&str; 2] = ["plugin_metadata", "secrets"];

impl Schema {
    /// Compiles the published schema.
    pub fn new(published: &Json) -> Result<Self, SchemaError> {
        let kinds = COLLECTIONS.iter().map(|(_, kind)| {
            let schema = published.pointer(&format!("/main/{kind}")).cloned().unwrap_or_default();
            Ok(((*kind).to_owned(), compile(kind, with_modified_index(schema))?))
        });
        Ok(Self {
            kinds: kinds.collect::<Result<_, SchemaError>>()?,
            plugins: compile_all(published.get("plugins"))?,
            stream_plugins: compile_all(published.get("stream_plugins"))?,
        })
    }

    /// All violations of a standalone document. A key that APISIX does not know counts as one,
    /// although APISIX would ignore it.
    #[must_use]
    pub fn check(&self, document: &Json) -> Vec<Violation> {
        let Some(collections) = document.as_object() else {
            return vec![violation("document", "expected an object")];
        };
        let mut violations = Vec::new();
        for (name, items) in collections {
            let version_of = name.strip_suffix("_conf_version");
            let known = COLLECTIONS.iter().find(|(collection, _)| collection == name);
            match (known, items) {
                (Some((_, kind)), Json::Array(items)) => {
                    for (at, item) in items.iter().enumerate() {
                        let id = item.get("id").or(item.get("username")).unwrap_or(&Json::Null);
                        self.check_item(kind, &format!("{name}[{at}] {id} "), item, &mut violations);
                    }
                }
                (Some(_), _) => violations.push(violation(name, "expected an array")),
                (None, Json::Number(_)) if version_of.is_some_and(is_collection) => {}
                (None, _) if UNCHECKED.contains(&name.as_str()) => {}
                (None, _) => violations.push(violation(name, "not a key of APISIX")),
            }
        }
        violations
    }

    fn check_item(&self, kind: &str, path: &str, item: &Json, violations: &mut Vec<Violation>) {
        if let Some(schema) = self.kinds.get(kind) {
            schema.check(path, item, violations);
        }
        let plugins = match kind {
            // Consumers have schemas of their own, which are not published this way.
            "consumer" => return,
            "stream_route" => &self.stream_plugins,
            _ => &self.plugins,
        };
        let Some(configured) = item.get("plugins").and_then(Json::as_object) else { return };
        for (name, config) in configured {
            let path = format!("{path}/plugins/{name}");
            match plugins.get(name) {
                None => violations.push(violation(path, "unknown plugin")),
                // A disabled plugin may be configured in any way.
                Some(_) if config.pointer("/_meta/disable") == Some(&Json::Bool(true)) => {}
                Some(schema) => schema.check(&path, config, violations),
            }
        }
    }
}

fn is_collection(name: &str) -> bool {
    COLLECTIONS.iter().any(|(collection, _)| *collection == name) || UNCHECKED.contains(&name)
}

impl Compiled {
    fn check(&self, path: &str, value: &Json, violations: &mut Vec<Violation>) {
        let mut value = value.clone();
        fill_defaults(&self.source, &mut value);
        let errors = self.validator.iter_errors(&value);
        violations.extend(errors.map(|error| violation(format!("{path}{}", error.instance_path()), error.to_string())));
    }
}

/// Fills in what is absent and has a default; a required field has to be there all the same.
fn fill_defaults(schema: &Json, value: &mut Json) {
    match value {
        Json::Object(map) => {
            let properties = schema.get("properties").and_then(Json::as_object);
            let required = schema.get("required").and_then(Json::as_array);
            for (name, property) in properties.into_iter().flatten() {
                let is_required = required.is_some_and(|names| names.iter().any(|one| one == name));
                match (map.get_mut(name), property.get("default")) {
                    (Some(value), _) => fill_defaults(property, value),
                    (None, Some(default)) if !is_required => {
                        map.insert(name.clone(), default_of(property, default));
                    }
                    _ => {}
                }
            }
        }
        Json::Array(values) => {
            if let Some(items) = schema.get("items") {
                for value in values {
                    fill_defaults(items, value);
                }
            }
        }
        _ => {}
    }
}

/// An empty list as a default is published as `{}`.
fn default_of(property: &Json, default: &Json) -> Json {
    match default {
        Json::Object(map) if map.is_empty() && property.get("type") == Some(&json!("array")) => {
            json!([])
        }
        default => default.clone(),
    }
}

fn violation(path: impl Into<String>, message: impl Into<String>) -> Violation {
    Violation { path: path.into(), message: message.into() }
}

/// In standalone mode every object may carry its version.
fn with_modified_index(mut schema: Json) -> Json {
    if let Some(properties) = schema.pointer_mut("/properties").and_then(Json::as_object_mut) {
        properties.insert("modifiedIndex".into(), json!({"type": "integer"}));
    }
    schema
}

fn compile_all(plugins: Option<&Json>) -> Result<BTreeMap<String, Compiled>, SchemaError> {
    let plugins = plugins.and_then(Json::as_object).into_iter().flatten();
    let compiled = plugins.map(|(name, plugin)| {
        let schema = plugin.get("schema").cloned().unwrap_or_default();
        Ok((name.clone(), compile(name, schema)?))
    });
    compiled.collect()
}

fn compile(name: &str, mut schema: Json) -> Result<Compiled, SchemaError> {
    rename_patterns(&mut schema);
    if !schema.is_object() {
        return Err(SchemaError { name: name.into(), message: "there is none".into() });
    }
    jsonschema::options()
        .with_draft(Draft::Draft7)
        .should_validate_formats(true)
        .with_format("ipv4", |text: &str| text.parse::<Ipv4Addr>().is_ok())
        .with_format("ipv6", |text: &str| text.parse::<Ipv6Addr>().is_ok())
        .with_keyword(PCRE, |_, pattern, _| {
            let text = pattern.as_str().unwrap_or_default();
            Ok(Box::new(Pcre(Pattern::new(text, false))))
        })
        .build(&schema)
        .map(|validator| Compiled { source: schema, validator })
        .map_err(|error| SchemaError { name: name.into(), message: error.to_string() })
}

/// The keyword `pattern` under a name of our own: under its usual one the patterns would have to be
/// valid ECMAScript, which some of APISIX's are not.
const PCRE: &str = "pcre";

fn rename_patterns(schema: &mut Json) {
    match schema {
        Json::Object(map) => {
            // A property may be called `pattern` too; what stands there is an object.
            if map.get("pattern").is_some_and(Json::is_string) {
                let pattern = map.remove("pattern").unwrap_or_default();
                map.insert(PCRE.into(), pattern);
            }
            map.values_mut().for_each(rename_patterns);
        }
        Json::Array(items) => items.iter_mut().for_each(rename_patterns),
        _ => {}
    }
}

/// The keyword `pattern` with nginx's regexes.
struct Pcre(Pattern);

impl<'i> Keyword<'i> for Pcre {
    fn validate(&self, instance: &'i Json) -> Result<(), ValidationError<'i>> {
        if self.is_valid(instance) {
            return Ok(());
        }
        let message = format!("{instance} does not match {:?}", self.0.text());
        Err(ValidationError::custom(message))
    }

    fn is_valid(&self, instance: &'i Json) -> bool {
        instance.as_str().is_none_or(|text| self.0.find(text.as_bytes()).is_some())
    }
}
