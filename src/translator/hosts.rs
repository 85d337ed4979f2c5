//! Domains of virtual hosts as host keys of APISIX.
//!
//! Envoy compares the whole Host header, port included, with exact domains, then suffix wildcards, prefix wildcards and
//! `*`. APISIX looks up nginx's `$host` (lower case, without port and trailing dot) among exact keys and suffix
//! wildcards, then tries routes without a host. [`plan_hosts`] gives every domain a key where one exists and a guard
//! for what the key does not tell; the rest becomes an ordered list for the router without hosts.
//!
//! A guard that fails lets APISIX go on to shorter wildcards, as Envoy does when the text differs. Two kinds of Host
//! are taken for others, as a guard on every route would cost more than they are worth: `.example.com` counts as a name
//! below `*.example.com`, and with [`PortMatching::Ignore`] a trailing dot is not seen.
//!
//! Where another header chooses virtual hosts, there are no host keys: [`plan_by_header`].
//!
//! The cost is that of sorting the domains. This module never reads routes.

mod by_header;
mod domain;
mod guard;
mod plan;
mod text;

pub(crate) use by_header::{plan_by_header, several_lines};
pub(crate) use domain::has_host_key;
pub(crate) use plan::{HostNote, HostPlan, HostlessGroup, PortMatching, plan_hosts};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
