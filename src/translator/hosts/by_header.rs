//! Virtual hosts by another header than Host, `RouteConfiguration.vhost_header`.
//!
//! Nothing can be looked up: every domain is compared as text with the header's variable, in Envoy's order of classes.
//! A request without the header has no virtual host; one with an empty header has that of `*`. Where `*` is the only
//! domain, Envoy does not look at the header.

use std::cmp::Reverse;

use super::domain::{Class, DOMAIN_MAX};
use super::plan::HostlessGroup;
use super::text::{Texts, in_order};
use crate::vars::{Expr, escape_pcre};

/// What separates lines of a header in its variable.
const NEXT_LINE: &str = ", ";

/// The groups of all domains, in order.
pub(crate) fn plan_by_header<'a>(
    virtual_hosts: impl IntoIterator<Item = &'a [String]>,
    var: &str,
    ignore_port: bool,
) -> Vec<HostlessGroup> {
    let (mut texts, mut any) = (Texts::new(), None);
    for (virtual_host, domains) in virtual_hosts.into_iter().enumerate() {
        for domain in domains {
            match class(&domain.to_ascii_lowercase()) {
                None => any = Some(virtual_host),
                Some((class, text)) => {
                    texts.insert((class, Reverse(text.len()), text.to_owned()), virtual_host);
                }
            }
        }
    }
    let there = if texts.is_empty() { Expr::True } else { Expr::present(var) };
    // nginx refuses a longer header.
    texts.retain(|(_, Reverse(length), _), _| *length <= DOMAIN_MAX);
    let pattern = |class, text: &str| if ignore_port { without_port(class, text) } else { plain(class, text) };
    let mut groups = in_order(&texts, var, pattern);
    groups.extend(any.map(|virtual_host| HostlessGroup { virtual_host, guard: there }));
    groups
}

/// The header may have come in several lines. Envoy reads the first one only, which its variable does not tell from the
/// others.
pub(crate) fn several_lines(var: &str) -> Expr {
    if var.starts_with("http_") { Expr::matches(var, NEXT_LINE) } else { Expr::False }
}

/// `None` for `*`.
fn class(domain: &str) -> Option<(Class, &str)> {
    match (domain.strip_prefix('*'), domain.strip_suffix('*')) {
        _ if domain == "*" => None,
        (Some(suffix), _) => Some((Class::Suffix, suffix)),
        (None, Some(prefix)) => Some((Class::Prefix, prefix)),
        (None, None) => Some((Class::Exact, domain)),
    }
}

fn plain(class: Class, text: &str) -> String {
    let literal = escape_pcre(text);
    match class {
        Class::Exact => format!(r"^{literal}\z"),
        Class::Suffix => format!(r".{literal}\z"),
        Class::Prefix => format!("^{literal}."),
    }
}

/// Envoy cuts off the last colon and what follows, whatever that is, save a closing bracket.
fn without_port(class: Class, text: &str) -> String {
    let literal = escape_pcre(text);
    let (port, none) = (r":[^:\]]*\z", r"^(?!.*:[^:\]]*\z)");
    match class {
        Class::Exact => format!(r"{none}{literal}\z|^{literal}{port}"),
        Class::Suffix => format!(r"{none}.+{literal}\z|.{literal}{port}"),
        Class::Prefix => format!("{none}{literal}.|^{literal}.+{port}"),
    }
}
