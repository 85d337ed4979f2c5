//! Reading the objects of a resource, in the JSON form of proto3 with proto field names.
//!
//! An object remembers what was read of it. What nobody read is something the model does not know: it is noted, and
//! a request that gets as far is not decided.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::{Map, Value as Json};

use super::refusal::Refusal;

pub(super) type Read<T> = Result<T, Refusal>;

/// One object of a resource.
#[derive(Debug)]
pub(super) struct Object<'r> {
    resource: &'r str,
    seen: Rc<Seen<'r>>,
}

/// Where an object stands, and what was read of it and the objects in it.
#[derive(Debug)]
struct Seen<'r> {
    path: String,
    map: &'r Map<String, Json>,
    names: RefCell<BTreeSet<String>>,
    inner: RefCell<Vec<Rc<Seen<'r>>>>,
    settled: Cell<bool>,
}

impl Seen<'_> {
    fn unread(&self) -> Option<String> {
        if self.settled.get() {
            return None;
        }
        let names = self.names.borrow();
        let holds = |value: &Json| !(value.is_null() || value.as_array().is_some_and(Vec::is_empty));
        let own = self.map.iter().find(|(name, value)| holds(value) && !names.contains(*name));
        own.map(|(name, _)| join(&self.path, name))
            .or_else(|| self.inner.borrow().iter().find_map(|inner| inner.unread()))
    }
}

fn join(path: &str, name: &str) -> String {
    match (path, name) {
        ("", name) => name.into(),
        (path, "") => path.into(),
        (path, name) => format!("{path}.{name}"),
    }
}

impl<'r> Object<'r> {
    /// `resource` is kind and name.
    pub(super) fn new(resource: &'r str, value: &'r Json) -> Read<Self> {
        Self::at(resource, String::new(), value)
    }

    fn at(resource: &'r str, path: String, value: &'r Json) -> Read<Self> {
        let Json::Object(map) = value else {
            return Err(Refusal { resource: resource.into(), path, why: "an object is expected".into() });
        };
        let (names, inner, settled) = (RefCell::default(), RefCell::default(), Cell::default());
        Ok(Self { resource, seen: Rc::new(Seen { path, map, names, inner, settled }) })
    }

    fn inner(&self, path: String, value: &'r Json) -> Read<Self> {
        let inner = Self::at(self.resource, path, value)?;
        self.seen.inner.borrow_mut().push(Rc::clone(&inner.seen));
        Ok(inner)
    }

    /// A refusal of one field, or of the object itself when `name` is empty.
    pub(super) fn refuse(&self, name: &str, why: impl Into<String>) -> Refusal {
        Refusal { resource: self.resource.into(), path: self.path_of(name), why: why.into() }
    }

    pub(super) fn path_of(&self, name: &str) -> String {
        join(&self.seen.path, name)
    }

    /// The value of a field; `null` is absence.
    pub(super) fn get(&self, name: &str) -> Option<&'r Json> {
        self.seen.names.borrow_mut().insert(name.into());
        self.seen.map.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Fields that have no influence on what becomes of a request.
    pub(super) fn ignore(&self, names: &[&str]) {
        self.seen.names.borrow_mut().extend(names.iter().map(|name| (*name).into()));
    }

    /// Nothing in here has an influence.
    pub(super) fn ignore_all(&self) {
        self.seen.settled.set(true);
    }

    /// The first field that holds something and that nobody read, here or in an object that was opened. Whoever asks
    /// takes the note over: objects around this one do not report it again.
    pub(super) fn unread(&self) -> Option<String> {
        let found = self.seen.unread();
        self.ignore_all();
        found
    }

    fn typed<T>(&self, name: &str, expected: &str, read: impl Fn(&'r Json) -> Option<T>) -> Read<Option<T>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        read(value).ok_or_else(|| self.refuse(name, format!("{expected} is expected"))).map(Some)
    }

    pub(super) fn text(&self, name: &str) -> Read<&'r str> {
        Ok(self.typed(name, "a string", Json::as_str)?.unwrap_or_default())
    }

    /// A string of a oneof, where being empty is not being absent.
    pub(super) fn text_if(&self, name: &str) -> Read<Option<&'r str>> {
        self.typed(name, "a string", Json::as_str)
    }

    pub(super) fn flag(&self, name: &str) -> Read<bool> {
        Ok(self.flag_if(name)?.unwrap_or_default())
    }

    pub(super) fn flag_if(&self, name: &str) -> Read<Option<bool>> {
        self.typed(name, "a boolean", Json::as_bool)
    }

    /// A whole number; numbers of 64 bits are texts in this JSON.
    pub(super) fn integer_if(&self, name: &str) -> Read<Option<i64>> {
        let whole = |value: &Json| match value {
            Json::String(text) => text.parse().ok(),
            #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
            Json::Number(number) => number
                .as_i64()
                .or_else(|| number.as_f64().filter(|it| it.fract() == 0.0 && it.abs() < 9e15).map(|it| it as i64)),
            _ => None,
        };
        self.typed(name, "a whole number", whole)
    }

    /// An unsigned number of 32 bits.
    pub(super) fn number_if(&self, name: &str) -> Read<Option<u32>> {
        let Some(number) = self.integer_if(name)? else { return Ok(None) };
        u32::try_from(number).map(Some).map_err(|_| self.refuse(name, "a number of 32 bits is expected"))
    }

    pub(super) fn number(&self, name: &str) -> Read<u32> {
        Ok(self.number_if(name)?.unwrap_or_default())
    }

    /// The name of an enum value. `values` are the names in the order of their numbers, the first is the default.
    pub(super) fn choice(&self, name: &str, values: &[&'static str]) -> Read<&'static str> {
        let find = |value: &Json| match value {
            Json::String(text) => values.iter().find(|value| *value == text).copied(),
            Json::Number(number) => values.get(usize::try_from(number.as_u64()?).ok()?).copied(),
            _ => None,
        };
        let found = self.typed(name, "a value of the enum", find)?;
        Ok(found.or(values.first().copied()).unwrap_or_default())
    }

    pub(super) fn object(&self, name: &str) -> Read<Option<Object<'r>>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        self.inner(self.path_of(name), value).map(Some)
    }

    fn items(&self, name: &str) -> Read<&'r [Json]> {
        Ok(self.typed(name, "a list", |value| value.as_array().map(Vec::as_slice))?.unwrap_or_default())
    }

    pub(super) fn objects(&self, name: &str) -> Read<Vec<Object<'r>>> {
        let object = |(at, item)| self.inner(format!("{}[{at}]", self.path_of(name)), item);
        self.items(name)?.iter().enumerate().map(object).collect()
    }

    pub(super) fn texts(&self, name: &str) -> Read<Vec<&'r str>> {
        let text = |item: &'r Json| item.as_str().ok_or_else(|| self.refuse(name, "a list of strings is expected"));
        self.items(name)?.iter().map(text).collect()
    }

    pub(super) fn numbers(&self, name: &str) -> Read<Vec<u32>> {
        let number = |item: &Json| item.as_u64().and_then(|it| u32::try_from(it).ok());
        let number = |item| number(item).ok_or_else(|| self.refuse(name, "a list of numbers is expected"));
        self.items(name)?.iter().map(number).collect()
    }

    /// The objects of a map field, by key.
    pub(super) fn map(&self, name: &str) -> Read<Vec<(&'r str, Object<'r>)>> {
        let Some(map) = self.object(name)? else { return Ok(Vec::new()) };
        let entry = |(key, value): (&'r String, &'r Json)| {
            Ok((key.as_str(), map.inner(format!("{}[{key}]", map.path_of("")), value)?))
        };
        map.ignore(&map.seen.map.keys().map(String::as_str).collect::<Vec<_>>());
        map.seen.map.iter().map(entry).collect()
    }

    /// The type of an `Any`, without what stands before the last slash.
    pub(super) fn any_type(&self) -> Read<&'r str> {
        let url = self.text("@type")?;
        Ok(url.rsplit('/').next().unwrap_or(url))
    }

    /// A `google.protobuf.Duration`, in seconds.
    pub(super) fn duration_if(&self, name: &str) -> Read<Option<f64>> {
        let seconds = |value: &Json| value.as_str()?.strip_suffix('s')?.parse().ok();
        self.typed(name, "a duration", seconds)
    }

    /// An `envoy.type.v3.FractionalPercent`.
    pub(super) fn fraction_if(&self, name: &str) -> Read<Option<Fraction>> {
        let Some(fraction) = self.object(name)? else { return Ok(None) };
        let of = match fraction.choice("denominator", &["HUNDRED", "TEN_THOUSAND", "MILLION"])? {
            "TEN_THOUSAND" => 10_000,
            "MILLION" => 1_000_000,
            _ => 100,
        };
        Ok(Some(Fraction { share: fraction.number("numerator")?, of }))
    }

    /// An `envoy.config.core.v3.RuntimeFractionalPercent`: its default value, as no runtime is modelled.
    pub(super) fn runtime_fraction_if(&self, name: &str) -> Read<Option<Fraction>> {
        let Some(fraction) = self.object(name)? else { return Ok(None) };
        fraction.ignore(&["runtime_key"]);
        let default = fraction.fraction_if("default_value")?;
        default.ok_or_else(|| fraction.refuse("default_value", "value is required")).map(Some)
    }

    /// The value as it stands, which is taken over as a whole.
    pub(super) fn json(&self) -> Json {
        self.ignore_all();
        Json::Object(self.seen.map.clone())
    }
}

/// So many out of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) share: u32,
    pub(super) of: u32,
}

impl Fraction {
    pub(super) fn share(self) -> f64 {
        (f64::from(self.share) / f64::from(self.of)).min(1.0)
    }
}
