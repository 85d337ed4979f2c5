//! The RBAC filter: one condition under which requests are answered 403.
//!
//! Where it cannot be told whether Envoy would deny a request, it is denied: a condition that helps to deny is taken
//! wider than it is, one that helps to allow narrower.

use super::{Context, Refusal, Share};
use crate::apisix::Abort;
use crate::diagnostic::Code;
use crate::hosts::PortMatching;
use crate::model::filter::{Rbac, Rule};
use crate::model::listener::ClientAddress;
use crate::plan::guards;
use crate::vars::{Expr, HeaderMatch, Lines};

impl Context<'_> {
    /// Requests that are not allowed are answered.
    pub(super) fn rbac(&mut self, rbac: &Rbac, shares: Vec<Share>) -> Result<Vec<Share>, Refusal> {
        let lines = if rbac.denies { Lines::AnyMayMatch } else { Lines::OneMustMatch };
        let rule = self.rule(&rbac.rule, lines)?;
        let denied = if rbac.denies { rule } else { rule.negate() };
        Ok(self.reply_if(denied, &Abort::text(403, "RBAC: access denied"), shares))
    }

    fn rule(&mut self, rule: &Rule, lines: Lines) -> Result<Expr, Refusal> {
        let mut all = |rules: &[Rule]| rules.iter().map(|rule| self.rule(rule, lines)).collect::<Result<Vec<_>, _>>();
        Ok(match rule {
            Rule::All(rules) => Expr::all(all(rules)?),
            Rule::Any(rules) => Expr::any(all(rules)?),
            Rule::Not(rule) => self.rule(rule, lines.opposite())?.negate(),
            Rule::Header(header) => self.header_lines(header, lines)?,
            Rule::Path(text) => text.to_expr("uri")?,
            Rule::Port(first, last) => Expr::any((*first..=*last).map(guards::connected_to)),
            Rule::Client(range) => self.client(range, lines)?,
            Rule::Peer(range) => Expr::in_range(PEER, range),
            Rule::ServerName(text) => {
                let name = text.to_expr("ssl_server_name")?;
                if text.matches_empty() { Expr::any([Expr::present("ssl_server_name").negate(), name]) } else { name }
            }
        })
    }

    fn header_lines(&mut self, header: &HeaderMatch, lines: Lines) -> Result<Expr, Refusal> {
        let is_authority = matches!(header.name.to_ascii_lowercase().as_str(), ":authority" | "host");
        if is_authority && self.requests.ports != PortMatching::Compare {
            return Err("the host is compared without the port that Envoy has cut off".into());
        }
        let (expr, notes) = header.lines_to_expr(lines)?;
        for note in notes {
            self.report.add(Code::MatcherApproximated, self.place, super::super::lines::remark(note));
        }
        Ok(expr)
    }

    pub(super) fn client(&mut self, range: &str, lines: Lines) -> Result<Expr, Refusal> {
        match self.requests.client {
            ClientAddress::Peer => Ok(Expr::in_range(PEER, range)),
            ClientAddress::ForwardedFor => {
                self.report.add(Code::FilterApproximated, self.place, FORWARDED);
                Ok(forwarded_for(range, lines))
            }
            ClientAddress::Elsewhere => Err("the client's address is found in a way that APISIX does not know".into()),
        }
    }
}

const PEER: &str = "realip_remote_addr";
const FORWARDED: &str = "a client's address is not seen where x-forwarded-for has several: such requests are denied";

/// The last address of `x-forwarded-for`, or the peer's without one.
fn forwarded_for(range: &str, lines: Lines) -> Expr {
    let header = "http_x_forwarded_for";
    let single = Expr::matches(header, r"^[0-9A-Fa-f:.]+\z");
    let own = Expr::any([
        single.clone().and(Expr::in_range(header, range)),
        Expr::present(header).negate().and(Expr::in_range(PEER, range)),
    ]);
    match lines {
        Lines::AsOne | Lines::OneMustMatch => own,
        Lines::AnyMayMatch => Expr::any([own, Expr::present(header).and(single.negate())]),
    }
}
