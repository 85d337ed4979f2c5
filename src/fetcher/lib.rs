//! The xDS client and the xDS server: envelopes only, never the meaning of a resource.
