//! Where in a JSON value something lies, as a chain of borrowed steps on the stack.

use std::fmt::{self, Display, Formatter};

/// Keys are cut off after so many characters.
const KEY_LENGTH: usize = 64;

/// One step down, with the steps above.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
    /// How many messages lie around this place.
    pub(super) depth: u32,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Index(usize),
    Key(&'a str),
}

impl<'a> Place<'a> {
    pub(super) const ROOT: Place<'static> = Place { above: None, step: Step::Root, depth: 0 };

    pub(super) fn field(&'a self, name: &'a str) -> Self {
        self.below(Step::Field(name))
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        self.below(Step::Index(index))
    }

    pub(super) fn key(&'a self, key: &'a str) -> Self {
        self.below(Step::Key(key))
    }

    /// The same place, one message deeper.
    pub(super) fn deeper(self) -> Self {
        Self { depth: self.depth.saturating_add(1), ..self }
    }

    fn below(&'a self, step: Step<'a>) -> Self {
        Self { above: Some(self), step, depth: self.depth }
    }
}

impl Display for Place<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(out)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Field(name) => {
                let first = self.above.is_none_or(|above| matches!(above.step, Step::Root));
                out.write_str(if first { "" } else { "." })?;
                name.chars().take(KEY_LENGTH).try_for_each(|part| write!(out, "{part}"))
            }
            Step::Index(index) => write!(out, "[{index}]"),
            Step::Key(key) => write!(out, "[{:?}]", key.chars().take(KEY_LENGTH).collect::<String>()),
        }
    }
}
