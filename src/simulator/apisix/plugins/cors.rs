//! The plugin cors.

use crate::apisix::exchange::Exchange;
use crate::apisix::fields::{Fields, scalar};
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Exit, Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;

/// A configured cors.
#[derive(Debug)]
pub(in crate::apisix) struct Cors {
    origins: Origins,
    timing: Option<Origins>,
    /// Origins that another object lists are not modelled.
    metadata: bool,
    /// Whether answers differ by origin, as APISIX sees it.
    vary: bool,
    methods: String,
    headers: String,
    exposed: String,
    max_age: String,
    credentials: bool,
}

#[derive(Debug)]
enum Origins {
    /// `*`, `**`, `null`, one origin, or several with commas.
    List(String),
    Regex(Pattern),
}

const ORIGINS: &str = r"^(\*|\*\*|null|\w+://[^,]+(,\w+://[^,]+)*)$";
const ALL_METHODS: &str = "GET,POST,PUT,DELETE,PATCH,HEAD,OPTIONS,CONNECT,TRACE";

impl Cors {
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let list = origins(fields, "allow_origins")?.unwrap_or("*");
        let timing_list = origins(fields, "timing_allow_origins")?;
        let text = |name| Ok::<_, Refusal>(fields.text(name)?.map(str::to_owned));
        let methods = text("allow_methods")?.unwrap_or_else(|| "*".into());
        let headers = text("allow_headers")?.unwrap_or_else(|| "*".into());
        let exposed = text("expose_headers")?.unwrap_or_default();
        let credentials = fields.flag("allow_credential")?.unwrap_or(false);
        let open = [list, &methods, &headers, &exposed, timing_list.unwrap_or_default()].contains(&"*");
        if credentials && open {
            let message = "you can not set '*' for other option when 'allow_credential' is true";
            return Err(fields.refuse("allow_credential", message));
        }
        fields.integer("max_age", f64::MIN..=f64::MAX)?;
        Ok(Self {
            origins: regex(fields, "allow_origins_by_regex")?.unwrap_or(Origins::List(list.into())),
            timing: regex(fields, "timing_allow_origins_by_regex")?
                .or(timing_list.map(|list| Origins::List(list.into()))),
            metadata: fields.has("allow_origins_by_metadata"),
            vary: list != "*",
            methods: if methods == "**" { ALL_METHODS.into() } else { methods },
            headers,
            exposed,
            max_age: fields.get("max_age").and_then(scalar).unwrap_or_else(|| "5".into()),
            credentials,
        })
    }

    fn set_headers(&self, origin: &[u8], exchange: &mut Exchange) {
        let requested = exchange.vars.headers.first("Access-Control-Request-Headers").unwrap_or_default().to_vec();
        let response = &mut exchange.vars.response;
        response.set("Access-Control-Allow-Origin", origin);
        response.set("Access-Control-Allow-Methods", self.methods.as_bytes());
        response.set("Access-Control-Max-Age", self.max_age.as_bytes());
        if !self.exposed.is_empty() {
            response.set("Access-Control-Expose-Headers", self.exposed.as_bytes());
        }
        let headers = if self.headers == "**" { &requested } else { self.headers.as_bytes() };
        response.set("Access-Control-Allow-Headers", headers);
        if self.credentials {
            response.set("Access-Control-Allow-Credentials", b"true");
        }
    }
}

impl Plugin for Cors {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Rewrite, Phase::Response]
    }

    fn run(&self, phase: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        if phase == Phase::Rewrite {
            exchange.origin = exchange.vars.headers.first("Origin").map(<[u8]>::to_vec);
            let preflight = exchange.vars.text("request_method")? == b"OPTIONS";
            return Ok(if preflight { Flow::Exit(Exit::new(200, None)) } else { Flow::Next });
        }
        if self.metadata {
            return Err(Stop::not_modelled("allow_origins_by_metadata of cors"));
        }
        let origin = exchange.origin.clone();
        if self.vary {
            exchange.vars.response.headers.add("Vary", b"Origin");
        }
        if let Some(allowed) = self.origins.allowed(origin.as_deref()) {
            self.set_headers(&allowed, exchange);
        }
        let timing = self.timing.as_ref().and_then(|timing| timing.allowed(origin.as_deref()));
        if let Some(timing) = timing {
            exchange.vars.response.set("Timing-Allow-Origin", &timing);
        }
        Ok(Flow::Next)
    }
}

impl Origins {
    /// What goes into the response: the origin of the request, or a star.
    fn allowed(&self, origin: Option<&[u8]>) -> Option<Vec<u8>> {
        let allowed = match self {
            Self::List(list) if list == "**" => Some(origin.unwrap_or(b"*").to_vec()),
            Self::List(list) if list.contains(',') => {
                list.split(',').map(str::as_bytes).find(|&one| origin == Some(one)).map(<[u8]>::to_vec)
            }
            Self::List(list) => Some(list.clone().into_bytes()),
            Self::Regex(pattern) => origin.filter(|origin| pattern.find(origin).is_some()).map(<[u8]>::to_vec),
        };
        allowed.filter(|allowed| origin == Some(allowed) || allowed == b"*")
    }
}

fn origins<'d>(fields: &Fields<'d>, name: &str) -> Result<Option<&'d str>, Refusal> {
    let list = fields.text(name)?;
    if list.is_some_and(|list| Pattern::new(ORIGINS, false).find(list.as_bytes()).is_none()) {
        return Err(fields.refuse(name, "failed to match pattern"));
    }
    Ok(list)
}

/// A list of patterns, of which APISIX makes one; each must compile alone.
fn regex(fields: &Fields, name: &str) -> Result<Option<Origins>, Refusal> {
    let Some(patterns) = fields.texts(name)? else { return Ok(None) };
    let bad = patterns.iter().find(|pattern| pattern.is_empty() || Pattern::new(**pattern, false).check().is_err());
    if bad.is_some() || patterns.is_empty() {
        return Err(fields.refuse(name, "a pattern that does not compile"));
    }
    Ok(Some(Origins::Regex(Pattern::new(patterns.join("|"), false))))
}
