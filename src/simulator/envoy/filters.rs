//! The chain of HTTP filters.

use super::object::{Object, Read};

/// A filter of the chain that is in force.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Filter {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// In force only where a route says so.
    pub(super) disabled: bool,
}

/// What a filter is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Router,
    NotModelled(String),
}

const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

impl Filter {
    pub(super) fn read_all(manager: &Object) -> Read<Vec<Self>> {
        let filters: Vec<Self> = manager.objects("http_filters")?.iter().map(Self::read).collect::<Read<_>>()?;
        if filters.is_empty() {
            return Err(manager.refuse("http_filters", "Error: no terminal filter configured"));
        }
        Ok(filters)
    }

    fn read(filter: &Object) -> Read<Self> {
        let config = filter.object("typed_config")?;
        filter.ignore(&["is_optional"]);
        let disabled = filter.flag("disabled")?;
        let name = filter.text("name")?.to_owned();
        let kind = match config {
            Some(config) => Kind::read(&config)?,
            None => Kind::NotModelled(filter.path_of("config_discovery")),
        };
        Ok(Self { name, kind, disabled })
    }
}

impl Kind {
    fn read(config: &Object) -> Read<Self> {
        Ok(match config.any_type()? {
            ROUTER => {
                config.ignore(&["suppress_envoy_headers", "dynamic_stats", "start_child_span", "upstream_log"]);
                config.ignore(&["upstream_log_options", "respect_expected_rq_timeout", "strict_check_headers"]);
                config.unread().map_or(Self::Router, Self::NotModelled)
            }
            other => Self::NotModelled(format!("the HTTP filter {other}")),
        })
    }
}
