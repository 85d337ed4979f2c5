//! The closed forms as APISIX takes them.

use std::collections::BTreeSet;

use super::Note;
use super::evaluate::{Base, Evaluation, State};
use crate::apisix::{RequestHeaders, ResponseHeaders, Template};
use crate::plan::format::Rendered;

/// Request headers that nginx sets or drops itself.
const OWNED: [&str; 8] = [
    "connection",
    "content-length",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-real-ip",
];
/// Request headers whose lines Envoy joins.
const INLINE: [&str; 6] = ["accept", "authorization", "content-type", "referer", "user-agent", "x-request-id"];
/// Response headers that nginx sets itself.
const OWNED_RESPONSE: [&str; 4] = ["connection", "content-length", "keep-alive", "transfer-encoding"];

/// Response headers of which nginx keeps one line, the last that is added.
const SINGLE: [&str; 11] = [
    "accept-ranges",
    "content-encoding",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "refresh",
    "server",
];

/// A name that stands for itself on the wire.
fn is_token(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

impl Evaluation<'_> {
    /// The changes of request headers.
    pub(super) fn request(mut self, notes: &mut BTreeSet<Note>) -> RequestHeaders {
        let mut headers = RequestHeaders::default();
        for (name, state) in std::mem::take(&mut self.states) {
            if OWNED.contains(&name.as_str()) || !is_token(&name) {
                self.notes.insert(Note::Owned(name));
                continue;
            }
            if name == "x-forwarded-for" {
                self.notes.insert(Note::ForwardedFor);
            }
            self.request_header(name, state, &mut headers);
        }
        notes.append(&mut self.notes);
        headers
    }

    fn request_header(&mut self, name: String, state: State, headers: &mut RequestHeaders) {
        let mut values: Vec<Template> = state.added.into_iter().map(|value| value.template).collect();
        match state.base {
            Base::Kept if values.is_empty() => {}
            Base::Kept => {
                if INLINE.contains(&name.as_str()) {
                    self.notes.insert(Note::Inline(name.clone()));
                }
                headers.add.insert(name, values.into());
            }
            Base::Gone if values.is_empty() => {
                headers.remove.insert(name);
            }
            Base::Gone => {
                headers.set.insert(name, values.into());
            }
            Base::Set(Rendered { template, .. }) => {
                values.insert(0, template);
                headers.set.insert(name, values.into());
            }
            Base::Default(template) => {
                self.notes.insert(Note::Joined(name.clone()));
                headers.set.insert(name, vec![template].into());
            }
        }
    }

    /// The changes of response headers.
    pub(super) fn response(mut self, notes: &mut BTreeSet<Note>) -> ResponseHeaders {
        let mut headers = ResponseHeaders::default();
        for (name, state) in std::mem::take(&mut self.states) {
            if OWNED_RESPONSE.contains(&name.as_str()) || !is_token(&name) {
                self.notes.insert(Note::Owned(name));
                continue;
            }
            self.response_header(name, state, &mut headers);
        }
        notes.append(&mut self.notes);
        headers
    }

    fn response_header(&mut self, name: String, state: State, headers: &mut ResponseHeaders) {
        let mut values: Vec<Template> = state.added.into_iter().map(|value| value.template).collect();
        if name == "www-authenticate" && !matches!(state.base, Base::Kept) {
            self.notes.insert(Note::Stays(name.clone()));
        }
        match state.base {
            Base::Kept => return self.append(&name, &values, headers),
            Base::Gone if values.is_empty() => {
                headers.remove.insert(name);
                return;
            }
            Base::Gone => {}
            Base::Set(Rendered { template, .. }) => values.insert(0, template),
            Base::Default(template) => {
                self.notes.insert(Note::Joined(name.clone()));
                values.insert(0, template);
            }
        }
        self.set(name, &values, headers);
    }

    /// Adds lines. A value that APISIX cannot add takes the place of all that is there.
    fn append(&mut self, name: &str, values: &[Template], headers: &mut ResponseHeaders) {
        let is_single = SINGLE.contains(&name);
        if values.is_empty() || (!is_single && headers.add_all(name, values)) {
            return;
        }
        if name == "set-cookie" {
            self.notes.insert(Note::NotAppended(name.to_owned()));
            return;
        }
        self.notes.insert(Note::Replaces(name.to_owned()));
        self.set(name.to_owned(), values, headers);
    }

    /// One line: APISIX takes no more.
    fn set(&mut self, name: String, values: &[Template], headers: &mut ResponseHeaders) {
        let values = if name == "set-cookie" && values.len() > 1 {
            self.notes.insert(Note::NotAppended(name.clone()));
            values.get(..1).unwrap_or_default()
        } else {
            values
        };
        let mut joined = Template::default();
        for (index, value) in values.iter().enumerate() {
            if index > 0 {
                self.notes.insert(Note::Joined(name.clone()));
                joined.push_literal(",");
            }
            joined.push(value);
        }
        headers.set.insert(name, joined);
    }
}
