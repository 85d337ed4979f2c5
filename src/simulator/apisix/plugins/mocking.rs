//! The plugin mocking.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::{FROM_ZERO, Fields};
use crate::apisix::plugin::{Exit, Flow, Phase, Plugin, Way};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::template;

/// A configured mocking.
#[derive(Debug)]
pub(in crate::apisix) struct Mocking {
    /// `None`: a schema, from which values are drawn at random.
    example: Option<String>,
    status: u16,
    content_type: String,
    headers: Vec<(String, String)>,
    /// Whether the answer says that it is mocked.
    signed: bool,
    delay: f64,
}

const TYPES: [&str; 5] = ["application/xml", "application/json", "text/plain", "text/html", "text/xml"];

impl Mocking {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole")]
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let example = fields.text("response_example")?;
        if example.is_none() && !fields.has("response_schema") {
            return Err(fields.refuse("response_example", "object matches none of the required"));
        }
        let content_type = fields.text("content_type")?.unwrap_or("application/json;charset=utf8");
        let media_type = content_type.rsplit_once(';').map_or(content_type, |(media_type, _)| media_type);
        if !TYPES.contains(&media_type) {
            return Err(fields.refuse("content_type", "unsupported content type!"));
        }
        let headers = fields.child("response_headers")?;
        Ok(Self {
            example: example.map(Into::into),
            status: fields.integer("response_status", 100.0..=f64::from(u16::MAX))?.unwrap_or(200.0) as u16,
            content_type: content_type.into(),
            headers: headers.map_or(Ok(Vec::new()), |headers| headers.scalars())?,
            signed: fields.flag("with_mock_header")?.unwrap_or(true),
            delay: fields.integer("delay", FROM_ZERO)?.unwrap_or_default(),
        })
    }
}

impl Plugin for Mocking {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Access]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let vars = &mut exchange.vars;
        let example = self.example.as_ref().ok_or_else(|| Stop::not_modelled("response_schema of mocking"))?;
        vars.response.set("Content-Type", self.content_type.as_bytes());
        if self.signed {
            vars.response.set("x-mock-by", b"APISIX/3.18.0");
        }
        for (name, value) in &self.headers {
            let value = template::resolve(value, vars)?;
            vars.response.headers.add(name, &value);
        }
        let exit = Exit::new(self.status, Some(template::resolve(example, vars)?));
        Ok(Flow::Choice(vec![Way { share: 1.0, delay: self.delay, exit: Some(exit), ..Way::default() }]))
    }
}
