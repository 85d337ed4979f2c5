//! Fields that are translated approximately or left out, and the parts of a decision that each has a part in.

use crate::compare::Aspect;
use crate::declared::Way;
use crate::met::steps;
use crate::probe::Oddity;

/// The name of the field at the end of a path.
pub(crate) fn last(path: &str) -> &str {
    let step = steps(path).last().unwrap_or(path);
    step.split('[').next().unwrap_or(step)
}

/// Whether a field that is not translated as it stands has a part in this, for such a request.
pub(crate) fn is_about(field: &str, aspect: &Aspect, way: &Way<'_>) -> bool {
    match field {
        "normalize_path" | "merge_slashes" | "path_with_escaped_slashes_action" => way.has(&[Oddity::PathNotNormal]),
        "strip_trailing_host_dot" => way.has(&[Oddity::TrailingDot]),
        "headers_with_underscores_action" => way.has(&[Oddity::UnderscoreHeader]),
        "upgrade_configs" => matches!(aspect, Aspect::Upgrade) || way.has(&[Oddity::Upgrade]),
        "use_original_dst" => way.redirected,
        "additional_addresses" => way.unserved,
        _ => aspects(field, aspect),
    }
}

fn aspects(field: &str, aspect: &Aspect) -> bool {
    match field {
        "strip_matching_host_port" | "strip_any_host_port" => matches!(aspect, Aspect::Host) || aspect.is_location(),
        "scheme_header_transformation" => aspect.is_location(),
        "timeout" | "max_stream_duration" | "max_grpc_timeout" | "grpc_timeout_offset" => {
            matches!(aspect, Aspect::Timeout)
        }
        "retry_policy"
        | "retry_policy_typed_config"
        | "hedge_policy"
        | "retriable_status_codes"
        | "retriable_headers" => {
            matches!(aspect, Aspect::Retries)
        }
        "request_mirror_policies" => matches!(aspect, Aspect::Mirrors),
        "header_delay" => matches!(aspect, Aspect::Delay | Aspect::Outcome | Aspect::Share),
        "header_abort" => matches!(aspect, Aspect::Status | Aspect::Outcome | Aspect::Share),
        "header_name" | "use_hash_policy" | "weighted_clusters" => {
            matches!(aspect, Aspect::Endpoints | Aspect::Outcome | Aspect::Share)
        }
        "drop_overloads" => matches!(aspect, Aspect::Outcome | Aspect::Share),
        "overprovisioning_factor" | "zone_aware_lb_config" | "slow_start_config" | "locality_lb_config" => {
            aspect.is_of_endpoints()
        }
        "local_reply_config" => aspect.is_of_a_reply() || matches!(aspect, Aspect::Status),
        "body_format" => aspect.is_of_a_reply(),
        "via" | "proxy_status_config" => names(aspect, field.trim_end_matches("_config")),
        _ => false,
    }
}

/// The header of this name; a field has an underscore where the header has a dash.
fn names(aspect: &Aspect, field: &str) -> bool {
    let (Aspect::RequestHeader(name) | Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name)) = aspect else {
        return false;
    };
    name.replace('-', "_") == field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_field_of_a_path() {
        assert_eq!(last("virtual_hosts[0].routes[1].route.timeout"), "timeout");
        assert_eq!(last("filter_chains[0].filters[0].typed_config.upgrade_configs[2]"), "upgrade_configs");
        assert_eq!(last("a.typed_per_filter_config[envoy.filters.http.fault]"), "typed_per_filter_config");
        assert_eq!(last("via"), "via");
    }
}
