//! The fault filter: `fault-injection`, with shares of requests told by digits of `request_id`.

use super::{ABORT, Context, DELAY, Refusal, Share, alternatives, sampled};
use crate::apisix::{Abort, Delay, FaultInjection, Template};
use crate::diagnostic::Code;
use crate::model::filter::{self, Answer, Fault};
use crate::vars::Expr;

impl Context<'_> {
    /// Requests are delayed, then answered.
    pub(super) fn fault(&mut self, fault: &Fault, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        if !fault.cluster.is_empty() && fault.cluster != self.cluster {
            return Ok(shares);
        }
        let condition = self.headers(&fault.headers)?.and(nodes(&fault.nodes));
        let shares = match &fault.abort {
            Some(abort) => self.abort(abort, &condition, shares),
            None => shares,
        };
        match fault.delay {
            Some(delay) => delayed(delay, &condition, shares),
            None => Ok(shares),
        }
    }

    fn abort(&mut self, abort: &filter::Abort, condition: &Expr, shares: Vec<Share>) -> Vec<Share> {
        let condition = condition.clone().and(sampled(abort.percent, ABORT));
        match abort.answer {
            Answer::Http(status) => self.reply_if(condition, &Abort::text(status, &abort.body), shares),
            Answer::Grpc(status) => {
                if !condition.is_false() {
                    self.report.add(Code::FilterApproximated, self.place, GRPC);
                }
                let shares = self.reply_if(condition.clone(), &Abort::text(200, &abort.body), shares);
                self.reply_if(condition.and(is_grpc()), &grpc(status, &abort.body), shares)
            }
        }
    }
}

const GRPC: &str = "a gRPC status is answered as the HTTP status that clients take for it, or, where there is none, \
    beside a body, which some clients take for UNKNOWN";

fn delayed(delay: filter::Delay, condition: &Expr, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
    let condition = condition.clone().and(sampled(delay.percent, DELAY));
    if condition.is_false() {
        return Ok(shares);
    }
    let is_delayed = |plugin: &FaultInjection| plugin.delay.is_some();
    if shares.iter().any(|(_, outcome)| outcome.plugins.fault_injection.as_deref().is_some_and(is_delayed)) {
        return Err("requests cannot be delayed twice".into());
    }
    let vars = if condition.is_true() { Vec::new() } else { alternatives(&condition) };
    let plugin = FaultInjection { delay: Some(Delay::new(delay.milliseconds, vars)), ..FaultInjection::default() };
    Ok(shares.into_iter().map(|(share, outcome)| (share, outcome.with(plugin.clone()))).collect())
}

/// The request is from one of these.
fn nodes(nodes: &[String]) -> Expr {
    if nodes.is_empty() {
        return Expr::True;
    }
    Expr::one_of("http_x_envoy_downstream_service_node", nodes.to_vec())
}

/// What Envoy takes for gRPC.
fn is_grpc() -> Expr {
    Expr::matches("http_content_type", r"^application/grpc(?:\+.*)?\z")
}

/// The HTTP status that gRPC clients take for this status.
fn grpc(status: u32, message: &str) -> Abort {
    let mapped = match status {
        7 => 403,
        12 => 404,
        13 => 400,
        14 => 503,
        16 => 401,
        _ => 200,
    };
    Abort::empty(mapped)
        .with_header("content-type", Template::literal("application/grpc"))
        .with_header("grpc-status", Template::literal(&status.to_string()))
        .with_header("grpc-message", Template::literal(message))
}
