//! The plugin response-rewrite.

use std::sync::LazyLock;

use base64::Engine as _;
use serde_json::Value as Json;

use crate::apisix::exchange::Exchange;
use crate::apisix::expr::Expr;
use crate::apisix::fields::Fields;
use crate::apisix::pcre::Pattern;
use crate::apisix::plugin::{Flow, Phase, Plugin};
use crate::apisix::refusal::Refusal;
use crate::apisix::stop::Stop;
use crate::apisix::substitute::Substitution;
use crate::apisix::template;

/// A configured response-rewrite.
#[derive(Debug)]
pub(in crate::apisix) struct ResponseRewrite {
    vars: Option<Expr>,
    status: Option<u16>,
    /// Taken literally.
    body: Option<Vec<u8>>,
    filters: Option<Vec<Filter>>,
    /// `None`: one line of `headers.add` cannot be used, and then all of `headers` is left out.
    headers: Option<Headers>,
}

#[derive(Debug, Default)]
struct Headers {
    add: Vec<(String, String)>,
    set: Vec<(String, String)>,
    remove: Vec<String>,
}

#[derive(Debug)]
struct Filter {
    /// `None`: the regex does not compile, for which the body is lost.
    substitution: Option<Substitution>,
    global: bool,
    options: String,
}

/// What the schema wants of a line in `headers.add`, and what the plugin makes of it.
static ADDABLE: LazyLock<Pattern> = LazyLock::new(|| Pattern::new("^[^:]+:[^:]*[^/]$", false));
static ADDED: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r"^([^:\s]+)\s*:\s*([^:]+)$", false));

impl ResponseRewrite {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked whole")]
    pub(in crate::apisix) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let vars = fields.array("vars")?.and(fields.get("vars"));
        let vars = vars.map(|vars| Expr::new(vars).map_err(|why| fields.refuse("vars", why)));
        let filters = fields.children("filters")?;
        if filters.is_some() && fields.has("body") {
            return Err(fields.refuse("filters", "value wasn't supposed to match schema"));
        }
        let filters = filters.map(|filters| filters.iter().map(Filter::read).collect::<Result<_, _>>());
        let headers = fields.child("headers")?;
        Ok(Self {
            vars: vars.transpose()?,
            status: fields.integer("status_code", 200.0..=598.0)?.map(|status| status as u16),
            body: body(fields)?,
            filters: filters.transpose()?,
            headers: headers.map_or(Ok(Some(Headers::default())), |headers| Headers::read(&headers))?,
        })
    }
}

impl Plugin for ResponseRewrite {
    fn phases(&self) -> &'static [Phase] {
        &[Phase::Response]
    }

    fn run(&self, _: Phase, exchange: &mut Exchange) -> Result<Flow, Stop> {
        let vars = &mut exchange.vars;
        if let Some(condition) = &self.vars
            && !condition.holds(vars)?
        {
            return Ok(Flow::Next);
        }
        if let Some(status) = self.status {
            vars.response.status = status;
        }
        let encoding = vars.response.headers.first("Content-Encoding").is_some();
        if self.body.is_some() || self.filters.is_some() {
            vars.response.forget_body_headers();
        }
        if let Some(body) = &self.body {
            vars.response.body.clone_from(body);
        }
        for filter in self.filters.iter().flatten() {
            if encoding {
                return Err(Stop::not_modelled("filters of response-rewrite on a compressed body"));
            }
            vars.response.body = filter.apply(&vars.response.body)?;
        }
        let Some(headers) = &self.headers else { return Ok(Flow::Next) };
        for (name, value) in &headers.add {
            let value = template::resolve(value, vars)?;
            vars.response.add(name, &value);
        }
        for (name, value) in &headers.set {
            let value = template::resolve(value, vars)?;
            vars.response.set(name, &value);
        }
        for name in &headers.remove {
            vars.response.set(name, &[]);
        }
        Ok(Flow::Next)
    }
}

fn body(fields: &Fields) -> Result<Option<Vec<u8>>, Refusal> {
    let body = fields.text("body")?;
    if !fields.flag("body_base64")?.unwrap_or(false) {
        return Ok(body.map(Into::into));
    }
    let decoded = body.filter(|body| !body.is_empty());
    let decoded = decoded.and_then(|body| base64::engine::general_purpose::STANDARD.decode(body).ok());
    decoded.map(Some).ok_or_else(|| fields.refuse("body", "invalid base64 content"))
}

impl Headers {
    /// `add`, `set` and `remove`, or a flat object of headers to set.
    fn read(fields: &Fields) -> Result<Option<Self>, Refusal> {
        if !["add", "set", "remove"].iter().any(|name| fields.get(name).is_some_and(|group| !group.is_string())) {
            return Ok(Some(Self { set: fields.scalars()?, ..Self::default() }));
        }
        let mut add = Some(Vec::new());
        for line in fields.items("add")?.unwrap_or_default() {
            if ADDABLE.find(line.as_bytes()).is_none() {
                return Err(fields.refuse("add", format!("failed to match pattern with {line:?}")));
            }
            let groups = ADDED.groups(line.as_bytes()).ok().flatten().map(|(_, groups)| groups);
            let text = |groups: &[Option<Vec<u8>>], at: usize| String::from_utf8(groups.get(at)?.clone()?).ok();
            let parts = groups.and_then(|groups| text(&groups, 1).zip(text(&groups, 2)));
            match (&mut add, parts) {
                (Some(add), Some(parts)) => add.push(parts),
                _ => add = None,
            }
        }
        let set = fields.child("set")?.map_or(Ok(Vec::new()), |set| set.scalars())?;
        let remove = fields.items("remove")?.unwrap_or_default().into_iter().map(Into::into).collect();
        Ok(add.map(|add| Self { add, set, remove }))
    }
}

impl Filter {
    fn read(fields: &Fields) -> Result<Self, Refusal> {
        let required = |name| fields.text(name)?.ok_or_else(|| fields.refuse(name, "is required"));
        let substitution = Substitution::new(required("regex")?, required("replace")?);
        Ok(Self {
            substitution: substitution.ok(),
            global: fields.choice("scope", &["once", "global"])? == Some("global"),
            options: fields.get("options").and_then(Json::as_str).unwrap_or("jo").into(),
        })
    }

    fn apply(&self, body: &[u8]) -> Result<Vec<u8>, Stop> {
        if self.options != "jo" {
            return Err(Stop::not_modelled("options of a filter of response-rewrite"));
        }
        let Some(substitution) = &self.substitution else { return Ok(Vec::new()) };
        let all = |body| if self.global { substitution.all(body) } else { substitution.once(body) };
        let changed = all(body).map_err(|_| Stop::not_modelled("a regex that gives up"))?;
        Ok(changed.map_or_else(|| body.to_vec(), |(body, _)| body))
    }
}
