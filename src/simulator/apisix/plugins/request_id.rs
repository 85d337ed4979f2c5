//! The plugin request-id.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::Fields;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;

/// A configured request-id.
#[derive(Debug)]
pub(in crate::apisix) struct RequestId {
    header: String,
    in_response: bool,
}

impl RequestId {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        fields.choice("algorithm", &["uuid", "nanoid", "range_id", "ksuid", "uuidv7"])?;
        Ok(Self {
            header: fields.text("header_name")?.unwrap_or("X-Request-Id").into(),
            in_response: fields.flag("include_in_response")?.unwrap_or(true),
        })
    }
}

impl Plugin for RequestId {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite, Phase::Response]
    }

    fn run(&self, phase: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        if phase == Phase::Rewrite {
            let given = exchange.vars.headers.first(&self.header).filter(|id| !id.is_empty());
            let given = given.ok_or_else(|| Stop::not_modelled("a random id by request-id"))?;
            exchange.request_id = Some(given.to_vec());
            return Ok(Flow::Next);
        }
        let response = &mut exchange.vars.response;
        let absent = response.headers.first(&self.header).is_none_or(<[u8]>::is_empty);
        if let Some(id) = exchange.request_id.as_ref().filter(|_| self.in_response && absent) {
            response.set(&self.header, id);
        }
        Ok(Flow::Next)
    }
}
