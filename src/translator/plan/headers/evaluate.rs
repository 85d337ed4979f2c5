//! All levels, worked through with values in place of headers.

use std::collections::{BTreeMap, BTreeSet};

use super::{Direction, Facts, Note, Own};
use crate::apisix::Template;
use crate::model::headers::{Addition, Append, HeaderMutations, Level};
use crate::plan::format::{Rendered, Term, Values, render, request_variable, response_variable};

const CONTENT_TYPE: &str = "content-type";
/// The media type of answers that name none, in both proxies.
const TEXT: &str = "text/plain";

/// What is known of a header at some point.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) base: Base,
    /// Lines after it.
    pub(super) added: Vec<Rendered>,
}

/// What became of the header that came with the message.
#[derive(Clone, Debug, Default)]
pub(super) enum Base {
    /// It is as it was.
    #[default]
    Kept,
    /// It is not there any more.
    Gone,
    /// It has another value.
    Set(Rendered),
    /// It is as it was, or has this value where there was none.
    Default(Template),
}

pub(super) struct Evaluation<'a> {
    direction: Direction,
    facts: Facts<'a>,
    /// Whether a header came with the message, as far as it is known.
    known: BTreeMap<String, bool>,
    pub(super) states: BTreeMap<String, State>,
    /// Headers whose presence decides.
    pub(super) asked: BTreeSet<String>,
    /// Header to be written, header that its value is made of.
    reads: BTreeSet<(String, String)>,
    /// The header that a value is made for.
    writing: String,
    pub(super) notes: BTreeSet<Note>,
}

/// What the additions of one level come to.
#[derive(Default)]
struct Outcome {
    overwritten: Vec<(String, Option<Rendered>)>,
    defaults: Vec<(String, Template)>,
    added: Vec<(String, Rendered)>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn run(
        direction: Direction,
        levels: &[&HeaderMutations],
        facts: Facts<'a>,
        known: BTreeMap<String, bool>,
    ) -> Self {
        let mut evaluation = Self {
            direction,
            facts,
            known,
            states: BTreeMap::new(),
            asked: BTreeSet::new(),
            reads: BTreeSet::new(),
            writing: String::new(),
            notes: BTreeSet::new(),
        };
        if direction == Direction::Request && facts.strips_client_cert {
            evaluation.remove("x-forwarded-client-cert");
        }
        match facts.own.filter(|_| direction == Direction::Response) {
            Some(own) => evaluation.own_answer(levels, own),
            None => evaluation.levels(levels),
        }
        evaluation.note_races();
        evaluation
    }

    fn remove(&mut self, name: &str) {
        self.states.insert(name.to_owned(), State { base: Base::Gone, added: Vec::new() });
    }

    /// The levels of an answer that is made here. It has no media type before those of filters.
    fn own_answer(&mut self, levels: &[&HeaderMutations], own: Own) {
        let (before, filters) = levels.split_at_checked(own.levels).unwrap_or((levels, &[]));
        self.remove(CONTENT_TYPE);
        self.levels(before);
        if own.has_body && self.has_no(CONTENT_TYPE) {
            let usual = Rendered { template: Template::literal(TEXT), ..Rendered::default() };
            self.states.insert(CONTENT_TYPE.to_owned(), State { base: Base::Set(usual), added: Vec::new() });
        }
        self.levels(filters);
        // What APISIX says by itself needs no change.
        if self.is_text() || (!own.has_body && self.has_no(CONTENT_TYPE)) {
            self.states.remove(CONTENT_TYPE);
        }
    }

    fn has_no(&self, name: &str) -> bool {
        let is_gone = |state: &State| matches!(state.base, Base::Gone) && state.added.is_empty();
        self.states.get(name).is_some_and(is_gone)
    }

    /// The answer has the usual media type.
    fn is_text(&self) -> bool {
        let is_usual = |base: &Base| matches!(base, Base::Set(value) if value.template == Template::literal(TEXT));
        self.states.get(CONTENT_TYPE).is_some_and(|state| is_usual(&state.base) && state.added.is_empty())
    }

    fn levels(&mut self, levels: &[&HeaderMutations]) {
        for mutations in levels {
            self.level(if self.direction == Direction::Request { &mutations.request } else { &mutations.response });
        }
    }

    fn level(&mut self, level: &Level) {
        for name in &level.remove {
            self.remove(name);
        }
        let mut outcome = Outcome::default();
        for addition in &level.add {
            let alone = level.add.iter().filter(|other| other.name == addition.name).count() == 1;
            self.addition(addition, alone, &mut outcome);
        }
        for (name, value) in outcome.overwritten {
            let base = value.map_or(Base::Gone, Base::Set);
            self.states.insert(name, State { base, added: Vec::new() });
        }
        for (name, template) in outcome.defaults {
            self.states.entry(name).or_default().base = Base::Default(template);
        }
        for (name, value) in outcome.added {
            let state = self.states.entry(name.clone()).or_default();
            state.added.push(value);
            if let Base::Default(_) = state.base {
                self.asked.insert(name);
            }
        }
    }

    fn addition(&mut self, addition: &Addition, alone: bool, outcome: &mut Outcome) {
        let name = &addition.name;
        let value = self.value(addition);
        if let Some(value) = &value {
            if value.always_empty && !addition.keep_empty {
                return;
            }
            if value.may_be_empty {
                self.notes.insert(Note::Empty(name.clone()));
            }
            if value.alike {
                self.notes.insert(Note::Alike(name.clone()));
            }
        }
        // An empty value stands for no header in APISIX.
        let value = value.filter(|value| !value.always_empty);
        let presence = self.presence(name);
        match (addition.action, presence) {
            (Append::Always, _) | (Append::IfAbsent, Some(false)) => {
                outcome.added.extend(value.map(|value| (name.clone(), value)));
            }
            (Append::Overwrite, _) | (Append::OverwriteIfPresent, Some(true)) => {
                outcome.overwritten.push((name.clone(), value));
            }
            (Append::IfAbsent, Some(true)) | (Append::OverwriteIfPresent, Some(false)) => {}
            (Append::IfAbsent, None) => {
                if let Some(template) = self.default(addition).filter(|_| alone) {
                    outcome.defaults.push((name.clone(), template));
                } else {
                    self.asked.insert(name.clone());
                    outcome.added.extend(value.map(|value| (name.clone(), value)));
                }
            }
            (Append::OverwriteIfPresent, None) => {
                self.asked.insert(name.clone());
            }
        }
    }

    /// The value; `None` where APISIX cannot make it.
    fn value(&mut self, addition: &Addition) -> Option<Rendered> {
        self.writing.clone_from(&addition.name);
        let rendered = render(&addition.value, self);
        let unknown = |command: &str| Note::Command(addition.name.clone(), command.to_owned());
        rendered.map_err(|command| self.notes.insert(unknown(command))).ok()
    }

    /// A value that leaves a header that is there as it is, up to the number of its lines.
    fn default(&self, addition: &Addition) -> Option<Template> {
        let variable = match self.direction {
            Direction::Request => request_variable(&addition.name),
            Direction::Response => match response_variable(&addition.name) {
                Term::Named(name) => Term::Named(name.replacen("upstream_http_", "sent_http_", 1)),
                other => other,
            },
        };
        let Term::Named(variable) = variable else { return None };
        Template::variable_or(&variable, addition.value.literal()?)
    }

    /// Whether the header is there now, as far as it is known.
    fn presence(&self, name: &str) -> Option<bool> {
        let state = self.states.get(name);
        match state.map(|state| (&state.base, state.added.is_empty())) {
            None | Some((Base::Kept, true)) => self.known.get(name).copied(),
            Some((Base::Gone, true)) => Some(false),
            Some(_) => Some(true),
        }
    }

    /// The value of a header of the message that is changed.
    fn own_header(&mut self, name: &str, variable: Term) -> Term {
        let State { base, added } = self.states.get(name).cloned().unwrap_or_default();
        match base {
            _ if !added.is_empty() => Term::Unknown,
            Base::Kept if self.known.get(name) == Some(&false) => Term::Text(String::new()),
            Base::Kept => {
                self.reads.insert((self.writing.clone(), name.to_owned()));
                variable
            }
            Base::Gone => Term::Text(String::new()),
            Base::Set(value) => Term::Template(value),
            Base::Default(_) => Term::Unknown,
        }
    }

    /// APISIX reads a header at some time while it changes headers.
    fn note_races(&mut self) {
        if self.direction == Direction::Response {
            return;
        }
        for (written, read) in std::mem::take(&mut self.reads) {
            let is_changed = self.states.get(&read).is_some_and(State::is_changed);
            if is_changed && written != read {
                self.notes.insert(Note::Race(written));
            }
        }
    }

    /// The status of the answer; Envoy has none yet when it makes the headers of an answer of its own.
    fn status(&mut self) -> Term {
        self.notes.insert(Note::OwnStatus(self.writing.clone()));
        Term::Variable("status")
    }
}

impl State {
    fn is_changed(&self) -> bool {
        !matches!(self.base, Base::Kept) || !self.added.is_empty()
    }
}

impl Values for Evaluation<'_> {
    fn request_header(&mut self, name: &str) -> Term {
        let variable = request_variable(name);
        let changes = match name {
            ":path" => self.facts.path_changes,
            ":authority" | "host" => self.facts.host_changes,
            _ => false,
        };
        if changes && self.direction == Direction::Response {
            self.notes.insert(Note::AsCame(self.writing.clone()));
        }
        if self.direction == Direction::Response || name.starts_with(':') || name == "host" {
            return variable;
        }
        self.own_header(name, variable)
    }

    fn response_header(&mut self, name: &str) -> Term {
        if self.direction == Direction::Request {
            return Term::Text(String::new());
        }
        self.own_header(name, response_variable(name))
    }

    fn fact(&mut self, name: &str) -> Term {
        match (name, self.direction) {
            ("ROUTE_NAME", _) => Term::Text(self.facts.route.to_owned()),
            ("UPSTREAM_CLUSTER", _) if !self.facts.cluster.is_empty() => Term::Text(self.facts.cluster.to_owned()),
            ("RESPONSE_CODE", Direction::Request) => Term::Text("0".to_owned()),
            ("UPSTREAM_HOST", Direction::Request) => Term::Text(String::new()),
            ("RESPONSE_CODE", Direction::Response) => self.status(),
            ("UPSTREAM_HOST", Direction::Response) => Term::Alike("upstream_addr"),
            _ => Term::Unknown,
        }
    }
}
