//! `envoy.config.route.v3.RouteConfiguration`: the way from the host header to the route.

use std::borrow::Cow;

use super::action::MirrorPolicy;
use super::arrival::port_start;
use super::decision::Step;
use super::exchange::{Draw, Exchange};
use super::filters::Override;
use super::object::{Object, Read};
use super::path;
use super::route::{Action, Level, Route, TlsRequirement, VirtualHost};
use super::stop::{Known, NotModelled};

/// A route configuration.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct RouteTable {
    pub(super) name: String,
    hosts: Vec<VirtualHost>,
    pub(super) level: Level,
    pub(super) mirrors: Vec<MirrorPolicy>,
    pub(super) most_specific_wins: bool,
    /// Whether unknown clusters are refused; `None`: as the place of the configuration says.
    pub(super) validates_clusters: Option<bool>,
    ignores_port: bool,
    ignores_path_parameters: bool,
    host_header: String,
    not_modelled: Option<String>,
}

/// Where a request is in the table.
#[derive(Debug)]
pub(super) enum Place<'t> {
    Route(&'t VirtualHost, &'t Route),
    /// The virtual host wants TLS.
    ToTls(&'t VirtualHost),
    NoRoute(Option<&'t VirtualHost>),
}

impl<'t> Place<'t> {
    /// Deprecated CORS policies, the most specific first.
    pub(super) fn cors(&self) -> Vec<&'t Override> {
        let Self::Route(host, route) = self else { return Vec::new() };
        let own = if let Action::Forward(action) = &route.action { action.cors.as_ref() } else { None };
        own.into_iter().chain(&host.cors).collect()
    }
}

impl RouteTable {
    pub(super) fn read(config: &Object) -> Read<Self> {
        config.ignore(&["@type", "metadata", "internal_only_headers"]);
        let largest_body = config.number_if("max_direct_response_body_size_bytes")?.unwrap_or(4096);
        let largest_body = usize::try_from(largest_body).unwrap_or(usize::MAX);
        let hosts = config.objects("virtual_hosts")?;
        let table = Self {
            name: config.text("name")?.into(),
            hosts: hosts
                .iter()
                .enumerate()
                .map(|(index, host)| VirtualHost::read(index, host, largest_body))
                .collect::<Read<_>>()?,
            level: Level::read(config)?,
            mirrors: MirrorPolicy::read_all(config)?,
            most_specific_wins: config.flag("most_specific_header_mutations_wins")?,
            validates_clusters: config.flag_if("validate_clusters")?,
            ignores_port: config.flag("ignore_port_in_host_matching")?,
            ignores_path_parameters: config.flag("ignore_path_parameters_in_path_matching")?,
            host_header: config.text("vhost_header")?.to_ascii_lowercase(),
            not_modelled: config.unread(),
        };
        table.check_domains(config)?;
        Ok(table)
    }

    fn check_domains(&self, config: &Object) -> Read<()> {
        let mut seen = std::collections::BTreeSet::new();
        for (host, domain) in self.hosts.iter().flat_map(|host| host.domains.iter().map(move |domain| (host, domain))) {
            if !seen.insert(domain) {
                let why = format!(
                    "Only unique values for domains are permitted. Duplicate entry of domain {domain} in {}",
                    host.name
                );
                return Err(config.refuse("virtual_hosts", why));
            }
        }
        Ok(())
    }

    /// All routes.
    pub(super) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.hosts.iter().flat_map(|host| &host.routes)
    }

    /// The place of a request; the steps are for people.
    pub(super) fn find(&self, exchange: &Exchange, draw: &Draw, steps: &mut Vec<Step>) -> Known<Place<'_>> {
        NotModelled::check(self.not_modelled.as_ref())?;
        let host = self.host_text(exchange);
        let Some((virtual_host, domain)) = self.virtual_host(&host).filter(|_| self.has_host(exchange)) else {
            steps.push(Step::NoVirtualHost(String::from_utf8_lossy(&host).into_owned()));
            return Ok(Place::NoRoute(None));
        };
        steps.push(Step::VirtualHost {
            index: virtual_host.index,
            name: virtual_host.name.clone(),
            domain: domain.into(),
        });
        NotModelled::check(virtual_host.not_modelled.as_ref())?;
        // Nobody is internal without an internal_address_config, for which the caller looks.
        if virtual_host.tls != TlsRequirement::None && exchange.headers.value("x-forwarded-proto") != b"https" {
            return Ok(Place::ToTls(virtual_host));
        }
        let mut path = Cow::Borrowed(exchange.path_without_query());
        if self.ignores_path_parameters {
            path = Cow::Owned(path::without_parameters(&path));
        }
        for route in virtual_host.routes_for(exchange)? {
            let failed = route.matcher.failure(exchange, &path, draw)?;
            let matches = failed.is_none();
            steps.push(Step::Route { route: route.this.clone(), failed });
            if matches {
                NotModelled::check(route.not_modelled.as_ref())?;
                return Ok(Place::Route(virtual_host, route));
            }
        }
        Ok(Place::NoRoute(Some(virtual_host)))
    }

    /// Where `*` is the only domain, Envoy does not look for the header.
    fn has_host(&self, exchange: &Exchange) -> bool {
        let mut domains = self.hosts.iter().flat_map(|host| &host.domains);
        matches!(self.host_header.as_str(), "" | "host")
            || domains.all(|it| it == "*")
            || exchange.headers.has(&self.host_header)
    }

    /// What is compared with domains.
    fn host_text(&self, exchange: &Exchange) -> Vec<u8> {
        let mut host = match self.host_header.as_str() {
            "" | "host" => exchange.authority().to_vec(),
            name => exchange.headers.value(name).to_vec(),
        };
        if let Some(port) = port_start(&host).filter(|_| self.ignores_port) {
            host.truncate(port);
        }
        host.to_ascii_lowercase()
    }

    /// Exact domains, then those with a star in front, longest first, then those with a star at the end, then `*`.
    /// A star stands for at least one character.
    fn virtual_host(&self, host: &[u8]) -> Option<(&VirtualHost, &str)> {
        let mut best: Option<((u8, usize), &VirtualHost, &str)> = None;
        for virtual_host in &self.hosts {
            for domain in &virtual_host.domains {
                let Some(rank) = rank(domain, host) else { continue };
                if best.is_none_or(|(other, ..)| rank > other) {
                    best = Some((rank, virtual_host, domain));
                }
            }
        }
        best.map(|(_, virtual_host, domain)| (virtual_host, domain))
    }
}

/// How well a domain fits, best is greatest.
fn rank(domain: &str, host: &[u8]) -> Option<(u8, usize)> {
    if domain == "*" {
        return Some((0, 0));
    }
    let (kind, part, fits) = if let Some(suffix) = domain.strip_prefix('*') {
        (2, suffix, host.ends_with(suffix.as_bytes()))
    } else if let Some(prefix) = domain.strip_suffix('*') {
        (1, prefix, host.starts_with(prefix.as_bytes()))
    } else {
        return (host == domain.as_bytes()).then_some((3, 0));
    };
    (fits && host.len() > part.len()).then_some((kind, part.len()))
}
