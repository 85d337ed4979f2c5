//! What was lost, changed or refused, as values.
//!
//! A [`Diagnostic`] names the resource, the place inside it and the consequence. Rendering for a terminal, for JSON
//! or for a browser is done elsewhere; nothing here prints.

use serde::{Deserialize, Serialize};

/// How grave a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing differs for a request; said for completeness.
    Info,
    /// Approximated, or left out with a visible effect that is never less safe.
    Warning,
    /// Refused: the resource is not used, or the requests concerned are denied.
    Error,
}

/// How near the translation is to what Envoy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fidelity {
    /// The same behaviour for every request.
    Exact,
    /// The same on the usual domain, different on a stated one.
    Approximate,
    /// APISIX cannot do it; the message says what happens instead.
    Impossible,
}

macro_rules! codes {
    ($($name:ident = $code:literal, $severity:ident, $fidelity:ident, $title:literal;)*) => {
        /// Stable diagnostic codes. A code is never reused for another meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Code {
            $(#[doc = $title] #[serde(rename = $code)] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &'static [Code] = &[$(Code::$name),*];

            /// The stable text, such as `AM0101`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Code::$name => $code,)* }
            }

            /// The severity every diagnostic of this code has.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Code::$name => Severity::$severity,)* }
            }

            /// The fidelity class of this code.
            #[must_use]
            pub fn fidelity(self) -> Fidelity {
                match self { $(Code::$name => Fidelity::$fidelity,)* }
            }

            /// One line on what the code stands for.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Code::$name => $title,)* }
            }
        }
    };
}

codes! {
    MessageInvalid = "AM0001", Error, Impossible, "the message cannot be decoded";
    TypeUnknown = "AM0002", Error, Impossible, "a message of an unknown type";
    ResourceInvalid = "AM0003", Error, Impossible, "a resource that Envoy would refuse too";
    LimitExceeded = "AM0004", Error, Impossible, "a limit of the translator is exceeded";
    ResourceDuplicate = "AM0005", Error, Impossible, "two resources of one name in one message";
    TypeUnused = "AM0006", Warning, Impossible, "a resource type that is not translated yet";
    FieldApproximated = "AM0101", Warning, Approximate, "a field that is translated approximately";
    FieldIgnored = "AM0102", Warning, Impossible, "a field that APISIX cannot express and that is left out";
    FieldDenied = "AM0103", Error, Impossible, "a field that APISIX cannot express: the requests concerned are denied";
    FieldNotYet = "AM0104", Warning, Impossible, "a field that is not translated yet and is left out";
    FieldNotYetDenied = "AM0105", Error, Impossible, "a field that is not translated yet: the requests concerned are denied";
    FieldUnknown = "AM0106", Warning, Impossible, "a field that this release does not know";
    ExtensionIgnored = "AM0111", Warning, Impossible, "an extension that is left out";
    ExtensionDenied = "AM0112", Error, Impossible, "an extension that cannot be left out safely: the requests concerned are denied";
    RouteDenied = "AM0201", Error, Impossible, "a route that answers 503 because it cannot be translated safely";
    RouteShadowed = "AM0202", Info, Exact, "a route that no request can reach";
    RouteToUnknownCluster = "AM0203", Warning, Exact, "a route to a cluster that does not exist";
    RouteToDeniedCluster = "AM0204", Error, Impossible, "a route to a cluster that cannot be used safely";
    RegexRefused = "AM0205", Error, Impossible, "a regular expression that must not reach APISIX";
    MatcherApproximated = "AM0206", Warning, Approximate, "a matcher that is equal for the usual requests only";
    DomainUnmatchable = "AM0207", Warning, Impossible, "a domain that no request can carry in APISIX";
    VirtualHostLarge = "AM0208", Info, Exact, "a virtual host whose routes are tried one by one to keep the router small";
    PathNormalised = "AM0211", Info, Approximate, "paths are normalised before matching";
    GatewayManners = "AM0219", Info, Approximate, "headers and methods that nginx treats in its own way";
    HeaderApproximated = "AM0212", Warning, Approximate, "a header that is not always the one that Envoy makes";
    HeaderLeftOut = "AM0213", Warning, Impossible, "a header that APISIX cannot add, set or remove";
    RewriteApproximated = "AM0214", Warning, Approximate, "a rewrite or redirect that differs for some requests";
    RetryApproximated = "AM0215", Warning, Approximate, "requests that are not tried again when Envoy would, or the other way round";
    MirrorApproximated = "AM0216", Warning, Approximate, "copies of requests that are not sent, or differ from those that Envoy sends";
    FilterDenied = "AM0221", Error, Impossible, "an HTTP filter that cannot be translated safely for a route: it answers 503";
    FilterApproximated = "AM0222", Warning, Approximate, "an HTTP filter that does not do exactly what it does in Envoy";
    PatternsMany = "AM0227", Info, Exact, "more patterns than a worker of APISIX keeps compiled";
    ListenerWithoutHttp = "AM0301", Warning, Impossible, "a listener without HTTP that is not translated";
    ListenerDenied = "AM0302", Error, Impossible, "a listener or filter chain whose requests are all denied";
    ListenerPortNotBound = "AM0303", Error, Impossible, "a listener on a port that APISIX does not listen on";
    FilterChainRefused = "AM0304", Error, Impossible, "a filter chain that is not served";
    ListenerOnEveryPort = "AM0305", Info, Approximate, "a listener that answers on every port of APISIX";
    ClusterDenied = "AM0401", Error, Impossible, "a cluster that cannot be used safely";
    ClusterApproximated = "AM0402", Warning, Approximate, "a cluster whose load balancing differs";
    ClusterUnused = "AM0405", Info, Exact, "a cluster that no route leads to";
    EndpointDropped = "AM0403", Warning, Impossible, "an endpoint that APISIX cannot reach";
    EndpointsApproximated = "AM0404", Warning, Approximate, "endpoints whose share of the traffic differs in some states";
    ApplyRefused = "AM0501", Error, Impossible, "a configuration that APISIX has refused";
}

/// One thing that was lost, changed or refused, at one place (or `count` places alike) of one resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Diagnostic {
    /// The stable code.
    pub code: Code,
    /// How grave it is.
    pub severity: Severity,
    /// How near the translation is.
    pub fidelity: Fidelity,
    /// The resource, such as `RouteConfiguration "9080"`.
    pub resource: String,
    /// The first place inside the resource, such as `virtual_hosts[2].routes[5].match.safe_regex`; may be empty.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub path: String,
    /// One line: what is the case and what happens instead.
    pub message: String,
    /// What a person can do about it; may be empty.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub hint: String,
    /// In how many places of this resource it is the case; at least 1.
    pub count: u32,
    /// All these places, in a build with the feature `places`; else empty.
    #[serde(skip)]
    pub places: Vec<String>,
}

impl Diagnostic {
    /// A diagnostic at one place.
    #[must_use]
    pub fn new(code: Code, resource: String, path: String, message: String) -> Self {
        let (severity, fidelity) = (code.severity(), code.fidelity());
        Self { code, severity, fidelity, resource, path, message, hint: String::new(), count: 1, places: Vec::new() }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}
