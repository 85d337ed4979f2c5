//! What nginx does in its own way, whatever the configuration: what the diagnostic about it declares.

use amesh_simulator::Request;

use crate::compare::{Aspect, Difference};
use crate::declared::Way;
use crate::probe::{Oddity, is_plain};

/// The form of answers to gRPC clients, the character set of texts, nginx's own pages, host names in lower case, the
/// scheme of the connection, headers that only one of both drops, requests that only one of both refuses.
pub(crate) fn is_manners(difference: &Difference, way: &Way<'_>) -> bool {
    let (envoy, apisix) = (difference.envoy.trim_matches('"'), difference.apisix.trim_matches('"'));
    let is_refusal = matches!(difference.aspect, Aspect::Outcome | Aspect::Status);
    let refused = [Oddity::UnknownMethod, Oddity::Upgrade, Oddity::NotAsciiPath, Oddity::StrangeHeader];
    if (is_refusal || difference.aspect.is_of_a_reply()) && way.has(&refused) {
        return true;
    }
    if has_second_line(way.request) && (is_refusal || difference.aspect.is_of_a_reply()) {
        return true;
    }
    match &difference.aspect {
        Aspect::Outcome => way.has(&[Oddity::ForwardedProto]),
        Aspect::Status => way.has(&[Oddity::Grpc, Oddity::ForwardedProto]),
        Aspect::Body => apisix == "none" || way.has(&[Oddity::Grpc]),
        Aspect::ReplyHeader(name) | Aspect::ResponseHeader(name) if name == "content-type" => {
            let plain = apisix.strip_suffix("; charset=utf-8");
            plain.is_some_and(|plain| plain == envoy || plain == "text/html") || way.has(&[Oddity::Grpc])
        }
        Aspect::ReplyHeader(name) if name == "location" => {
            envoy.eq_ignore_ascii_case(apisix) || way.has(&[Oddity::ForwardedProto])
        }
        Aspect::ReplyHeader(name) if matches!(name.as_str(), "grpc-status" | "grpc-message") => apisix == "none",
        Aspect::ResponseHeader(name) if name == "x-apisix-upstream-status" => envoy == "none",
        Aspect::RequestHeader(name) => {
            matches!(name.as_str(), "expect" | "proxy-connection") || !is_plain(name) || is_repeated(name, way.request)
        }
        _ => false,
    }
}

/// Request headers of which nginx refuses a second line.
const UNIQUE: [&str; 8] = [
    "authorization",
    "content-range",
    "expect",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
];

fn has_second_line(request: &Request) -> bool {
    UNIQUE.iter().any(|name| is_repeated(name, request))
}

fn is_repeated(name: &str, request: &Request) -> bool {
    request.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).count() > 1
}
