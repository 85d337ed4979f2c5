//! How a path is written anew, by routes and by redirects.

use super::object::{Object, Read};
use super::path;
use super::path_match::PathMatch;
use super::regex::Pattern;
use super::stop::{Known, NotModelled};

/// A rewrite of the path; the query stays.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum PathRewrite {
    None,
    Prefix(String),
    Pattern(Box<RegexRewrite>),
    Template(String),
    NotModelled(String),
}

/// `envoy.type.matcher.v3.RegexMatchAndSubstitute`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RegexRewrite {
    pattern: Pattern,
    substitution: String,
}

const TEMPLATE: &str = "envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig";

impl RegexRewrite {
    pub(super) fn read(rewrite: &Object) -> Read<Self> {
        let pattern = rewrite.object("pattern")?.ok_or_else(|| rewrite.refuse("pattern", "value is required"))?;
        let substitution = rewrite.text("substitution")?.to_owned();
        Ok(Self { pattern: Pattern::read(&pattern)?, substitution })
    }

    pub(super) fn apply(&self, text: &[u8]) -> Known<Vec<u8>> {
        self.pattern.replace_all(text, &self.substitution)
    }
}

impl PathRewrite {
    /// Reads the fields of a route action or a redirect.
    pub(super) fn read(action: &Object, matched: &PathMatch) -> Read<Self> {
        let prefix = action.text("prefix_rewrite")?;
        let regex = action.object("regex_rewrite")?;
        let policy = action.object("path_rewrite_policy")?;
        let given = [!prefix.is_empty(), regex.is_some(), policy.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            return Err(action.refuse("", "Specify only one of prefix_rewrite, regex_rewrite or path_rewrite_policy"));
        }
        if let Some(regex) = regex {
            return RegexRewrite::read(&regex).map(Box::new).map(Self::Pattern);
        }
        if !prefix.is_empty() && matches!(matched, PathMatch::Template(_)) {
            return Err(action.refuse("prefix_rewrite", "Cannot use prefix_rewrite with path_match_policy"));
        }
        if !prefix.is_empty() {
            return Ok(Self::Prefix(prefix.into()));
        }
        let Some(policy) = policy else { return Ok(Self::None) };
        policy.ignore(&["name"]);
        let config = policy.object("typed_config")?;
        let config = config.ok_or_else(|| policy.refuse("typed_config", "value is required"))?;
        if config.any_type()? != TEMPLATE {
            return Ok(Self::NotModelled(policy.path_of("typed_config")));
        }
        let PathMatch::Template(template) = matched else {
            return Err(policy.refuse("", "unable to use path_rewrite_policy without a path template to match"));
        };
        let rewrite = config.text("path_template_rewrite")?;
        let names = rewrite.split('{').skip(1).map(|part| part.split('}').next().unwrap_or_default());
        if let Some(name) = names.into_iter().find(|name| !template.names().iter().any(|other| other == name)) {
            return Err(config.refuse("path_template_rewrite", format!("no part is called {name}")));
        }
        Ok(Self::Template(rewrite.into()))
    }

    /// Path and query anew; `None`: the path stays.
    pub(super) fn apply(&self, target: &[u8], matched: &PathMatch) -> Known<Option<Vec<u8>>> {
        let (path, query) = path::split(target);
        let rewritten = match self {
            Self::None => return Ok(None),
            Self::Prefix(prefix) => {
                let Some(length) = matched_length(path, matched) else { return Ok(None) };
                let rest = path.get(length..).unwrap_or_default();
                [prefix.as_bytes(), rest].concat()
            }
            Self::Pattern(regex) => regex.apply(path)?,
            Self::Template(rewrite) => match matched {
                PathMatch::Template(template) => match template.rewrite(path, rewrite) {
                    Some(path) => path,
                    None => return NotModelled::because("a path template that does not fit any more"),
                },
                _ => return Ok(None),
            },
            Self::NotModelled(what) => return NotModelled::because(what),
        };
        Ok(Some([rewritten.as_slice(), query].concat()))
    }
}

/// How much of a path the route matched: what a prefix rewrite replaces.
fn matched_length(path: &[u8], matched: &PathMatch) -> Option<usize> {
    match matched {
        PathMatch::Prefix(prefix) | PathMatch::SeparatedPrefix(prefix) => Some(prefix.text.len()),
        PathMatch::Exact(_) | PathMatch::Pattern(..) | PathMatch::Template(_) => Some(path.len()),
        PathMatch::Connect | PathMatch::NotModelled(_) => None,
    }
}
