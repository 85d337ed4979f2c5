//! Envoy's "first route that matches" on APISIX's router, which tries the longest path first.
//!
//! APISIX looks a path up among exact uris, then among prefixes from the longest to the shortest; `priority` decides
//! only between routes at the very same uri. [`place`] therefore registers a route also at the more specific uris of
//! later routes, so that at every uri the earlier route is tried first. Let `own(n)` be the routes written for uri `n`
//! and `M(n)` the last of them. Route `i` is registered at `n` if one of its keys covers `n` and `i <= M(n)`. Then, of
//! two routes that cover a path, the earlier one is always tried first: where the later one is registered, the earlier
//! one either is too, with a higher priority, or was tried at a more specific uri of its own.
//!
//! Nothing is added where more specific routes come first. Where broad routes with conditions precede many specific
//! ones the additions multiply; past a budget the keys are cut short, so that routes meet at fewer uris, and each route
//! tells its own paths by a condition on `uri`. With keys of one byte everything but the exact path `/` stands at `/*`, in
//! order. The result is exact at every length; only the work per request grows.
//!
//! [`path_keys`] turns one path matcher into keys. This module never looks at conditions other than those on the path.

mod key;
mod parameters;
mod path;
mod place;

pub(crate) use key::Key;
pub(crate) use parameters::inside as parameters_inside;
pub(crate) use path::{PathMatch, PathOptions, path_keys};
pub(crate) use place::{Entry, Placed, place};

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
