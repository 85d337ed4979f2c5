//! Reading the objects of a document: types, bounds and the other rules of APISIX's schema.

use std::ops::RangeInclusive;

use serde_json::{Map, Value as Json};

use super::number;
use super::refusal::Refusal;

type Read<T> = Result<Option<T>, Refusal>;

/// One object of the document and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Fields<'d> {
    pub(super) path: String,
    map: &'d Map<String, Json>,
}

/// Whole numbers without an upper bound.
pub(super) const FROM_ZERO: RangeInclusive<f64> = 0.0..=f64::MAX;

impl<'d> Fields<'d> {
    pub(super) fn new(path: String, value: &'d Json) -> Result<Self, Refusal> {
        match value {
            Json::Object(map) => Ok(Self { path, map }),
            _ => Err(refusal(path, "wrong type: expected object")),
        }
    }

    /// Refuses fields that are not in the list.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        match self.map.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.refuse(name, "additional properties forbidden")),
            None => Ok(()),
        }
    }

    /// A refusal of one field, or of the object itself when `name` is empty.
    pub(super) fn refuse(&self, name: &str, message: impl Into<String>) -> Refusal {
        refusal(self.path_of(name), message)
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() || name.is_empty() {
            return format!("{}{name}", self.path);
        }
        format!("{}.{name}", self.path)
    }

    pub(super) fn get(&self, name: &str) -> Option<&'d Json> {
        self.map.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &'d str> {
        self.map.keys().map(String::as_str)
    }

    /// Every text in the object, however deep.
    pub(super) fn texts_within(&self) -> impl Iterator<Item = &'d str> {
        let mut texts = Vec::new();
        self.map.values().for_each(|value| collect(value, &mut texts));
        texts.into_iter()
    }

    pub(super) fn flag(&self, name: &str) -> Read<bool> {
        self.typed(name, "boolean", Json::as_bool)
    }

    /// A text or a number, as the text that APISIX makes of it.
    pub(super) fn scalar(&self, name: &str) -> Result<String, Refusal> {
        let scalar = self.get(name).and_then(scalar);
        scalar.ok_or_else(|| self.refuse(name, "value should match only one schema"))
    }

    /// All members of the object, which are texts or numbers under names without a colon.
    pub(super) fn scalars(&self) -> Result<Vec<(String, String)>, Refusal> {
        self.names().map(|name| Ok((name.to_owned(), self.scalar(name)?))).collect()
    }

    fn typed<T>(&self, name: &str, expected: &str, read: impl Fn(&'d Json) -> Option<T>) -> Read<T> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || self.refuse(name, format!("wrong type: expected {expected}"));
        read(value).ok_or_else(wrong).map(Some)
    }

    pub(super) fn text(&self, name: &str) -> Read<&'d str> {
        self.typed(name, "string", Json::as_str)
    }

    pub(super) fn array(&self, name: &str) -> Read<&'d [Json]> {
        self.typed(name, "array", |value| value.as_array().map(Vec::as_slice))
    }

    pub(super) fn child(&self, name: &str) -> Read<Fields<'d>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        Fields::new(self.path_of(name), value).map(Some)
    }

    /// The objects of an array.
    pub(super) fn children(&self, name: &str) -> Read<Vec<Fields<'d>>> {
        let Some(items) = self.array(name)? else { return Ok(None) };
        let child = |(at, item)| Fields::new(format!("{}[{at}]", self.path_of(name)), item);
        items.iter().enumerate().map(child).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn number(&self, name: &str, range: RangeInclusive<f64>) -> Read<f64> {
        let Some(number) = self.typed(name, "number", Json::as_f64)?.map(number::stored) else {
            return Ok(None);
        };
        if !range.contains(&number) {
            let (least, most) = (range.start(), range.end());
            return Err(self.refuse(name, format!("{number} is not between {least} and {most}")));
        }
        Ok(Some(number))
    }

    pub(super) fn integer(&self, name: &str, range: RangeInclusive<f64>) -> Read<f64> {
        match self.number(name, range)? {
            Some(number) if number.fract() != 0.0 => Err(self.refuse(name, "wrong type: expected integer, got number")),
            number => Ok(number),
        }
    }

    pub(super) fn choice(&self, name: &str, choices: &[&str]) -> Read<&'d str> {
        match self.text(name)? {
            Some(text) if !choices.contains(&text) => Err(self.refuse(name, "matches none of the enum values")),
            text => Ok(text),
        }
    }

    /// An array of different texts.
    pub(super) fn texts(&self, name: &str) -> Read<Vec<&'d str>> {
        let Some(texts) = self.items(name)? else { return Ok(None) };
        let mut sorted = texts.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() < texts.len() {
            return Err(self.refuse(name, "expected unique items"));
        }
        Ok(Some(texts))
    }

    /// An array of texts, which may repeat.
    pub(super) fn items(&self, name: &str) -> Read<Vec<&'d str>> {
        let Some(items) = self.array(name)? else { return Ok(None) };
        let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
        texts.ok_or_else(|| self.refuse(name, "expected an array of strings")).map(Some)
    }

    /// A list that must not be empty, or a single text under the other name; both together are
    /// refused.
    pub(super) fn one_or_more(&self, single: &str, list: &str) -> Read<Vec<&'d str>> {
        let several = self.texts(list)?;
        if several.as_ref().is_some_and(Vec::is_empty) {
            return Err(self.refuse(list, "expect array to have at least 1 items"));
        }
        match (self.text(single)?, several) {
            (Some(_), Some(_)) => Err(self.refuse(list, format!("only one of {single} or {list} is allowed"))),
            (Some(text), None) => Ok(Some(vec![text])),
            (None, several) => Ok(several),
        }
    }

    /// An id: a text of up to 64 letters, digits and `-_.`, or a whole number from 1. Numbers become
    /// texts, as in every look-up of APISIX.
    pub(super) fn id(&self, name: &str) -> Read<String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let id = match value {
            Json::String(text) => is_id(text).then(|| text.clone()),
            Json::Number(number) => number.as_f64().filter(|id| *id >= 1.0 && id.fract() == 0.0).map(number::text),
            _ => None,
        };
        id.ok_or_else(|| self.refuse(name, "object matches none of the required")).map(Some)
    }
}

fn collect<'d>(value: &'d Json, texts: &mut Vec<&'d str>) {
    match value {
        Json::String(text) => texts.push(text),
        Json::Array(items) => items.iter().for_each(|item| collect(item, texts)),
        Json::Object(map) => map.values().for_each(|value| collect(value, texts)),
        _ => {}
    }
}

/// A text or a number as Lua writes it.
pub(super) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number::text(number.as_f64()?)),
        _ => None,
    }
}

fn refusal(path: String, message: impl Into<String>) -> Refusal {
    Refusal::Invalid { path, message: message.into() }
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// `*`, or an optional `*` and letters, digits and `-._[]:`.
pub(super) fn is_host(text: &str) -> bool {
    let rest = text.strip_prefix('*').unwrap_or(text);
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
    text == "*" || (!rest.is_empty() && rest.bytes().all(allowed))
}
