//! The plugins client-control and ip-restriction.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::{FROM_ZERO, Fields};
use crate::apisix::ip::IpSet;
use crate::apisix::number::tonumber;
use crate::apisix::plugin::{Exit, Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;

/// A configured client-control: the largest body in bytes; 0 is any.
#[derive(Debug)]
pub(in crate::apisix) struct Control(Option<f64>);

impl Control {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        fields.integer("max_body_size", FROM_ZERO).map(Self)
    }
}

impl Plugin for Control {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let Some(most) = self.0.filter(|most| *most > 0.0) else { return Ok(Flow::Next) };
        let headers = &exchange.vars.headers;
        match headers.first("Content-Length").and_then(tonumber) {
            Some(length) if length > most => Ok(Flow::Exit(Exit::new(413, None))),
            None if headers.first("Transfer-Encoding").is_some() => {
                Err(Stop::not_modelled("the size of a body in chunks"))
            }
            _ => Ok(Flow::Next),
        }
    }
}

/// A configured ip-restriction.
#[derive(Debug)]
pub(in crate::apisix) struct IpRestriction {
    addresses: IpSet,
    /// Whether these are the ones let through, or the ones refused.
    allows: bool,
    message: String,
    status: u16,
}

impl IpRestriction {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let (allowed, denied) = (fields.items("whitelist")?, fields.items("blacklist")?);
        let allows = allowed.is_some();
        let list = match (allowed, denied) {
            (Some(list), None) | (None, Some(list)) if !list.is_empty() => list,
            _ => return Err(fields.refuse("", "value should match only one schema")),
        };
        Ok(Self {
            addresses: IpSet::parse(list).map_err(|why| fields.refuse("whitelist", why))?,
            allows,
            message: fields.text("message")?.unwrap_or("Your IP address is not allowed").into(),
            status: if fields.integer("response_code", 403.0..=404.0)? == Some(404.0) { 404 } else { 403 },
        })
    }
}

impl Plugin for IpRestriction {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Access]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let listed = self.addresses.contains(&exchange.vars.text("remote_addr")?);
        let refused = listed != self.allows;
        Ok(if refused { Flow::Exit(Exit::json(self.status, "message", &self.message)) } else { Flow::Next })
    }
}
