//! `VirtualHost.matcher`: routes at the leaves of a match tree.

use std::ops::Range;

use amesh_xds::wire::envoy::config::route::v3 as wire;
use amesh_xds::wire::google::protobuf::Any;
use amesh_xds::wire::xds::r#type::matcher::v3::Matcher;
use bytes::Bytes;
use prost::Message as _;

use super::convert::{ROUTE, VirtualHostError, bounded, convert};
use super::{Action, Route};
use crate::diagnostic::Code;
use crate::model::condition::Condition;
use crate::model::filter::Overrides;
use crate::model::findings::{Denied, scan};
use crate::model::tree::{Inputs, Lack, Leaves, flatten, other_action};
use crate::options::Limits;
use crate::report::{Place, Report};
use crate::vars::Expr;

const ROUTE_LIST: &str = "envoy.config.route.v3.RouteList";
/// Where routes of a tree are said to be, counted in the order in which they are tried.
const FIELD: &str = "matcher.routes";

/// The routes of all leaves, and which of them each leaf has. `denied`: the virtual host is.
pub(super) fn routes(
    matcher: &Matcher,
    denied: Denied,
    limits: &Limits,
    report: &mut Report,
) -> Result<(Vec<Route>, Leaves<Range<usize>>), VirtualHostError> {
    let place = Place::named("matcher");
    let leaves = if denied.0 { None } else { flatten(matcher, Inputs::Headers, &encoded, &place, report)? };
    let Some(leaves) = leaves else {
        report.add(Code::RouteDenied, place, "all requests to this virtual host are answered 503");
        return Ok((vec![denying()], vec![(Condition::All(Vec::new()), 0..1)]));
    };
    bounded(FIELD, leaves.iter().map(|(_, list)| list.len()).sum(), limits.routes)?;
    let (mut routes, mut ranges) = (Vec::new(), Vec::with_capacity(leaves.len()));
    for (condition, list) in leaves {
        let first = routes.len();
        for bytes in list {
            let (index, place) = (routes.len(), Place::top(FIELD, routes.len()));
            let route = convert(&bytes, denied, &place, report);
            routes.push(route.map_err(|error| VirtualHostError::TreeRoute(index, error))?);
        }
        ranges.push((condition, first..routes.len()));
    }
    Ok((routes, ranges))
}

/// The routes of a leaf, still encoded.
fn encoded(name: &str, any: &Any, place: &Place<'_>, report: &mut Report) -> Result<Option<Vec<Bytes>>, Lack> {
    match name {
        ROUTE => Ok(Some(vec![any.value.clone()])),
        ROUTE_LIST => {
            let _ = scan(ROUTE_LIST, &any.value, place, report)?;
            Ok(Some(wire::RouteList::decode(any.value.clone())?.routes))
        }
        _ => other_action(any, place, report),
    }
}

/// Takes all requests and denies them.
fn denying() -> Route {
    Route {
        name: String::new(),
        path: None,
        case_sensitive: true,
        headers: Vec::new(),
        others: Expr::True,
        fraction: None,
        filters: Overrides::new(),
        mutations: None,
        action: Action::Deny,
    }
}
