//! `envoy.extensions.filters.http.rbac.v3.RBAC.matcher`: a match tree that says who may do what.

use amesh_xds::wire::envoy::config::rbac::v3 as wire;
use amesh_xds::wire::google::protobuf::Any;
use amesh_xds::wire::xds::r#type::matcher::v3::Matcher;
use prost::Message as _;

use super::Rbac;
use crate::diagnostic::Code;
use crate::model::condition::Condition;
use crate::model::findings::scan;
use crate::model::rules::{defined, filled};
use crate::model::tree::{Inputs, Lack, Leaves, TreeError, flatten, other_action};
use crate::report::{Place, Report};

const ACTION: &str = "envoy.config.rbac.v3.Action";

/// How often the list may change between leaves that allow and leaves that deny: conditions lie that deep.
const TURNS_MAX: usize = 16;

/// The tree as one rule for what is denied; `None` where some of it cannot be translated.
pub(super) fn convert(matcher: &Matcher, place: &Place<'_>, report: &mut Report) -> Result<Option<Rbac>, TreeError> {
    let place = place.field("matcher");
    let Some(leaves) = flatten(matcher, Inputs::Connection, &denies, &place, report)? else { return Ok(None) };
    let rule = denied(leaves);
    if rule.is_none() {
        report.add(Code::ExtensionDenied, place, "the match tree changes too often between allowing and denying");
    }
    Ok(rule.map(|rule| Rbac { denies: true, rule }))
}

/// Whether a leaf denies; one that only logs allows.
fn denies(name: &str, any: &Any, place: &Place<'_>, report: &mut Report) -> Result<Option<bool>, Lack> {
    if name != ACTION {
        return other_action(any, place, report);
    }
    let _ = scan(ACTION, &any.value, place, report)?;
    let action = wire::Action::decode(any.value.clone())?;
    filled(&action.name, "action.name")?;
    let action: wire::rbac::Action = defined(action.action, "action.action")?;
    Ok(Some(action == wire::rbac::Action::Deny))
}

/// Requests that meet no leaf are denied; one that meets a leaf does not reach those behind it.
fn denied(leaves: Leaves<bool>) -> Option<Condition> {
    let (mut rule, mut turns) = (Condition::All(Vec::new()), 0_usize);
    for (condition, denies) in leaves.into_iter().rev() {
        let condition = if denies { condition } else { Condition::Not(Box::new(condition)) };
        rule = match (denies, rule) {
            (true, Condition::Any(mut parts)) | (false, Condition::All(mut parts)) if !parts.is_empty() => {
                parts.push(condition);
                if denies { Condition::Any(parts) } else { Condition::All(parts) }
            }
            (denies, behind) => {
                turns = turns.saturating_add(1);
                let parts = vec![condition, behind];
                if denies { Condition::Any(parts) } else { Condition::All(parts) }
            }
        };
    }
    (turns <= TURNS_MAX).then_some(rule)
}
