//! The coverage scan: which fields are set that the translation does not read, or reads with a difference.
//!
//! It walks the encoded bytes with the schema tables and allocates nothing for input that is covered. It does not
//! look into `Any` values, Google's well-known types or fields that are not read, and changes nothing.

pub use crate::findings::{Finding, Findings};
pub use crate::path::Path;
pub use crate::reader::Problem;

use crate::reader::{Reader, WireType};
use crate::schema::{Field, Message, Walk};
use thiserror::Error;

/// How deep messages may lie in each other.
pub const DEPTH_LIMIT: u32 = 64;

/// Bytes that are not the message they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}: {}{problem}", if .path.is_empty() { String::new() } else { format!("{}: ", .path) })]
pub struct WireError {
    /// Full name of the message that was scanned.
    pub message: &'static str,
    /// The field that cannot be read, as far as it is known.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What to do with fields that the wire types keep encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LazyFields {
    /// Leave them; they will be scanned one by one.
    Skip,
    /// Scan them with the rest.
    Enter,
}

/// Something that is set and has to be accounted for.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// The message that it is set in.
    pub message: &'static Message,
    /// The field; `None` for a number that the message does not declare.
    pub field: Option<&'static Field>,
    /// The field number.
    pub number: u32,
}

/// Takes what the scan finds.
pub trait Sink {
    /// Called once for every occurrence, in the order of the bytes.
    fn found(&mut self, found: Found, path: &Path<'_>);
}

/// Walks an encoded message and tells `sink` about every field that is set and whose class is neither `translated`
/// nor `no_effect`, and about every number that is not declared.
pub fn scan(message: &'static Message, bytes: &[u8], lazy: LazyFields, sink: &mut dyn Sink) -> Result<(), WireError> {
    let mut scan = Scan { root: message, lazy, sink };
    scan.message(message, bytes, None, DEPTH_LIMIT)
}

struct Scan<'s> {
    root: &'static Message,
    lazy: LazyFields,
    sink: &'s mut dyn Sink,
}

impl Scan<'_> {
    fn message(
        &mut self,
        message: &'static Message,
        bytes: &[u8],
        above: Option<&Path<'_>>,
        depth: u32,
    ) -> Result<(), WireError> {
        let Some(below) = depth.checked_sub(1) else {
            return Err(self.error(above, Problem::TooDeep));
        };
        let mut reader = Reader::new(bytes);
        loop {
            let rest = reader.rest().len();
            let (number, form) = match reader.tag() {
                Ok(Some(tag)) => tag,
                Ok(None) => return Ok(()),
                Err(problem) => return Err(self.error(above, problem)),
            };
            let field = message.field(number);
            let path = Path { above, field, number, container: bytes, rest };
            match field {
                Some(field) if self.enters(field) => self.enter(message, field, form, &mut reader, &path, below)?,
                _ => self
                    .pass(message, form, &mut reader, &path, below)
                    .map_err(|problem| self.error(Some(&path), problem))?,
            }
        }
    }

    #[inline]
    fn enters(&self, field: &Field) -> bool {
        match field.walk {
            Walk::Enter | Walk::ReportAndEnter => true,
            Walk::Lazy => self.lazy == LazyFields::Enter,
            Walk::Pass | Walk::Report | Walk::ReportUnlessZero => false,
        }
    }

    /// A message-typed field that is read.
    #[inline]
    fn enter(
        &mut self,
        message: &'static Message,
        field: &'static Field,
        form: WireType,
        reader: &mut Reader<'_>,
        path: &Path<'_>,
        depth: u32,
    ) -> Result<(), WireError> {
        if form != WireType::Length {
            return Err(self.error(Some(path), Problem::WrongWireType));
        }
        let inner = reader.delimited().map_err(|problem| self.error(Some(path), problem))?;
        if field.walk == Walk::ReportAndEnter {
            self.report(message, path);
        }
        match field.read_message() {
            Some(below) => self.message(below, inner, Some(path), depth),
            None => Ok(()),
        }
    }

    /// A field of which only the presence matters, if that.
    #[inline]
    fn pass(
        &mut self,
        message: &'static Message,
        form: WireType,
        reader: &mut Reader<'_>,
        path: &Path<'_>,
        depth: u32,
    ) -> Result<(), Problem> {
        let value = reader.value(path.number, form, depth)?;
        match path.field.map(|field| field.walk) {
            Some(Walk::Pass | Walk::Lazy) => {}
            Some(Walk::ReportUnlessZero) if value.is_zero() => {}
            _ => self.report(message, path),
        }
        Ok(())
    }

    #[cold]
    fn report(&mut self, message: &'static Message, path: &Path<'_>) {
        self.sink.found(Found { message, field: path.field, number: path.number }, path);
    }

    #[cold]
    fn error(&self, path: Option<&Path<'_>>, problem: Problem) -> WireError {
        let path = path.map_or_else(String::new, ToString::to_string);
        WireError { message: self.root.full_name, path, problem }
    }
}
