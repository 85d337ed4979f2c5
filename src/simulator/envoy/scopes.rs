//! `HttpConnectionManager.scoped_routes`: headers choose the route configuration.

use std::collections::BTreeMap;

use super::header_match::name_of;
use super::headers::Headers;
use super::object::{Object, Read};
use super::routes::RouteTable;
use super::stop::{Known, NotModelled};

/// Route configurations by key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scopes {
    extractors: Vec<Extractor>,
    /// Each with its place in the list.
    tables: BTreeMap<Vec<Vec<u8>>, (usize, RouteTable)>,
    not_modelled: Option<String>,
}

/// Takes one fragment of the key from the first line of a header.
#[derive(Debug, Clone, PartialEq)]
struct Extractor {
    name: String,
    /// Empty: the whole value is the only element.
    separator: Vec<u8>,
    wanted: Wanted,
}

#[derive(Debug, Clone, PartialEq)]
enum Wanted {
    /// The element at this place.
    At(usize),
    /// What stands behind the separator in the first element with this key.
    Of { key: Vec<u8>, separator: Vec<u8> },
}

impl Scopes {
    pub(super) fn read(scoped: &Object) -> Read<Self> {
        // From where it would be fetched.
        scoped.ignore(&["rds_config_source"]);
        filled(scoped, "name")?;
        let Some(builder) = scoped.object("scope_key_builder")? else {
            return Err(scoped.refuse("scope_key_builder", "value is required"));
        };
        let extractors = some(&builder, "fragments")?.iter().map(Extractor::read).collect::<Read<_>>()?;
        let mut not_modelled = scoped.has("scoped_rds").then(|| scoped.path_of("scoped_rds"));
        let mut tables = BTreeMap::new();
        if let Some(list) = scoped.object("scoped_route_configurations_list")? {
            for (index, scope) in some(&list, "scoped_route_configurations")?.iter().enumerate() {
                let (key, table) = read_scope(scope)?;
                if tables.insert(key, (index, table)).is_some() {
                    not_modelled = Some("two scopes of one key".into());
                }
            }
        } else if not_modelled.is_none() {
            return Err(scoped.refuse("config_specifier", "is required"));
        }
        Ok(Self { extractors, tables, not_modelled })
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &RouteTable> {
        self.tables.values().map(|(_, table)| table)
    }

    /// The scope of a request, if it has one. A key with another number of fragments is never equal.
    pub(super) fn find(&self, headers: &Headers) -> Known<Option<(usize, &RouteTable)>> {
        NotModelled::check(self.not_modelled.as_ref())?;
        let mut key = Vec::new();
        for extractor in &self.extractors {
            let Some(fragment) = extractor.fragment(headers) else { return Ok(None) };
            key.push(fragment);
        }
        Ok(self.tables.get(&key).map(|(index, table)| (*index, table)))
    }
}

fn read_scope(scope: &Object) -> Read<(Vec<Vec<u8>>, RouteTable)> {
    // Those in a list are there from the start.
    scope.ignore(&["on_demand"]);
    filled(scope, "name")?;
    let Some(key) = scope.object("key")? else { return Err(scope.refuse("key", "value is required")) };
    let text = |fragment: &Object| match fragment.text_if("string_key")? {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => Err(fragment.refuse("type", "is required")),
    };
    let key = some(&key, "fragments")?.iter().map(text).collect::<Read<_>>()?;
    if !scope.text("route_configuration_name")?.is_empty() {
        return Err(scope.refuse("route_configuration_name", "is not supported with inline scoped routes"));
    }
    let Some(routes) = scope.object("route_configuration")? else {
        return Err(scope.refuse("route_configuration", "You must specify it with inline scoped routes"));
    };
    Ok((key, RouteTable::read(&routes)?))
}

impl Extractor {
    fn read(fragment: &Object) -> Read<Self> {
        let Some(extractor) = fragment.object("header_value_extractor")? else {
            return Err(fragment.refuse("type", "is required"));
        };
        let separator = extractor.text("element_separator")?;
        let wanted = match (extractor.object("element")?, extractor.number_if("index")?) {
            (Some(element), _) => Wanted::Of {
                key: filled(&element, "key")?.as_bytes().to_vec(),
                separator: filled(&element, "separator")?.as_bytes().to_vec(),
            },
            (None, Some(index)) if index > 0 && separator.is_empty() => {
                return Err(extractor.refuse("index", "Index > 0 for empty string element separator."));
            }
            (None, Some(index)) => Wanted::At(usize::try_from(index).unwrap_or(usize::MAX)),
            (None, None) => return Err(extractor.refuse("extract_type", "not set")),
        };
        let name = name_of(filled(&extractor, "name")?);
        Ok(Self { name, separator: separator.as_bytes().to_vec(), wanted })
    }

    fn fragment(&self, headers: &Headers) -> Option<Vec<u8>> {
        let elements = split(headers.get(&self.name)?, &self.separator);
        match &self.wanted {
            Wanted::At(index) => elements.get(*index).map(|element| element.to_vec()),
            Wanted::Of { key, separator } => elements.into_iter().find_map(|element| {
                let end = find(element, separator).unwrap_or(element.len());
                let value = || element.get(end.saturating_add(separator.len())..).unwrap_or_default().to_vec();
                (element.get(..end) == Some(key.as_slice())).then(value)
            }),
        }
    }
}

/// At every separator; empty parts count.
fn split<'v>(mut value: &'v [u8], separator: &[u8]) -> Vec<&'v [u8]> {
    let mut elements = Vec::new();
    while let Some(at) = find(value, separator) {
        elements.push(value.get(..at).unwrap_or_default());
        value = value.get(at.saturating_add(separator.len())..).unwrap_or_default();
    }
    elements.push(value);
    elements
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return None;
    }
    text.windows(part.len()).position(|window| window == part)
}

fn filled<'r>(object: &Object<'r>, name: &str) -> Read<&'r str> {
    match object.text(name)? {
        "" => Err(object.refuse(name, "value length must be at least 1 characters")),
        text => Ok(text),
    }
}

fn some<'r>(object: &Object<'r>, name: &str) -> Read<Vec<Object<'r>>> {
    let items = object.objects(name)?;
    if items.is_empty() { Err(object.refuse(name, "value must contain at least 1 item(s)")) } else { Ok(items) }
}
