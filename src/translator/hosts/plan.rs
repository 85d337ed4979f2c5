//! All domains of one route configuration, sorted into groups with one guard each.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::domain::{Class, Domain, Keyed, Port, Spec, split_port};
use super::guard::{Shape, dot_guard, ports_guard, star_guard, text_pattern};
use super::text::{ALTERNATIVES_MAX, Texts, in_order};
use crate::vars::Expr;

/// What Envoy does with the port in a Host header before it compares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PortMatching {
    /// The port is part of the compared text.
    #[default]
    Compare,
    /// The request's port is cut off: `ignore_port_in_host_matching` or `strip_any_host_port`.
    Ignore,
    /// The request's port is cut off where it is this one: `strip_matching_host_port` on a listener with this port.
    StripListenerPort(u16),
}

/// Where the routes of each virtual host go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HostPlan {
    /// Groups with host keys. Their guards exclude each other where keys are equal, so their order does not matter.
    pub(crate) keyed: Vec<KeyedGroup>,
    /// Groups for the router without hosts, to be written as one ordered list.
    pub(crate) hostless: Vec<HostlessGroup>,
    /// Domains that are not served as written.
    pub(crate) notes: Vec<HostNote>,
}

/// Host keys of one virtual host that share a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyedGroup {
    /// Index of the virtual host.
    pub(crate) virtual_host: usize,
    /// `hosts` of the routes, sorted.
    pub(crate) hosts: Vec<String>,
    /// Condition of every route of the group, its terminal one included.
    pub(crate) guard: Expr,
}

/// Domains of one virtual host that have no host key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostlessGroup {
    /// Index of the virtual host.
    pub(crate) virtual_host: usize,
    /// Condition of every route of the group, its terminal one included.
    pub(crate) guard: Expr,
}

/// A domain that is not served as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostNote {
    /// No request can match the domain: the port is ignored, or nginx refuses such a Host.
    NeverMatches {
        /// Index of the virtual host.
        virtual_host: usize,
        /// The domain as configured.
        domain: String,
    },
    /// The domain has characters that APISIX takes in no host key. It is compared as text after all host keys, so a
    /// suffix wildcard of another virtual host that also covers it goes first.
    ComparedAsText {
        /// Index of the virtual host.
        virtual_host: usize,
        /// The domain as configured.
        domain: String,
    },
}

/// Why Envoy refuses the domains.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostError {
    /// A domain appears twice in one route configuration.
    #[error("domain {domain:?} of virtual host {virtual_host} appears twice")]
    DuplicateDomain {
        /// Index of the virtual host in which it appears again.
        virtual_host: usize,
        /// The domain in lower case.
        domain: String,
    },
}

/// Sorts the domains of the virtual hosts, given in order, into groups. A virtual host without any group is
/// unreachable.
pub(crate) fn plan_hosts<D, S>(
    virtual_hosts: impl IntoIterator<Item = D>,
    ports: PortMatching,
) -> Result<HostPlan, HostError>
where
    D: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    let mut sorter = Sorter::new(ports);
    let mut lowers = Vec::new();
    for (virtual_host, domains) in virtual_hosts.into_iter().enumerate() {
        for domain in domains {
            let lower = domain.as_ref().to_ascii_lowercase();
            sorter.add(virtual_host, domain.as_ref(), &lower);
            lowers.push((lower, virtual_host));
        }
    }
    match first_twice(&lowers) {
        None => Ok(sorter.finish()),
        Some((domain, virtual_host)) => Err(HostError::DuplicateDomain { virtual_host, domain }),
    }
}

/// The first domain that stands in the list a second time.
fn first_twice(lowers: &[(String, usize)]) -> Option<(String, usize)> {
    let mut sorted: Vec<_> = lowers.iter().map(|(domain, _)| domain).zip(0_usize..).collect();
    sorted.sort_unstable();
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    let again = pairs.filter(|(one, other)| one.0 == other.0).map(|(_, (_, at))| *at).min()?;
    lowers.get(again).cloned()
}

struct Sorter {
    ports: PortMatching,
    /// Sorted in the end.
    keys: Vec<Keyed>,
    texts: Texts,
    any: Option<usize>,
    notes: Vec<HostNote>,
}

impl Sorter {
    fn new(ports: PortMatching) -> Self {
        Self { ports, keys: Vec::new(), texts: Texts::new(), any: None, notes: Vec::new() }
    }

    fn add(&mut self, virtual_host: usize, domain: &str, lower: &str) {
        match Domain::parse(lower) {
            Domain::Any => self.any = Some(virtual_host),
            Domain::Keyed { spec, .. } if self.cannot_match(&spec.port) => self.never(virtual_host, domain),
            Domain::Keyed { key, spec } => {
                if let PortMatching::StripListenerPort(port) = self.ports
                    && spec.port == Port::None
                {
                    let spec = Spec { port: Port::Is(port.to_string()), ..spec };
                    self.keys.push(Keyed { key: key.clone(), virtual_host, spec });
                }
                self.keys.push(Keyed { key, virtual_host, spec });
            }
            Domain::Text { class, text } if self.text_cannot_match(class, &text) => self.never(virtual_host, domain),
            Domain::Text { class, text } => {
                if class != Class::Prefix {
                    self.notes.push(HostNote::ComparedAsText { virtual_host, domain: domain.to_owned() });
                }
                self.add_text(class, text, virtual_host);
            }
            Domain::Never => self.never(virtual_host, domain),
        }
    }

    fn add_text(&mut self, class: Class, text: String, virtual_host: usize) {
        self.texts.insert((class, Reverse(text.len()), text), virtual_host);
    }

    fn cannot_match(&self, port: &Port) -> bool {
        match (self.ports, port) {
            (PortMatching::Ignore, port) => *port != Port::None,
            (PortMatching::StripListenerPort(listener), Port::Is(port)) => *port == listener.to_string(),
            _ => false,
        }
    }

    fn text_cannot_match(&self, class: Class, text: &str) -> bool {
        match class {
            Class::Prefix => self.ports == PortMatching::Ignore && text.contains(':') && !text.starts_with('['),
            Class::Exact | Class::Suffix => split_port(text).is_some_and(|(_, port)| self.cannot_match(&port)),
        }
    }

    fn never(&mut self, virtual_host: usize, domain: &str) {
        let domain = domain.chars().take(256).collect();
        self.notes.push(HostNote::NeverMatches { virtual_host, domain });
    }

    fn finish(mut self) -> HostPlan {
        self.demote_any_port();
        let keyed = self.keyed();
        let hostless = self.hostless();
        HostPlan { keyed, hostless, notes: self.notes }
    }

    /// `foo.com:*` is a prefix wildcard, which Envoy tries after all suffix wildcards and longer prefix wildcards. It
    /// keeps the key `foo.com`, which APISIX tries first, only where none of these can match as well.
    fn demote_any_port(&mut self) {
        let any_port = Spec { dot: false, port: Port::Any };
        if !self.keys.iter().any(|keyed| keyed.spec == any_port) {
            return;
        }
        let suffix_with_port =
            self.keys.iter().any(|keyed| keyed.key.starts_with('*') && keyed.spec.port != Port::None)
                || self.texts.keys().any(|(class, ..)| *class == Class::Suffix);
        let prefixes: BTreeSet<&str> =
            self.texts.keys().filter(|(class, ..)| *class == Class::Prefix).map(|(.., text)| text.as_str()).collect();
        let mut demoted = Vec::new();
        self.keys.retain(|keyed| {
            let prefix = format!("{}:", keyed.key);
            let longer = || prefixes.range(prefix.as_str()..).next().is_some_and(|text| text.starts_with(&prefix));
            let kept = keyed.spec != any_port || !(suffix_with_port || longer());
            if !kept {
                demoted.push((prefix, keyed.virtual_host));
            }
            kept
        });
        for (prefix, virtual_host) in demoted {
            self.add_text(Class::Prefix, prefix, virtual_host);
        }
    }

    fn keyed(&mut self) -> Vec<KeyedGroup> {
        let mut keys = std::mem::take(&mut self.keys);
        keys.sort_unstable();
        keys.dedup();
        let mut groups: BTreeMap<(usize, Shape, Vec<Expr>), Vec<String>> = BTreeMap::new();
        for all in keys.chunk_by(|one, other| one.key == other.key) {
            for own in all.chunk_by(|one, other| one.virtual_host == other.virtual_host) {
                let Some(Keyed { key, virtual_host, .. }) = own.first() else { continue };
                let guard = self.guard(key, own, all, *virtual_host).into_iter().collect();
                groups.entry((*virtual_host, Shape::of(key), guard)).or_default().push(key.clone());
            }
        }
        groups.into_iter().flat_map(|((host, shape, guard), keys)| with_stars(host, shape, &guard, keys)).collect()
    }

    /// The condition under which `key` means this virtual host, whose entries are `own` among `all` of the key; `None`
    /// if it always does.
    fn guard(&self, key: &str, own: &[Keyed], all: &[Keyed], virtual_host: usize) -> Option<Expr> {
        if self.ports != PortMatching::Ignore {
            let specs = own.iter().map(|keyed| keyed.spec.clone()).collect();
            return Some(ports_guard(Shape::of(key), &specs, &ports_of_others(all, virtual_host, self.ports)));
        }
        let dot = own.iter().any(|keyed| keyed.spec.dot);
        let plain = own.iter().any(|keyed| !keyed.spec.dot);
        ((dot && !plain) || (own.len() < all.len() && !dot)).then(|| dot_guard(dot))
    }

    fn hostless(&self) -> Vec<HostlessGroup> {
        let mut groups = in_order(&self.texts, "http_host", |class, text| text_pattern(class, text, self.ports));
        groups.extend(self.any.map(|virtual_host| HostlessGroup { virtual_host, guard: Expr::True }));
        groups
    }
}

/// Ports with which a Host of this key belongs to another virtual host, or, where Envoy strips it, has no port.
fn ports_of_others(all: &[Keyed], own: usize, ports: PortMatching) -> BTreeSet<String> {
    let mut taken = BTreeSet::new();
    if let PortMatching::StripListenerPort(port) = ports {
        taken.insert(port.to_string());
    }
    for Keyed { spec, .. } in all.iter().filter(|keyed| keyed.virtual_host != own) {
        if let Spec { dot: false, port: Port::Is(port) } = spec {
            taken.insert(port.clone());
        }
    }
    taken
}

/// Adds the guard against empty stars, which names its keys and is therefore split into pieces.
fn with_stars(virtual_host: usize, shape: Shape, guard: &[Expr], keys: Vec<String>) -> Vec<KeyedGroup> {
    let guard = Expr::all(guard.iter().cloned());
    if shape != Shape::Suffix {
        return vec![KeyedGroup { virtual_host, hosts: keys, guard }];
    }
    let piece = |hosts: &[String]| KeyedGroup {
        virtual_host,
        hosts: hosts.to_vec(),
        guard: guard.clone().and(star_guard(hosts)),
    };
    by_nesting(keys).values().flat_map(|keys| keys.chunks(ALTERNATIVES_MAX).map(piece)).collect()
}

/// Suffix wildcards by the number of others that cover them: what is bare for `*-bar.com` has a star for `*bar.com`, so
/// one guard cannot serve both.
fn by_nesting(keys: Vec<String>) -> BTreeMap<usize, Vec<String>> {
    let without_star = |key: &str| key.trim_start_matches('*').bytes().rev().collect();
    let mut reversed: Vec<(Vec<u8>, String)> = keys.into_iter().map(|key| (without_star(&key), key)).collect();
    reversed.sort_unstable();
    let mut nested = BTreeMap::new();
    let mut covering: Vec<Vec<u8>> = Vec::new();
    for (text, key) in reversed {
        while covering.last().is_some_and(|cover| !text.starts_with(cover)) {
            covering.pop();
        }
        nested.entry(covering.len()).or_insert_with(Vec::new).push(key);
        covering.push(text);
    }
    nested
}
