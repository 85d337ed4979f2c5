//! How a route says which paths it is for.

use super::object::{Object, Read};
use super::regex::Pattern;
use super::stop::{Known, NotModelled};
use super::template::Template;

/// The path specifier of a route.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PathMatch {
    Prefix(Text),
    Exact(Text),
    SeparatedPrefix(Text),
    Pattern(Box<Pattern>, String),
    Template(Box<Template>),
    /// Only CONNECT, which is answered before.
    Connect,
    NotModelled(String),
}

/// A text and whether its case counts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    pub(super) text: String,
    ignore_case: bool,
}

impl Text {
    /// Whether a text begins with this one.
    fn begins(&self, text: &[u8]) -> bool {
        text.get(..self.text.len()).is_some_and(|begin| self.is(begin))
    }

    fn is(&self, text: &[u8]) -> bool {
        let own = self.text.as_bytes();
        text == own || self.ignore_case && text.eq_ignore_ascii_case(own)
    }
}

type Kind = fn(Text) -> PathMatch;

const TEMPLATE: &str = "envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig";

impl PathMatch {
    pub(super) fn read(matcher: &Object) -> Read<Self> {
        let ignore_case = !matcher.flag_if("case_sensitive")?.unwrap_or(true);
        let kinds: [(&str, Kind); 3] =
            [("prefix", Self::Prefix), ("path", Self::Exact), ("path_separated_prefix", Self::SeparatedPrefix)];
        for (name, kind) in kinds {
            let Some(text) = matcher.text_if(name)? else { continue };
            if name == "path_separated_prefix" && (text.contains(['?', '#']) || text.ends_with('/') || text.len() < 2) {
                return Err(matcher.refuse(name, "value does not match regex pattern \"^[^?#]+[^?#/]$\""));
            }
            return Ok(kind(Text { text: text.into(), ignore_case }));
        }
        if let Some(regex) = matcher.object("safe_regex")? {
            return Ok(Self::Pattern(Box::new(Pattern::read(&regex)?), regex.text("regex")?.into()));
        }
        if matcher.has("connect_matcher") {
            return Ok(Self::Connect);
        }
        match matcher.object("path_match_policy")? {
            Some(policy) => Self::policy(&policy),
            None => Err(matcher.refuse("", "path_specifier: is required")),
        }
    }

    /// `path_match_policy`, or `uri_template` of a permission.
    pub(super) fn policy(policy: &Object) -> Read<Self> {
        policy.ignore(&["name"]);
        let config = policy.object("typed_config")?;
        let config = config.ok_or_else(|| policy.refuse("typed_config", "value is required"))?;
        if config.any_type()? != TEMPLATE {
            return Ok(Self::NotModelled(policy.path_of("typed_config")));
        }
        let template = config.text("path_template")?;
        let template = Template::read(template).map_err(|why| config.refuse("path_template", why))?;
        Ok(Self::Template(Box::new(template)))
    }

    pub(super) fn is_template(&self) -> bool {
        matches!(self, Self::Template(_))
    }

    /// Whether a path without its query fits.
    pub(super) fn matches(&self, path: &[u8]) -> Known<bool> {
        Ok(match self {
            Self::Prefix(prefix) => prefix.begins(path),
            Self::Exact(exact) => exact.is(path),
            Self::SeparatedPrefix(prefix) => {
                prefix.begins(path) && matches!(path.get(prefix.text.len()), None | Some(b'/'))
            }
            Self::Pattern(pattern, _) => pattern.matches(path)?,
            Self::Template(template) => template.matches(path)?,
            Self::Connect => false,
            Self::NotModelled(what) => return NotModelled::because(what),
        })
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Prefix(prefix) => format!("prefix {}", prefix.text),
            Self::Exact(exact) => format!("path {}", exact.text),
            Self::SeparatedPrefix(prefix) => format!("path_separated_prefix {}", prefix.text),
            Self::Pattern(_, source) => format!("safe_regex {source}"),
            Self::Template(template) => format!("path_template {}", template.source()),
            Self::Connect => "connect_matcher".into(),
            Self::NotModelled(what) => what.clone(),
        }
    }
}
