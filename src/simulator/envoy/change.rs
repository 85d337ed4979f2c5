//! Adding and removing headers, at each of the four levels.

use super::decision::Line;
use super::encoding::Encoding;
use super::exchange::Exchange;
use super::format::{Facts, Format};
use super::headers::Headers;
use super::object::{Object, Read};
use super::stop::{Known, NotModelled};

/// What one level does to the headers of a request or a response.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Changes {
    remove: Vec<String>,
    add: Vec<Addition>,
    /// What is done last.
    compress: Option<Box<Encoding>>,
}

/// `envoy.config.core.v3.HeaderValueOption`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Addition {
    name: String,
    value: Format,
    action: Action,
    keep_empty: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Append,
    AddIfAbsent,
    OverwriteOrAdd,
    OverwriteIfPresent,
}

impl Changes {
    /// Reads `<kind>_headers_to_add` and `<kind>_headers_to_remove`.
    pub(super) fn read(owner: &Object, kind: &str) -> Read<Self> {
        let (adds, removes) = (format!("{kind}_headers_to_add"), format!("{kind}_headers_to_remove"));
        let remove: Vec<String> = owner.texts(&removes)?.into_iter().map(str::to_ascii_lowercase).collect();
        if remove.iter().any(|name| name.starts_with(':') || name == "host") {
            return Err(owner.refuse(&removes, ":-prefixed or host headers may not be removed"));
        }
        let add = owner.objects(&adds)?.iter().map(Addition::read).collect::<Read<_>>()?;
        Ok(Self { remove, add, compress: None })
    }

    /// One addition: reads `envoy.config.core.v3.HeaderValueOption`.
    pub(super) fn addition(option: &Object) -> Read<Self> {
        Ok(Self { add: vec![Addition::read(option)?], ..Self::default() })
    }

    /// One removal.
    pub(super) fn removal(name: &str) -> Self {
        let remove = if name.is_empty() { Vec::new() } else { vec![name.to_ascii_lowercase()] };
        Self { remove, ..Self::default() }
    }

    /// One header instead of what there is of it.
    pub(super) fn replacement(name: &str, value: &[u8]) -> Self {
        let (name, value) = (name.into(), Format::literal(value));
        let add = vec![Addition { name, value, action: Action::OverwriteOrAdd, keep_empty: true }];
        Self { add, ..Self::default() }
    }

    /// A response may be compressed.
    pub(super) fn compression(encoding: Encoding) -> Self {
        Self { compress: Some(Box::new(encoding)), ..Self::default() }
    }

    fn remove(&self, headers: &mut Headers) {
        for name in &self.remove {
            headers.remove(name);
        }
    }

    /// Replaces first, then adds; all values are made before.
    fn add(&self, headers: &mut Headers, facts: Facts) -> Known<()> {
        let mut adds = Vec::new();
        let mut replaces = Vec::new();
        for addition in &self.add {
            let value = addition.value.write(facts)?;
            if value.is_empty() && !addition.keep_empty {
                continue;
            }
            match (addition.action, headers.has(&addition.name)) {
                (Action::Append, _) | (Action::AddIfAbsent, false) => adds.push((addition.name.as_str(), value)),
                (Action::OverwriteOrAdd, _) | (Action::OverwriteIfPresent, true) => {
                    replaces.push((addition.name.as_str(), value));
                }
                (Action::AddIfAbsent, true) | (Action::OverwriteIfPresent, false) => {}
            }
        }
        for (name, value) in replaces {
            headers.set(name, value);
        }
        for (name, value) in adds {
            headers.add(name, value);
        }
        Ok(())
    }

    /// Changes a request: removes, then replaces and adds what may be made of what is left.
    pub(super) fn apply_to_request(&self, exchange: &mut Exchange, route_name: &str, cluster: &str) -> Known<()> {
        self.remove(&mut exchange.headers);
        let mut headers = exchange.headers.clone();
        self.add(&mut headers, Facts { request: exchange, response: None, route_name, cluster })?;
        exchange.headers = headers;
        Ok(())
    }
}

impl Addition {
    fn read(option: &Object) -> Read<Self> {
        let header = option.object("header")?.ok_or_else(|| option.refuse("header", "value is required"))?;
        let name = header.text("key")?.to_ascii_lowercase();
        if name.is_empty() || name.starts_with(':') || name == "host" {
            return Err(header.refuse("key", ":-prefixed or host headers may not be modified"));
        }
        let value = header.text("value")?;
        let actions = ["APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS"];
        let action = match (option.flag_if("append")?, option.choice("append_action", &actions)?) {
            (Some(false), _) | (_, "OVERWRITE_IF_EXISTS_OR_ADD") => Action::OverwriteOrAdd,
            (_, "ADD_IF_ABSENT") => Action::AddIfAbsent,
            (_, "OVERWRITE_IF_EXISTS") => Action::OverwriteIfPresent,
            _ => Action::Append,
        };
        Ok(Self {
            value: Format::read(value).map_err(|why| header.refuse("value", why))?,
            keep_empty: option.flag("keep_empty_value")?,
            name,
            action,
        })
    }
}

/// What becomes of the headers of a response on the way to the client.
#[derive(Debug, Clone, PartialEq)]
pub struct ResponseChanges {
    /// In the order in which they are applied.
    pub(super) levels: Vec<Changes>,
    /// The request as the upstream has it, for the values that are taken from it.
    pub(super) request: Box<Exchange>,
    pub(super) route_name: String,
    pub(super) cluster: String,
    /// An answer has a body unless its length says otherwise.
    pub(super) may_have_body: bool,
}

impl ResponseChanges {
    /// The header lines that the client gets, for the status and the lines of the upstream's response; names in any
    /// case. Envoy's own headers are not added: `server`, `date`, `x-envoy-upstream-service-time`. The error says what
    /// is not modelled.
    pub fn apply(&self, status: u16, lines: &[Line]) -> Result<Vec<Line>, String> {
        let mut headers = Headers::of_response();
        for (name, value) in lines {
            headers.add(&name.to_ascii_lowercase(), value.clone());
        }
        self.change(status, &mut headers).map_err(|NotModelled(what)| what)?;
        Ok(headers.lines().to_vec())
    }

    pub(super) fn change(&self, status: u16, headers: &mut Headers) -> Known<()> {
        for level in &self.levels {
            level.remove(headers);
            let before = headers.clone();
            let facts = Facts {
                request: &self.request,
                response: Some((status, &before)),
                route_name: &self.route_name,
                cluster: &self.cluster,
            };
            level.add(headers, facts)?;
            if let Some(encoding) = &level.compress {
                let has_body =
                    self.may_have_body && self.request.method() != b"HEAD" && headers.value("content-length") != b"0";
                encoding.apply(status, has_body, headers);
            }
        }
        Ok(())
    }
}
