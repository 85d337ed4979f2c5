//! `RequestMirrorPolicy`: where copies of requests go.

use amesh_xds::wire::envoy::config::route::v3::route_action::RequestMirrorPolicy;

use super::Fraction;
use super::conditions::{ConditionError, share};
use crate::diagnostic::Code;
use crate::model::rules::{RuleError, one_line};
use crate::report::{Place, Report};

/// The copies of one level: routes, virtual host or route configuration. A level that has some takes the place of those
/// above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mirror {
    /// The cluster that gets them; `None`: none that APISIX could tell.
    pub(crate) cluster: Option<String>,
    /// The share of the requests that are copied.
    pub(crate) share: Fraction,
}

/// Why Envoy would refuse a policy.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MirrorError {
    /// Not one cluster.
    #[error("request_mirror_policies[{0}] needs either cluster or cluster_header")]
    Cluster(usize),
    /// No share.
    #[error("request_mirror_policies[{0}].{1}")]
    Fraction(usize, ConditionError),
    /// A rule about one field is broken.
    #[error("{0}")]
    Rule(#[from] RuleError),
}

const FIELD: &str = "request_mirror_policies";
const ALL: Fraction = Fraction { part: 100, whole: 100 };

/// Converts the policies of one level; `None` where there is none.
pub(super) fn convert(
    policies: &[RequestMirrorPolicy],
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<Box<Mirror>>, MirrorError> {
    let mut mirror: Option<Box<Mirror>> = None;
    for (index, policy) in policies.iter().enumerate() {
        let place = place.item(FIELD, index);
        let share = check(policy, index)?;
        if let Some(Mirror { cluster: Some(_), share: Fraction { part: 1.., .. } }) = mirror.as_deref() {
            let why = "APISIX sends one copy of a request: this mirror gets none";
            report.add(Code::MirrorApproximated, place, why);
            continue;
        }
        let cluster = Some(policy.cluster.clone()).filter(|cluster| !cluster.is_empty());
        if cluster.is_none() {
            let why = "the cluster of a mirror cannot be named by the request: no copies are sent";
            report.add(Code::MirrorApproximated, place.field("cluster_header"), why);
        }
        say_host(policy, &place, report);
        mirror = Some(Box::new(Mirror { cluster, share }));
    }
    Ok(mirror)
}

/// Holds a policy against Envoy's rules.
fn check(policy: &RequestMirrorPolicy, index: usize) -> Result<Fraction, MirrorError> {
    let path = |field: &str| format!("{FIELD}[{index}].{field}");
    one_line(&policy.cluster_header, path("cluster_header"))?;
    one_line(&policy.host_rewrite_literal, path("host_rewrite_literal"))?;
    if policy.cluster.is_empty() == policy.cluster_header.is_empty() {
        return Err(MirrorError::Cluster(index));
    }
    let share = policy.runtime_fraction.as_ref().map(share).transpose();
    Ok(share.map_err(|error| MirrorError::Fraction(index, error))?.unwrap_or(ALL))
}

fn say_host(policy: &RequestMirrorPolicy, place: &Place<'_>, report: &mut Report) {
    if !policy.host_rewrite_literal.is_empty() {
        let why = "the copy has the host of the request, not one of its own";
        report.add(Code::MirrorApproximated, place.field("host_rewrite_literal"), why);
    } else if !policy.disable_shadow_host_suffix_append {
        report.add(Code::MirrorApproximated, place, "the host of the copy does not end in -shadow");
    }
}
