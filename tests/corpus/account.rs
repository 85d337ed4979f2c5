//! The independent account of what has to be reported: a walk by reflection over the encoded resource, guided by the
//! ledger alone. It shares no code with the scan that the translator uses.

use amesh_tests::message::{Types, name_of};
use amesh_xds::schema::{self, Action, Class};
use prost_reflect::{DynamicMessage, ReflectMessage, Value};

use crate::parts;

/// Something that is set and has to be reported about the resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    /// The diagnostic's code.
    pub(crate) code: &'static str,
    /// Its message; empty: any.
    pub(crate) message: String,
    /// The first place found, for people.
    pub(crate) path: String,
}

/// Which entries of the ledger are for the extensions in a field; the last part of the message's name and the field.
const EXTENSIONS: [(&str, &str); 8] = [
    ("Filter.typed_config", "network_filter"),
    ("ListenerFilter.typed_config", "listener_filter"),
    ("HttpFilter.typed_config", "http_filter"),
    ("CustomClusterType.typed_config", "cluster_type"),
    ("Cluster.typed_extension_protocol_options", "upstream_protocol_options"),
    ("FilterConfig.config", "per_route_config"),
    ("*.typed_per_filter_config", "per_route_config"),
    ("TransportSocket.typed_config", "transport_socket"),
];

/// The same for a `TypedExtensionConfig`, by the field that it stands in.
const TYPED: [(&str, &str); 8] = [
    ("action", "matcher_action"),
    ("compressor_library", "compressor_library"),
    ("extension_config", "http_filter"),
    ("input", "matcher_input"),
    ("path_match_policy", "path_match"),
    ("path_rewrite_policy", "path_rewrite"),
    ("typed_extension_config", "load_balancing_policy"),
    ("uri_template", "path_match"),
];

/// Walks one resource.
pub(crate) struct Account<'a> {
    pub(crate) types: &'a Types,
    pub(crate) due: Vec<Due>,
    /// Of the resource as a whole: `upstream_transport_socket` in a cluster, else `downstream_transport_socket`.
    sockets: &'static str,
    without_extensions: bool,
    denied: &'a [Whole],
    /// How many fields that deny have been met.
    denials: usize,
}

/// A part of the resource that is reported as answered 503 altogether.
pub(crate) struct Whole {
    /// The first such part; empty: the resource.
    pub(crate) path: String,
    /// In how many places.
    pub(crate) count: u32,
}

impl<'a> Account<'a> {
    /// What has to be reported about a resource.
    pub(crate) fn of(types: &'a Types, resource: &DynamicMessage, denied: &'a [Whole]) -> Vec<Due> {
        let is_cluster = resource.descriptor().name() == "Cluster";
        let sockets = if is_cluster { "upstream_transport_socket" } else { "downstream_transport_socket" };
        let mut account = Self { types, due: Vec::new(), sockets, without_extensions: false, denied, denials: 0 };
        account.message(resource, "");
        account.due
    }

    fn message(&mut self, message: &DynamicMessage, path: &str) {
        match message.descriptor().name() {
            "FilterChain" => self.part(parts::left_out(message), message, path),
            "FilterConfig" if parts::is_switched_off(message) => {}
            "Listener" => self.part(parts::elsewhere(message), message, path),
            _ => self.fields(message, path),
        }
    }

    /// What is reported as a whole, under `code`: extensions inside it need not be, only its fields.
    fn part(&mut self, code: Option<&'static str>, part: &DynamicMessage, path: &str) {
        let outer = self.without_extensions;
        self.without_extensions |= code.is_some();
        if let Some(code) = code.filter(|_| !outer) {
            self.add(code, String::new(), path);
        }
        self.fields(part, path);
        self.without_extensions = outer;
    }

    /// Routes that stand in a listener whose requests are all denied are not looked at.
    fn is_denied(&self, field: &str, path: &str) -> bool {
        field == "route_config" && self.denied.iter().any(|it| it.count > 1 || path.starts_with(&it.path))
    }

    fn fields(&mut self, message: &DynamicMessage, path: &str) {
        let descriptor = message.descriptor();
        let table = schema::message(descriptor.full_name()).expect("a message that is read is declared");
        for (field, value) in message.fields() {
            let below = if path.is_empty() { field.name().to_owned() } else { format!("{path}.{}", field.name()) };
            let Some(entry) = table.field(field.number()) else {
                self.add("AM0106", format!("field {} is not known", field.number()), &below);
                continue;
            };
            self.field(entry.class(), field.name(), &below);
            let passed_over = parts::is_disabled(message, field.name())
                || parts::is_flag(field.name())
                || self.is_denied(field.name(), &below);
            if entry.class().is_read() && !passed_over {
                let kind = kind_of(descriptor.name(), field.name(), path);
                for (index, child) in children(value).into_iter().enumerate() {
                    let at = if field.is_list() { format!("{below}[{index}]") } else { below.clone() };
                    self.child(child, kind, &at);
                }
            }
        }
    }

    fn field(&mut self, class: Class, name: &str, path: &str) {
        self.denials += usize::from(matches!(class, Class::Refused(Action::Deny, _) | Class::NotYet(Action::Deny, _)));
        let code = match class {
            Class::Translated | Class::NoEffect => return,
            Class::Unlisted => panic!("{path}: below a field that is read, and without a class"),
            Class::Approximated(_) => "AM0101",
            Class::Refused(Action::Ignore, _) => "AM0102",
            Class::Refused(Action::Deny, _) => "AM0103",
            Class::NotYet(Action::Ignore, _) => "AM0104",
            Class::NotYet(Action::Deny, _) => "AM0105",
        };
        self.add(code, format!("{name}: {}", class.note().unwrap_or_default()), path);
    }

    fn child(&mut self, child: &DynamicMessage, kind: Option<&str>, path: &str) {
        match (child.descriptor().full_name(), kind) {
            ("google.protobuf.Any", _) if self.without_extensions => {}
            ("google.protobuf.Any", Some("transport_socket")) => self.extension(child, self.sockets, path),
            ("google.protobuf.Any", Some(kind)) => self.extension(child, kind, path),
            ("google.protobuf.Any", None) => panic!("{path}: an Any that is read, of no kind known here"),
            (name, _) if name.starts_with("google.protobuf.") => {}
            _ => self.message(child, path),
        }
    }

    fn extension(&mut self, any: &DynamicMessage, kind: &str, path: &str) {
        let url = any.get_field_by_name("type_url").expect("a field of Any");
        let value = any.get_field_by_name("value").expect("a field of Any");
        let (outer, bytes) = (name_of(url.as_str().expect("text")), value.as_bytes().expect("bytes"));
        let inner = self.typed_struct(outer, bytes);
        let name = inner.as_deref().unwrap_or(outer);
        let class = schema::extension(kind, name).map(schema::Extension::class);
        if name.is_empty() && kind == "per_route_config" {
            // A wrapper that only switches the filter on.
            return;
        }
        let shown = if name.is_empty() { "no type given" } else { name };
        match class {
            None => self.add("AM0112", format!("{shown}: the type is not known"), path),
            Some(Class::Refused(Action::Ignore, note) | Class::NotYet(Action::Ignore, note)) => {
                self.add("AM0111", format!("{shown}: {note}"), path);
            }
            Some(Class::Refused(Action::Deny, note) | Class::NotYet(Action::Deny, note)) => {
                self.add("AM0112", format!("{shown}: {note}"), path);
            }
            Some(class) if class.is_read() && inner.is_none() => {
                let message = self.types.from_bytes(name, bytes).expect("an extension that is read can be decoded");
                let before = (self.due.len(), self.denials);
                self.message(&message, path);
                if matches!(kind, "http_filter" | "per_route_config") && self.denials > before.1 {
                    self.leave_out_extensions(before.0);
                }
            }
            Some(class) if class.is_read() => {
                let note = "configuration in the form of a TypedStruct is not read";
                self.add("AM0112", format!("{shown}: {note}"), path);
            }
            Some(_) => {}
        }
    }

    /// A filter in which a field denies is not read any further: its fields are reported, the extensions in it are not.
    fn leave_out_extensions(&mut self, before: usize) {
        let own = self.due.split_off(before);
        self.due.extend(own.into_iter().filter(|due| !matches!(due.code, "AM0111" | "AM0112")));
    }

    /// The name of the message that a `TypedStruct` stands for.
    fn typed_struct(&self, name: &str, bytes: &[u8]) -> Option<String> {
        if !name.ends_with(".TypedStruct") {
            return None;
        }
        let message = self.types.from_bytes(name, bytes)?;
        let url = message.get_field_by_name("type_url")?;
        Some(name_of(url.as_str()?).to_owned())
    }

    fn add(&mut self, code: &'static str, message: String, path: &str) {
        if !self.due.iter().any(|due| due.code == code && due.message == message) {
            self.due.push(Due { code, message, path: path.to_owned() });
        }
    }
}

fn kind_of(message: &str, field: &str, path: &str) -> Option<&'static str> {
    if message == "TypedExtensionConfig" && field == "typed_config" {
        let parent = path.rsplit('.').next().unwrap_or(path);
        return TYPED.iter().find(|(name, _)| *name == parent).map(|(_, kind)| *kind);
    }
    let matches = |pattern: &str| {
        pattern.split_once('.').is_some_and(|(owner, name)| name == field && (owner == message || owner == "*"))
    };
    EXTENSIONS.iter().find(|(pattern, _)| matches(pattern)).map(|(_, kind)| *kind)
}

fn children(value: &Value) -> Vec<&DynamicMessage> {
    match value {
        Value::Message(message) => vec![message],
        Value::List(list) => list.iter().filter_map(Value::as_message).collect(),
        Value::Map(map) => map.values().filter_map(Value::as_message).collect(),
        _ => Vec::new(),
    }
}
