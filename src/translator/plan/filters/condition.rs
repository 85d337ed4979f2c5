//! Conditions of filters and match trees in APISIX's terms.
//!
//! Where it cannot be told whether a request meets one, a condition that helps to deny is taken wider than it is, one that
//! helps to allow narrower.

use super::Refusal;
use crate::diagnostic::Code;
use crate::hosts::PortMatching;
use crate::model::condition::Condition;
use crate::model::listener::ClientAddress;
use crate::model::route::plain_path;
use crate::plan::guards::{self, Requests};
use crate::plan::lines::remark;
use crate::regex::Pcre;
use crate::report::{Place, Report};
use crate::vars::{Expr, HeaderMatch, Lines, TextMatch};

/// Writes conditions, and says in what they differ.
pub(in crate::plan) struct Conditions<'a> {
    pub(in crate::plan) requests: &'a Requests,
    pub(in crate::plan) place: &'a Place<'a>,
    pub(in crate::plan) report: &'a mut Report,
}

impl Conditions<'_> {
    pub(in crate::plan) fn expr(&mut self, condition: &Condition, lines: Lines) -> Result<Expr, Refusal> {
        let mut all =
            |parts: &[Condition]| parts.iter().map(|part| self.expr(part, lines)).collect::<Result<Vec<_>, _>>();
        Ok(match condition {
            Condition::All(parts) => Expr::all(all(parts)?),
            Condition::Any(parts) => Expr::any(all(parts)?),
            Condition::Not(part) => self.expr(part, lines.opposite())?.negate(),
            Condition::Header(header) => self.header(header, |header| header.lines_to_expr(lines))?,
            Condition::Joined(header) => self.header(header, |header| header.joined_to_expr(lines))?,
            Condition::Path(text) => text.to_expr("uri")?,
            Condition::Template(pattern) => self.template(pattern, lines),
            Condition::Port(first, last) => guards::connected_to(*first, *last),
            Condition::Destination(range) => self.destination(range, lines),
            Condition::Client(range) => self.client(range, lines)?,
            Condition::Peer(range) => Expr::in_range(PEER, range),
            Condition::ServerName(text) => server_name(text)?,
            Condition::ServerNameGiven(text) => text.to_expr(SERVER_NAME)?,
        })
    }

    fn header<E: Into<Refusal>>(
        &mut self,
        header: &HeaderMatch,
        to_expr: impl FnOnce(&HeaderMatch) -> Result<(Expr, Vec<crate::vars::HeaderNote>), E>,
    ) -> Result<Expr, Refusal> {
        let is_authority = matches!(header.name.to_ascii_lowercase().as_str(), ":authority" | "host");
        if is_authority && self.requests.ports != PortMatching::Compare {
            return Err("the host is compared without the port that Envoy has cut off".into());
        }
        let (expr, notes) = to_expr(header).map_err(Into::into)?;
        for note in notes {
            self.report.add(Code::MatcherApproximated, self.place, remark(note));
        }
        Ok(expr)
    }

    fn template(&mut self, pattern: &Pcre, lines: Lines) -> Expr {
        self.report.add(Code::FilterApproximated, self.place, NOT_PLAIN);
        let path = Expr::matches("uri", pattern.full_match());
        if lines == Lines::AnyMayMatch { path } else { path.and(plain_path()) }
    }

    fn destination(&mut self, range: &str, lines: Lines) -> Expr {
        self.report.add(Code::FilterApproximated, self.place, REDIRECTED);
        guards::connected_at(range, lines == Lines::AnyMayMatch)
    }

    fn client(&mut self, range: &str, lines: Lines) -> Result<Expr, Refusal> {
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

const NOT_PLAIN: &str = "a path template is told for paths without characters that belong escaped; where it may match \
    others, they are denied";
const PEER: &str = "realip_remote_addr";
const SERVER_NAME: &str = "ssl_server_name";
const FORWARDED: &str = "a client's address is not seen where x-forwarded-for has several: such requests are denied";
const REDIRECTED: &str = "the address that a client connected to is not seen on redirected connections: requests are \
    denied where it decides";

/// Without TLS the name is empty.
fn server_name(text: &TextMatch) -> Result<Expr, Refusal> {
    let name = text.to_expr(SERVER_NAME)?;
    Ok(if text.matches_empty() { Expr::any([Expr::present(SERVER_NAME).negate(), name]) } else { name })
}

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
