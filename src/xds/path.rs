//! Where in a message something lies: `virtual_hosts[2].routes[5].match.safe_regex`.
//!
//! A path is a chain of borrowed steps on the stack. Positions in lists are counted only when the path is written
//! out, so that walking a message costs nothing for them.

use crate::reader::{Reader, Value};
use crate::schema::{Cardinality, Field};
use std::fmt::{self, Display, Formatter};

/// How many steps groups may add; nothing that is counted here lies deeper.
const GROUPS: u32 = 64;

/// Map keys are cut off after so many characters.
const KEY_LENGTH: usize = 64;

/// One step down from a message to one of its fields, with the steps above.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    pub(crate) above: Option<&'a Path<'a>>,
    /// `None` for a number that the message does not declare.
    pub(crate) field: Option<&'static Field>,
    pub(crate) number: u32,
    /// The encoded message that the field belongs to.
    pub(crate) container: &'a [u8],
    /// What was left of the container when the field's tag was read.
    pub(crate) rest: usize,
}

impl Display for Path<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if let Some(above) = self.above {
            above.fmt(out)?;
            if above.is_map() && self.number == 2 {
                return Ok(());
            }
            out.write_str(".")?;
        }
        let Some(field) = self.field else {
            return write!(out, "field {}", self.number);
        };
        out.write_str(field.name)?;
        match field.cardinality {
            Cardinality::Repeated => write!(out, "[{}]", self.position()),
            Cardinality::Map => write!(out, "[{:?}]", self.key()),
            Cardinality::Single | Cardinality::Packed => Ok(()),
        }
    }
}

impl fmt::Debug for Path<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        Display::fmt(self, out)
    }
}

impl Path<'_> {
    fn is_map(&self) -> bool {
        self.field.is_some_and(|field| field.cardinality == Cardinality::Map)
    }

    /// How many values of the field come before this one.
    fn position(&self) -> usize {
        let mut reader = Reader::new(self.container);
        let mut count: usize = 0;
        while reader.rest().len() > self.rest {
            let Ok(Some((number, form))) = reader.tag() else { break };
            count = count.saturating_add(usize::from(number == self.number));
            if reader.value(number, form, GROUPS).is_err() {
                break;
            }
        }
        count
    }

    /// The key of the map entry that this step leads to; empty where it is not text.
    fn key(&self) -> String {
        let at = self.container.len().saturating_sub(self.rest);
        let mut reader = Reader::new(self.container.get(at..).unwrap_or_default());
        let key = reader.tag().ok().flatten().and_then(|_| reader.delimited().ok()).and_then(entry_key);
        String::from_utf8_lossy(key.unwrap_or_default()).chars().take(KEY_LENGTH).collect()
    }
}

fn entry_key(entry: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(entry);
    while let Some((number, form)) = reader.tag().ok()? {
        if let (1, Value::Bytes(key)) = (number, reader.value(number, form, GROUPS).ok()?) {
            return Some(key);
        }
    }
    None
}
