//! The plugin proxy-mirror.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::Fields;
use crate::apisix::forward::Mirror;
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;

/// A configured proxy-mirror.
#[derive(Debug)]
pub(in crate::apisix) struct ProxyMirror {
    server: String,
    path: Option<String>,
    /// The path goes before the one of the request instead of replacing it.
    is_prefix: bool,
    share: f64,
}

const SERVER: &str = r"^(http(s)?|grpc(s)?):\/\/([\da-zA-Z.-]+|\[[\da-fA-F:]+\])(:\d+)?$";

impl ProxyMirror {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let matches = |text: &str, pattern| Pattern::new(pattern, false).find(text.as_bytes()).is_some();
        let server = fields.text("host")?.ok_or_else(|| fields.refuse("host", "is required"))?;
        if !matches(server, SERVER) {
            return Err(fields.refuse("host", "failed to match pattern"));
        }
        let path = fields.text("path")?;
        if path.is_some_and(|path| !matches(path, "^/[^?&]+$")) {
            return Err(fields.refuse("path", "failed to match pattern"));
        }
        Ok(Self {
            server: server.into(),
            path: path.map(Into::into),
            is_prefix: fields.choice("path_concat_mode", &["replace", "prefix"])? == Some("prefix"),
            share: fields.number("sample_ratio", 0.00001..=1.0)?.unwrap_or(1.0),
        })
    }
}

impl Plugin for ProxyMirror {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite]
    }

    /// The target is taken as it stands in this moment; later plugins do not change it any more.
    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let vars = &exchange.vars;
        let with_query = |mut path: Vec<u8>| {
            if !vars.args.is_empty() {
                path.push(b'?');
                path.extend_from_slice(&vars.args);
            }
            path
        };
        let target =
            if vars.upstream_uri.is_empty() { with_query(vars.text("uri")?) } else { vars.upstream_uri.clone() };
        let target = match &self.path {
            None => target,
            Some(path) if self.is_prefix => [path.as_bytes(), &target].concat(),
            Some(path) => with_query(path.clone().into_bytes()),
        };
        if self.server.starts_with("grpc") {
            return Err(Stop::not_modelled("a mirror of gRPC requests"));
        }
        if exchange.mirror.is_some() {
            return Err(Stop::not_modelled("two mirrors"));
        }
        exchange.mirror = Some(Mirror { share: self.share, server: self.server.clone(), target });
        Ok(Flow::Next)
    }
}
