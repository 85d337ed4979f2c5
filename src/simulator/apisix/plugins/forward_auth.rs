//! The plugin forward-auth: what it asks. What the answer will be stays open.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::Fields;
use crate::apisix::forward::Authorization;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::template;

/// A configured forward-auth.
#[derive(Debug)]
pub(in crate::apisix) struct ForwardAuth {
    uri: String,
    method: String,
    request_headers: Vec<String>,
    extra_headers: Vec<(String, String)>,
    upstream_headers: Vec<String>,
    client_headers: Vec<String>,
    status_on_error: Option<u16>,
}

impl ForwardAuth {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole")]
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let names =
            |name| Ok::<_, Refusal>(fields.items(name)?.unwrap_or_default().into_iter().map(Into::into).collect());
        let status = fields.integer("status_on_error", 200.0..=599.0)?.unwrap_or(403.0) as u16;
        let degrades = fields.flag("allow_degradation")?.unwrap_or(false);
        let extra = fields.child("extra_headers")?;
        Ok(Self {
            uri: fields.text("uri")?.ok_or_else(|| fields.refuse("uri", "is required"))?.into(),
            method: fields.choice("request_method", &["GET", "POST"])?.unwrap_or("GET").into(),
            request_headers: names("request_headers")?,
            extra_headers: extra.map_or(Ok(Vec::new()), |extra| extra.scalars())?,
            upstream_headers: names("upstream_headers")?,
            client_headers: names("client_headers")?,
            status_on_error: (!degrades).then_some(status),
        })
    }
}

impl Plugin for ForwardAuth {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Access]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let vars = &exchange.vars;
        let mut headers = vec![
            ("X-Forwarded-Proto".to_owned(), vars.scheme().into()),
            ("X-Forwarded-Method".to_owned(), vars.method.clone().into_bytes()),
            ("X-Forwarded-Host".to_owned(), vars.text("host")?),
            ("X-Forwarded-Uri".to_owned(), vars.text("request_uri")?),
            ("X-Forwarded-For".to_owned(), vars.text("remote_addr")?),
        ];
        for (name, value) in &self.extra_headers {
            headers.retain(|(other, _)| other != name);
            headers.push((name.clone(), template::resolve(value, vars)?));
        }
        for name in &self.request_headers {
            let sent = vars.headers.first(name).filter(|_| headers.iter().all(|(other, _)| other != name));
            headers.extend(sent.map(|value| (name.clone(), value.to_vec())));
        }
        if exchange.authorization.is_some() {
            return Err(Stop::not_modelled("two auth services"));
        }
        let is_decided = |name: &str| self.upstream_headers.iter().any(|other| other.eq_ignore_ascii_case(name));
        let replaced = vars.headers.0.iter().filter(|(name, _)| is_decided(name)).cloned().collect();
        exchange.authorization = Some(Authorization {
            uri: self.uri.clone(),
            method: self.method.clone(),
            headers,
            upstream_headers: self.upstream_headers.clone(),
            replaced,
            client_headers: self.client_headers.clone(),
            status_on_error: self.status_on_error,
        });
        for name in &self.upstream_headers {
            exchange.vars.set_header(name, &[])?;
        }
        exchange.vars.open_headers.extend(self.upstream_headers.iter().cloned());
        Ok(Flow::Next)
    }
}
