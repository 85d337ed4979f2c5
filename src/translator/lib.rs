//! xDS resources in, APISIX configuration out; no input or output of its own.
