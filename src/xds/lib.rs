//! Envoy's xDS messages on the wire: lean types, the field ledger and its coverage scan, JSON.
