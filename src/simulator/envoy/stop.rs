//! The model's own end: something that it does not know would take part in the decision.

/// What is not modelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotModelled(pub(super) String);

/// What the model finds out, if it can.
pub(super) type Known<T> = Result<T, NotModelled>;

impl NotModelled {
    pub(super) fn because<T>(what: impl Into<String>) -> Known<T> {
        Err(Self(what.into()))
    }

    /// Fails where a note was taken while reading the configuration.
    pub(super) fn check(note: Option<&String>) -> Known<()> {
        note.map_or(Ok(()), |note| Err(Self(note.clone())))
    }
}
