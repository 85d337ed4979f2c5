//! Reference models of how a proxy decides about a request.
