//! Calls to APISIX's Admin API, as values.

use amesh_translator::Verdict;

/// A call of the standalone endpoint. Address, key and headers without content are added by who makes it.
#[derive(Debug)]
pub(crate) enum Call {
    /// `GET`.
    Read,
    /// `PUT`.
    Write {
        /// The whole document.
        body: String,
        /// `X-Digest`: APISIX ignores a document with the digest that it has already.
        digest: String,
        /// False where another step must follow.
        last: bool,
    },
}

/// What waits for the outcome of a call.
#[derive(Debug)]
pub(crate) struct Job {
    /// The call under way.
    pub(crate) call: Call,
    /// The verdict that is part of the answer in the end.
    pub(crate) verdict: Option<Verdict>,
}
