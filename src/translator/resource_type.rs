//! The resource types that are translated.

use std::borrow::Cow;

/// One of the four types a listener leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ResourceType {
    /// LDS.
    Listener,
    /// RDS.
    RouteConfiguration,
    /// CDS.
    Cluster,
    /// EDS.
    ClusterLoadAssignment,
}

/// What type URLs begin with.
const PREFIX: &str = "type.googleapis.com/";

impl ResourceType {
    /// In the order of the xDS protocol's make-before-break.
    pub(crate) const ALL: [Self; 4] =
        [Self::Cluster, Self::ClusterLoadAssignment, Self::Listener, Self::RouteConfiguration];

    /// The type with this URL.
    pub(crate) fn from_url(url: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.url() == url)
    }

    /// The type URL.
    pub(crate) fn url(self) -> &'static str {
        match self {
            Self::Listener => "type.googleapis.com/envoy.config.listener.v3.Listener",
            Self::RouteConfiguration => "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            Self::Cluster => "type.googleapis.com/envoy.config.cluster.v3.Cluster",
            Self::ClusterLoadAssignment => "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
        }
    }

    /// How diagnostics name a resource of this type.
    pub(crate) fn label(self, name: &str) -> String {
        let message = self.url().rsplit('.').next().unwrap_or_default();
        let name = shortened(name);
        // The general way goes through the name character by character.
        if name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            return [message, " \"", &name, "\""].concat();
        }
        format!("{message} {name:?}")
    }

    /// True for types of which a state-of-the-world response holds everything there is.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Listener | Self::Cluster)
    }
}

/// The full message name inside a type URL.
pub(crate) fn message_name(type_url: &str) -> &str {
    type_url.strip_prefix(PREFIX).unwrap_or(type_url)
}

/// A name as far as a person reads it: hostile ones can be 64 KiB long.
fn shortened(name: &str) -> Cow<'_, str> {
    const CHARACTERS: usize = 256;
    if name.len() <= CHARACTERS || name.chars().nth(CHARACTERS).is_none() {
        return Cow::Borrowed(name);
    }
    let start: String = name.chars().take(CHARACTERS).collect();
    Cow::Owned(format!("{start}… ({} bytes)", name.len()))
}
