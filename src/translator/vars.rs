//! Conditions on a request as APISIX evaluates them: the `vars` of a route (lua-resty-expr).
//!
//! [`Expr`] is a condition that can be negated, combined and simplified; [`Vars`] is its JSON form. [`header`] turns
//! Envoy's header matchers into conditions.
//!
//! Never emitted: JSON `null` (a YAML loader turns it into an object of its own), the anchor `$` (in PCRE it also
//! matches before a final newline), and an operator whose evaluation can raise a Lua error.

mod authority;
mod decoded;
mod expr;
mod header;
mod json;
mod part;
mod pattern;
mod text;

pub(crate) use decoded::{decoded_parameter, decoded_parameter_filled, parameter_may_be_there};
pub(crate) use expr::Expr;
pub(crate) use header::{HeaderError, HeaderKind, HeaderMatch, HeaderNote, header_variable, is_pseudo_header};
pub(crate) use json::Vars;
pub(crate) use part::{Comparison, PartPattern, cookie, nth_element, query_parameter, query_present, valued_element};
pub(crate) use pattern::escape_pcre;
pub(crate) use text::{Lines, TextMatch};

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
pub(crate) mod eval;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
