//! What follows from the order of filters: which of them see what others have changed.
//!
//! APISIX tells requests as they came. A filter that looks at a header after another one has changed it would see
//! something else in Envoy.

use super::Refusal;
use crate::model::filter::{Config, Effective, Jwt, KeySource, Part, TokenPlace};
use crate::model::headers::HeaderMutations;

/// Refuses a filter that looks at a request header which one of the steps before it changes.
pub(super) fn check(config: Effective<'_>, before: &[Vec<&HeaderMutations>]) -> Result<(), Refusal> {
    let (passes, configs) = match config {
        Effective::Config(config) => (None, vec![config]),
        Effective::Unless(passes, config) => (Some(passes), vec![config]),
        Effective::Refined(installed, own) => (None, vec![installed, own]),
        Effective::Mismatch => return Ok(()),
    };
    if before.iter().all(Vec::is_empty) {
        return Ok(());
    }
    let mut looks_at = Vec::new();
    for config in configs {
        reads(config, &mut looks_at);
    }
    if let Some(passes) = passes {
        passes.headers(&mut looks_at);
    }
    let steps = || before.iter().flatten().map(|step| &step.request);
    let changes = |name: &&str| {
        steps().any(|level| {
            let mut names = level.remove.iter().chain(level.add.iter().map(|addition| &addition.name));
            names.any(|changed| changed.eq_ignore_ascii_case(name))
        })
    };
    match looks_at.into_iter().find(changes) {
        Some(name) => Err(Refusal(format!("it looks at header {name:?} after a filter before it has changed it"))),
        None => Ok(()),
    }
}

/// The request headers that a filter looks at.
fn reads<'a>(config: &'a Config, names: &mut Vec<&'a str>) {
    match config {
        Config::Nothing
        | Config::Off
        | Config::Unusable(_)
        | Config::Buffer(_)
        | Config::Compressor(_)
        | Config::CompressorRoute(_)
        | Config::Mutation(_)
        | Config::Wrapped(_)
        | Config::JwtRoute(_)
        | Config::ExtAuthz(_) => {}
        Config::PassedBy(passes) => passes.headers(names),
        Config::Fault(fault) => {
            names.extend(fault.headers.iter().map(|header| header.name.as_str()));
            names.extend((!fault.nodes.is_empty()).then_some("x-envoy-downstream-service-node"));
            // Whether a request is gRPC.
            names.push("content-type");
        }
        Config::HealthCheck(check) => names.extend(check.0.iter().map(|header| header.name.as_str())),
        Config::Csrf(_) => names.extend(["origin", "referer"]),
        Config::Cors(_) => {
            names.extend(["origin", "access-control-request-method", "access-control-request-private-network"]);
        }
        Config::Limit(limit) => names.extend(limit.descriptors.iter().flat_map(|it| &it.parts).flat_map(part)),
        Config::Rbac(rbac) => rbac.rule.headers(names),
        Config::Jwt(jwt) => token(jwt, names),
        Config::ApiKey(keys) => names.extend(keys.sources.iter().filter_map(|source| match source {
            KeySource::Header(name) => Some(name.as_str()),
            KeySource::Cookie(_) => Some("cookie"),
            KeySource::Query(_) => None,
        })),
    }
}

fn part(part: &Part) -> Vec<&str> {
    match part {
        Part::Headers(headers, _) => headers.iter().map(|header| header.name.as_str()).collect(),
        Part::EachHeader(name) => vec![name],
        Part::Query(_) | Part::Client(..) | Part::EachClient => Vec::new(),
    }
}

fn token<'a>(jwt: &'a Jwt, names: &mut Vec<&'a str>) {
    names.extend(["origin", "access-control-request-method"]);
    names.extend(jwt.rules.iter().flat_map(|(rule, _)| &rule.headers).map(|header| header.name.as_str()));
    names.extend(jwt.places.iter().filter_map(|place| match place {
        TokenPlace::Header(name, _) => Some(name.as_str()),
        TokenPlace::Cookie(_) => Some("cookie"),
        TokenPlace::Parameter(_) => None,
    }));
}
