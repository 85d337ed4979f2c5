//! Collects what is to be said about one resource, or about one part of it.
//!
//! Things alike are counted, not repeated: a mesh may have the same remark on every route.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::diagnostic::{Code, Diagnostic};

/// A place inside a resource. It lives on the stack and is written out only where something is to be said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    field: &'static str,
    index: Option<usize>,
}

/// The resource itself.
static ROOT: Place<'static> = Place::ROOT;

impl Place<'static> {
    /// The resource itself.
    pub(crate) const ROOT: Place<'static> = Place { parent: None, field: "", index: None };

    /// A field of the resource itself.
    pub(crate) fn named(field: &'static str) -> Self {
        ROOT.field(field)
    }

    /// An item of a repeated field of the resource itself.
    pub(crate) fn top(field: &'static str, index: usize) -> Self {
        ROOT.item(field, index)
    }
}

impl<'a> Place<'a> {
    /// A field below this place.
    pub(crate) fn field(&'a self, field: &'static str) -> Place<'a> {
        Place { parent: Some(self), field, index: None }
    }

    /// An item of a repeated field below this place.
    pub(crate) fn item(&'a self, field: &'static str, index: usize) -> Place<'a> {
        Place { parent: Some(self), field, index: Some(index) }
    }

    /// The path of something at `path` below this place.
    pub(crate) fn join(&self, path: &str) -> String {
        match (self.parent.is_none(), path.is_empty()) {
            (true, _) => path.to_owned(),
            (false, true) => self.to_string(),
            (false, false) => format!("{self}.{path}"),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else { return Ok(()) };
        if parent.parent.is_some() {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.field)?;
        self.index.map_or(Ok(()), |index| write!(f, "[{index}]"))
    }
}

/// What is said once, and where first.
#[derive(Clone, Debug)]
struct Remark {
    path: String,
    hint: Cow<'static, str>,
    count: u32,
    /// All places, where the feature `places` asks for them.
    places: BTreeSet<String>,
}

impl Remark {
    fn at(path: String, hint: Cow<'static, str>) -> Self {
        let mut remark = Self { path: path.clone(), hint, count: 0, places: BTreeSet::new() };
        remark.also(|| path);
        remark
    }

    fn also(&mut self, place: impl FnOnce() -> String) {
        if cfg!(feature = "places") {
            self.places.insert(place());
        }
    }
}

/// Code, field and text.
type Key = (Code, &'static str, Cow<'static, str>);

/// Remarks by code, field and text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    remarks: BTreeMap<Key, Remark>,
}

impl Report {
    /// Adds a remark; `path` is asked for only where it is the first of its kind.
    pub(crate) fn add(&mut self, code: Code, path: impl fmt::Display, message: impl Into<Cow<'static, str>>) {
        self.add_with_hint(code, path, message, "");
    }

    /// Adds a remark with a hint.
    pub(crate) fn add_with_hint(
        &mut self,
        code: Code,
        path: impl fmt::Display,
        message: impl Into<Cow<'static, str>>,
        hint: impl Into<Cow<'static, str>>,
    ) {
        self.count(code, "", message.into(), 1, || (path.to_string(), hint.into()));
    }

    /// Adds a remark about `field`, which may be empty, that holds in `count` places.
    pub(crate) fn count(
        &mut self,
        code: Code,
        field: &'static str,
        message: Cow<'static, str>,
        count: u32,
        first: impl FnOnce() -> (String, Cow<'static, str>),
    ) {
        self.remark((code, field, message), count, first);
    }

    fn remark(&mut self, key: Key, count: u32, place: impl FnOnce() -> (String, Cow<'static, str>)) -> &mut Remark {
        let remark = match self.remarks.entry(key) {
            Entry::Vacant(entry) => {
                let (path, hint) = place();
                entry.insert(Remark::at(path, hint))
            }
            Entry::Occupied(entry) => {
                let remark = entry.into_mut();
                remark.also(|| place().0);
                remark
            }
        };
        remark.count = remark.count.saturating_add(count);
        remark
    }

    /// Adds everything that another report says about what is at `place` of this report's resource.
    pub(crate) fn merge(&mut self, place: &Place<'_>, other: &Report) {
        for (key, remark) in &other.remarks {
            let first = || (place.join(&remark.path), remark.hint.clone());
            let own = self.remark(key.clone(), remark.count, first);
            own.places.extend(remark.places.iter().map(|path| place.join(path)));
        }
    }

    /// Adds what another report says about the same things; what both say counts once.
    pub(crate) fn unite(&mut self, other: Report) {
        for (key, remark) in other.remarks {
            let own = self.remarks.entry(key).or_insert_with(|| remark.clone());
            own.count = own.count.max(remark.count);
            own.places.extend(remark.places);
        }
    }

    /// True where nothing is to be said.
    pub(crate) fn is_empty(&self) -> bool {
        self.remarks.is_empty()
    }

    /// The diagnostics about `resource`.
    pub(crate) fn diagnostics(&self, resource: &str) -> impl Iterator<Item = Diagnostic> {
        self.remarks.iter().map(move |((code, field, message), remark)| Diagnostic {
            hint: remark.hint.clone().into_owned(),
            count: remark.count,
            places: remark.places.iter().cloned().collect(),
            ..Diagnostic::new(*code, resource.to_owned(), remark.path.clone(), text(field, message))
        })
    }
}

fn text(field: &str, message: &str) -> String {
    if field.is_empty() { message.to_owned() } else { format!("{field}: {message}") }
}

#[cfg(test)]
mod tests {
    use super::{Code, Place, Report};

    #[test]
    fn places_read_like_paths() {
        let virtual_host = Place::ROOT.item("virtual_hosts", 2);
        let route = virtual_host.item("routes", 5);
        let specifier = route.field("match");
        assert_eq!(specifier.to_string(), "virtual_hosts[2].routes[5].match");
        assert_eq!(specifier.join("safe_regex"), "virtual_hosts[2].routes[5].match.safe_regex");
        assert_eq!(Place::ROOT.join("name"), "name");
    }

    #[test]
    fn remarks_alike_are_counted() {
        let mut report = Report::default();
        for index in 0..3 {
            report.add(Code::FieldIgnored, Place::ROOT.item("routes", index), "left out");
        }
        let mut whole = Report::default();
        whole.merge(&Place::ROOT, &report);
        whole.merge(&Place::ROOT, &report);
        let diagnostics: Vec<_> = whole.diagnostics("Route").collect();
        assert_eq!(diagnostics.len(), 1);
        assert_eq!((diagnostics[0].count, diagnostics[0].path.as_str()), (6, "routes[0]"));
    }
}
