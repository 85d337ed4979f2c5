//! Gathers the resources of all files.

use super::lookup::{get, text, type_name};
use super::{Input, PREFIX, Remark, kind};
use amesh_translator::{Code, Diagnostic};
use amesh_xds::json::{self, Problem, Unknown};
use amesh_xds::schema;
use amesh_xds::wire::envoy::service::discovery::v3::DiscoveryResponse;
use amesh_xds::wire::google::protobuf::Any;
use serde_json::Value;
use std::collections::BTreeSet;

/// The input so far.
#[derive(Default)]
pub(crate) struct Collector {
    input: Input,
    /// The file that is being read.
    pub(super) file: String,
    /// Names given to resources without one.
    given: BTreeSet<String>,
    /// Routes that stand in listeners too: of use only where no listener is there. File, place, resource.
    static_routes: Vec<(String, String, Value)>,
}

impl Collector {
    /// Takes a binary response as it is.
    pub(super) fn binary(&mut self, response: &DiscoveryResponse) {
        for any in &response.resources {
            let type_url = if response.type_url.is_empty() { &any.type_url } else { &response.type_url };
            if let Some(name) = name_on_wire(&any.value) {
                self.origin(&label(type_url, &name));
            }
            self.input.resources.entry(type_url.clone()).or_default().push(any.clone());
        }
        // A response without resources says that there are none.
        if !response.type_url.is_empty() {
            self.input.resources.entry(response.type_url.clone()).or_default();
        }
    }

    /// Takes a resource in its JSON form. `expected`: its type (full name), where it does not say; `place`: where in the
    /// file it stands.
    pub(super) fn resource(&mut self, expected: Option<&str>, value: &Value, place: &str) {
        let named = type_name(value).or(expected).or_else(|| kind::guess(value));
        let Some(type_name) = named else {
            let message = "\"@type\" is missing, and its fields do not tell what it is";
            return self.remark(Code::ResourceInvalid, resource_at(place), "", message);
        };
        let Some(message) = schema::message(type_name) else {
            let message = format!("the type {type_name:?} is not known to this release");
            return self.remark(Code::TypeUnknown, resource_at(place), "", &message);
        };
        let type_url = format!("{PREFIX}{}", message.full_name);
        let value = self.with_name(&type_url, value);
        let label = match name_of(&value) {
            Some(name) => label(&type_url, name),
            None => format!("{} ({})", short(&type_url), resource_at(place)),
        };
        let mut problems = Vec::new();
        match json::to_wire(message, &value, &mut problems) {
            Ok(bytes) => {
                self.origin(&label);
                let any = Any { type_url: type_url.clone(), value: bytes.into() };
                self.input.resources.entry(type_url).or_default().push(any);
                self.problems(&label, &problems);
            }
            Err(error) => self.remark(Code::ResourceInvalid, label, &error.path, &error.problem.to_string()),
        }
    }

    /// Takes a route configuration that a listener of the same Envoy holds.
    pub(super) fn static_route(&mut self, value: &Value, place: &str) {
        self.static_routes.push((self.file.clone(), place.to_owned(), value.clone()));
    }

    /// Remarks on what was not declared. Unknown types are kept by name, and the translator knows whether they matter.
    pub(super) fn problems(&mut self, label: &str, problems: &[Problem]) {
        for Problem { path, unknown } in problems {
            if let Unknown::Field(message) = unknown {
                let text = format!("{message} has no such field in this release; it is left out");
                self.remark(Code::FieldUnknown, label.to_owned(), path, &text);
            }
        }
    }

    pub(super) fn remark(&mut self, code: Code, resource: String, path: &str, message: &str) {
        let diagnostic = Diagnostic::new(code, resource, path.to_owned(), message.to_owned());
        self.input.remarks.push(Remark { file: self.file.clone(), diagnostic });
    }

    /// Everything, once all files are read.
    pub(super) fn finish(mut self) -> Input {
        if !self.input.has_listeners() {
            for (file, place, value) in std::mem::take(&mut self.static_routes) {
                self.file = file;
                self.resource(None, &value, &place);
            }
        }
        self.input
    }

    fn origin(&mut self, label: &str) {
        self.input.origins.insert(label.to_owned(), self.file.clone());
    }

    /// Listeners and route configurations need no name in a file, but on a stream they do.
    fn with_name(&mut self, type_url: &str, value: &Value) -> Value {
        let base = match short(type_url) {
            _ if name_of(value).is_some() => return value.clone(),
            "Listener" => address_of(value),
            "RouteConfiguration" => "routes".to_owned(),
            _ => return value.clone(),
        };
        let mut names = std::iter::once(base.clone()).chain((2_u64..).map(|number| format!("{base}_{number}")));
        let name = names.find(|name| !self.given.contains(name)).unwrap_or(base);
        self.given.insert(name.clone());
        let mut value = value.clone();
        if let Some(object) = value.as_object_mut() {
            object.insert("name".to_owned(), name.into());
        }
        value
    }
}

/// As Istio names listeners.
fn address_of(listener: &Value) -> String {
    let address = get(listener, "address").and_then(|address| get(address, "socket_address"));
    let part = |name| address.and_then(|address| get(address, name));
    let host = part("address").and_then(Value::as_str).unwrap_or("listener");
    part("port_value").map_or_else(|| host.to_owned(), |port| format!("{host}_{port}"))
}

fn name_of(value: &Value) -> Option<&str> {
    text(value, "name").or_else(|| text(value, "cluster_name")).filter(|name| !name.is_empty())
}

/// The name of an encoded resource: its field 1.
fn name_on_wire(value: &[u8]) -> Option<String> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Named {
        #[prost(string, tag = "1")]
        name: String,
    }
    prost::Message::decode(value).ok().map(|named: Named| named.name)
}

/// As the translator names resources in diagnostics.
fn label(type_url: &str, name: &str) -> String {
    format!("{} {name:?}", short(type_url))
}

fn short(type_url: &str) -> &str {
    type_url.rsplit('.').next().unwrap_or(type_url)
}

fn resource_at(place: &str) -> String {
    if place.is_empty() { "the resource".to_owned() } else { place.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LISTENER;

    #[test]
    fn a_listener_is_named_by_its_address() {
        let address = serde_json::json!({"address": {"socketAddress": {"address": "0.0.0.0", "portValue": 80}}});
        let mut collector = Collector::default();
        let first = collector.with_name(LISTENER, &address);
        let second = collector.with_name(LISTENER, &address);
        assert_eq!((text(&first, "name"), text(&second, "name")), (Some("0.0.0.0_80"), Some("0.0.0.0_80_2")));
    }
}
