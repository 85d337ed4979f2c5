//! Filters about requests that browsers send across sites: CORS and CSRF.

use super::{Kind, Passage, Verdict};
use crate::envoy::change::Changes;
use crate::envoy::exchange::{Draw, Exchange};
use crate::envoy::headers::Headers;
use crate::envoy::object::{Fraction, Object, Read};
use crate::envoy::stop::Known;
use crate::envoy::text_match::TextMatch;

/// `envoy.extensions.filters.http.cors.v3.CorsPolicy`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cors {
    origins: Vec<TextMatch>,
    methods: String,
    headers: String,
    exposed: String,
    max_age: String,
    credentials: Option<bool>,
    private_network: Option<bool>,
    forwards_other_preflights: Option<bool>,
    enabled: Option<Fraction>,
}

impl Cors {
    pub(super) fn read(policy: &Object) -> Read<Self> {
        policy.ignore(&["shadow_enabled"]);
        Ok(Self {
            origins: policy.objects("allow_origin_string_match")?.iter().map(TextMatch::read).collect::<Read<_>>()?,
            methods: policy.text("allow_methods")?.into(),
            headers: policy.text("allow_headers")?.into(),
            exposed: policy.text("expose_headers")?.into(),
            max_age: policy.text("max_age")?.into(),
            credentials: policy.flag_if("allow_credentials")?,
            private_network: policy.flag_if("allow_private_network_access")?,
            forwards_other_preflights: policy.flag_if("forward_not_matching_preflights")?,
            enabled: policy.runtime_fraction_if("filter_enabled")?,
        })
    }

    fn is_enabled(&self, draw: &Draw) -> bool {
        self.enabled.is_none_or(|fraction| draw.holds(fraction))
    }
}

/// The policies of a route, the most specific first. Each field is that of the first which has it.
struct Policies<'p>(Vec<&'p Cors>);

impl Policies<'_> {
    fn text(&self, field: fn(&Cors) -> &String) -> &str {
        self.0.iter().map(|policy| field(policy).as_str()).find(|text| !text.is_empty()).unwrap_or_default()
    }

    fn flag(&self, field: fn(&Cors) -> Option<bool>) -> Option<bool> {
        self.0.iter().find_map(|policy| field(policy))
    }

    fn allow(&self, origin: &[u8]) -> Known<bool> {
        let origins = self.0.iter().map(|policy| &policy.origins).find(|origins| !origins.is_empty());
        for matcher in origins.into_iter().flatten() {
            if *matcher == TextMatch::Exact("*".into()) || matcher.matches(origin)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What a preflight learns, apart from the origin.
    fn preflight(&self, exchange: &Exchange) -> Headers {
        let mut headers = Headers::of_response();
        let network = exchange.headers.value("access-control-request-private-network") == b"true"
            && self.flag(|policy| policy.private_network) == Some(true);
        let fields = [
            ("access-control-allow-credentials", self.credentials()),
            ("access-control-allow-methods", self.text(|policy| &policy.methods)),
            ("access-control-allow-headers", self.text(|policy| &policy.headers)),
            ("access-control-max-age", self.text(|policy| &policy.max_age)),
            ("access-control-allow-private-network", if network { "true" } else { "" }),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            headers.set(name, value);
        }
        headers
    }

    fn credentials(&self) -> &'static str {
        if self.flag(|policy| policy.credentials) == Some(true) { "true" } else { "" }
    }

    /// What every answer to an allowed origin has.
    fn answer(&self, origin: &[u8]) -> Vec<Changes> {
        let fields = [
            ("access-control-allow-origin", origin),
            ("access-control-allow-credentials", self.credentials().as_bytes()),
            ("access-control-expose-headers", self.text(|policy| &policy.exposed).as_bytes()),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        fields.map(|(name, value)| Changes::replacement(name, value)).collect()
    }
}

/// Answers preflights, and adds headers to what allowed origins get. Routes that forward nothing have no policy.
pub(super) fn cors(
    kinds: &[&Kind],
    passage: &Passage,
    exchange: &Exchange,
    responses: &mut Vec<Changes>,
) -> Known<Verdict> {
    let policies = kinds.iter().filter_map(|kind| match kind {
        Kind::Cors(cors) => Some(cors.as_ref()),
        _ => None,
    });
    let policies = Policies(policies.collect());
    let origin = exchange.headers.value("origin");
    let enabled = policies.0.first().is_some_and(|policy| policy.is_enabled(passage.draw));
    if origin.is_empty() || passage.cluster.is_none() || !enabled {
        return Ok(Verdict::Continue);
    }
    let allowed = policies.allow(origin)?;
    if allowed {
        responses.extend(policies.answer(origin));
    }
    let asks = !exchange.headers.value("access-control-request-method").is_empty();
    let answers = allowed || policies.flag(|policy| policy.forwards_other_preflights) == Some(false);
    if exchange.method() == b"OPTIONS" && asks && answers {
        return Ok(Verdict::Reply(200, String::new(), policies.preflight(exchange), "a preflight"));
    }
    Ok(Verdict::Continue)
}

/// `envoy.extensions.filters.http.csrf.v3.CsrfPolicy`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Csrf {
    enabled: Fraction,
    origins: Vec<TextMatch>,
}

impl Csrf {
    pub(super) fn read(policy: &Object) -> Read<Self> {
        policy.ignore(&["shadow_enabled"]);
        let enabled = policy.runtime_fraction_if("filter_enabled")?;
        let origins = policy.objects("additional_origins")?;
        Ok(Self {
            enabled: enabled.ok_or_else(|| policy.refuse("filter_enabled", "value is required"))?,
            origins: origins.iter().map(TextMatch::read).collect::<Read<_>>()?,
        })
    }

    /// A request that changes something has to come from the host that it goes to, or from one that is listed.
    pub(super) fn act(&self, exchange: &Exchange, draw: &Draw) -> Known<Verdict> {
        if ![b"POST".as_slice(), b"PUT", b"DELETE", b"PATCH"].contains(&exchange.method()) {
            return Ok(Verdict::Continue);
        }
        if self.enabled.share == 0 || self.enabled.share < self.enabled.of && !draw.holds(self.enabled) {
            return Ok(Verdict::Continue);
        }
        let source = ["origin", "referer"].iter().map(|name| host_of(exchange.headers.value(name)));
        let source = source.into_iter().find(|source| !source.is_empty()).unwrap_or_default();
        let mut allowed = !source.is_empty() && source == host_of(exchange.authority());
        for origin in &self.origins {
            allowed = allowed || !source.is_empty() && origin.matches(&source)?;
        }
        if allowed {
            return Ok(Verdict::Continue);
        }
        Ok(Verdict::Reply(403, "Invalid origin".into(), Headers::of_response(), "another origin"))
    }
}

/// Host and port of a URL; what is none stays as it is.
fn host_of(text: &[u8]) -> Vec<u8> {
    let url = || {
        let text = std::str::from_utf8(text).ok()?;
        let (scheme, rest) = text.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (name, port) = authority.split_once(':').unwrap_or((authority, "0"));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_url = ["http", "https"].contains(&scheme.to_ascii_lowercase().as_str())
            && !name.is_empty()
            && name.bytes().all(is_name)
            && port.parse::<u16>().is_ok();
        is_url.then(|| authority.as_bytes().to_vec())
    };
    url().unwrap_or_else(|| text.to_vec())
}
