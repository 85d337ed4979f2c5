//! The functions of [`HOST_FUNCTIONS`](crate::HOST_FUNCTIONS) that do something, by subject. Each checks its
//! arguments in the host's order, so that the status for several faults at once is the host's too.

pub(crate) mod buffers;
pub(crate) mod calls;
pub(crate) mod headers;
pub(crate) mod properties;
pub(crate) mod responses;
