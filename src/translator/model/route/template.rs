//! Path templates: `envoy.extensions.path.match.uri_template.v3` and `envoy.extensions.path.rewrite.uri_template.v3`.
//!
//! A template is one regular expression over the whole path, with a group for each variable. Envoy holds the path as it
//! came against it, APISIX the decoded one, in which a part may be any text. Both say the same about a [`plain_path`]. Templates of forms that this reader does not know for sure are denied,
//! never guessed.

use amesh_xds::wire::envoy::config::core::v3::TypedExtensionConfig;
use amesh_xds::wire::envoy::extensions::path::r#match::uri_template::v3::UriTemplateMatchConfig;
use amesh_xds::wire::envoy::extensions::path::rewrite::uri_template::v3::UriTemplateRewriteConfig;
use prost::Message as _;

use crate::diagnostic::Code;
use crate::model::findings::{Denied, Extension, extension};
use crate::regex::{Pcre, RegexError, to_pcre};
use crate::report::{Place, Report};
use crate::vars::Expr;

/// A template: text, `*` for one segment, `**` for any rest, `{name}` and `{name=text/*}` for parts with a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    /// The expression for paths as they came, without anchors; empty where it cannot be told.
    raw: String,
    /// The one for decoded paths.
    decoded: String,
    /// Of its groups, in order.
    names: Vec<String>,
}

/// Why Envoy would refuse a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// Not the message it should be.
    #[error("{0}")]
    Decode(#[from] amesh_xds::coverage::WireError),
    /// Not the message it should be, in a way only the full decoder sees.
    #[error("{0}")]
    Text(#[from] prost::DecodeError),
    /// A length that Envoy does not take.
    #[error("the template has {0} characters; it must have 1 to 256")]
    Length(usize),
    /// Characters that Envoy does not take, or no slash at the beginning.
    #[error("the template must begin with a slash and hold printable ASCII only")]
    Characters,
    /// A segment that is no text, or none at all.
    #[error("the template has a segment that Envoy does not take")]
    Segment,
    /// A suffix before the end.
    #[error("the template has text behind an operator before its last segment")]
    Suffix,
    /// A variable without an end, a good name or a pattern.
    #[error("the template has a variable that is not {{name}} or {{name=pattern}}, with names of 1 to 16 characters")]
    Variable,
    /// A name twice.
    #[error("the template has two variables of one name")]
    Repeated,
    /// Too many variables.
    #[error("the template has more than 5 variables")]
    TooMany,
    /// Something variable behind `**`.
    #[error("the template has an operator behind **")]
    AfterRest,
    /// A rewrite to something that no path can be.
    #[error("the rewrite must begin with a slash, have no two slashes together, and name variables as {{name}}")]
    Rewrite,
    /// A rewrite with a variable that there is not.
    #[error("the rewrite names a variable that path_match_policy does not have")]
    NoSuchVariable,
}

/// Why there is no template.
pub(super) enum Lack {
    Error(TemplateError),
    /// It is one that Envoy may take, and that is not read here.
    Untold,
}

impl From<TemplateError> for Lack {
    fn from(error: TemplateError) -> Self {
        Self::Error(error)
    }
}

/// What a segment of a path may consist of, as the inside of a class.
const CHARACTERS: &str = r"a-zA-Z0-9._~%!$&'()+,;:@=*-";
/// The path as it came consists of what templates match. Others match where Envoy normalises paths, which escapes some of
/// the other characters, and do not match where it does not.
pub(crate) fn plain_path() -> Expr {
    Expr::matches("real_request_uri", format!(r"^[/{CHARACTERS}]*+(?:\?|\z)"))
}

const VARIABLES_MAX: usize = 5;
const NAME_MAX: usize = 16;
const LENGTH_MAX: usize = 256;
const UNTOLD: &str = "the template has text beside an operator in one segment, which is not translated";

/// `path_match_policy`, or `uri_template` of a permission: the template and its pattern; no pattern where it cannot be
/// told, which denies.
pub(crate) fn matcher(
    config: &TypedExtensionConfig,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<(Template, Option<Pcre>), TemplateError> {
    let untold = (Template::default(), None);
    let any = config.typed_config.clone().unwrap_or_default();
    let Extension::Read(_, bytes, Denied(false)) = extension("path_match", &any, place, report)? else {
        return Ok(untold);
    };
    let config = UriTemplateMatchConfig::decode(bytes.clone())?;
    let template = match Template::parse(&config.path_template) {
        Ok(template) => template,
        Err(Lack::Error(error)) => return Err(error),
        Err(Lack::Untold) => {
            report.add(Code::FieldDenied, place, UNTOLD);
            return Ok(untold);
        }
    };
    match to_pcre(&template.decoded) {
        Ok(pattern) => Ok((template, Some(pattern))),
        Err(RegexError::Syntax(_)) => Err(TemplateError::Segment),
        Err(error) => {
            report.add(Code::RegexRefused, place, error.to_string());
            Ok(untold)
        }
    }
}

/// `path_rewrite_policy`: a pattern and a substitution; `None` where it cannot be told, which denies.
pub(super) fn rewrite(
    config: &TypedExtensionConfig,
    template: &Template,
    place: &Place<'_>,
    report: &mut Report,
) -> Result<Option<(String, String)>, TemplateError> {
    let any = config.typed_config.clone().unwrap_or_default();
    let Extension::Read(_, bytes, Denied(false)) = extension("path_rewrite", &any, place, report)? else {
        return Ok(None);
    };
    let config = UriTemplateRewriteConfig::decode(bytes.clone())?;
    if template.raw.is_empty() {
        return Ok(None);
    }
    let substitution = template.substitution(&config.path_template_rewrite)?;
    Ok(Some((format!("^{}$", template.raw), substitution)))
}

impl Template {
    fn parse(text: &str) -> Result<Self, Lack> {
        long(text)?;
        let mut rest = text.strip_prefix('/').ok_or(TemplateError::Characters)?;
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TemplateError::Characters.into());
        }
        let mut reader = Reader::default();
        while !rest.is_empty() {
            let after = reader.segment(rest)?;
            match after.strip_prefix('/') {
                Some("") => reader.push("/"),
                Some(more) => {
                    reader.push("/");
                    rest = more;
                    continue;
                }
                None if after.is_empty() => {}
                None => reader.suffix(after)?,
            }
            break;
        }
        Ok(Self { raw: format!("/{}", reader.raw), decoded: format!("/{}", reader.decoded), names: reader.names })
    }

    /// `/x/{b}/{a}` as `/x/\2/\1`.
    fn substitution(&self, rewrite: &str) -> Result<String, TemplateError> {
        long(rewrite)?;
        if !rewrite.starts_with('/') || rewrite.contains("//") {
            return Err(TemplateError::Rewrite);
        }
        let mut substitution = String::new();
        let mut rest = rewrite;
        while let Some((text, after)) = rest.split_once('{') {
            substitution.push_str(written(text)?);
            let (name, after) = after.split_once('}').ok_or(TemplateError::Rewrite)?;
            let group = self.names.iter().position(|other| other == name).ok_or(TemplateError::NoSuchVariable)?;
            substitution.push('\\');
            substitution.push_str(&group.saturating_add(1).to_string());
            rest = after;
        }
        substitution.push_str(written(rest)?);
        Ok(substitution)
    }
}

fn long(text: &str) -> Result<(), TemplateError> {
    if (1..=LENGTH_MAX).contains(&text.len()) { Ok(()) } else { Err(TemplateError::Length(text.chars().count())) }
}

/// A text of a rewrite.
fn written(text: &str) -> Result<&str, TemplateError> {
    if text.bytes().all(|byte| byte == b'/' || is_path_byte(byte)) { Ok(text) } else { Err(TemplateError::Rewrite) }
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._~%!$&'()+,;:@=*-".contains(&byte)
}

#[derive(Default)]
struct Reader {
    raw: String,
    decoded: String,
    names: Vec<String>,
    /// `**` has been read.
    ended: bool,
}

impl Reader {
    fn push(&mut self, text: &str) {
        self.raw.push_str(text);
        self.decoded.push_str(text);
    }

    /// Reads one segment and gives back what is behind it.
    fn segment<'t>(&mut self, text: &'t str) -> Result<&'t str, Lack> {
        if text.starts_with('*') {
            return Ok(self.operator(text)?);
        }
        let Some(inner) = text.strip_prefix('{') else {
            let (literal, rest) = text.split_at_checked(text.find('/').unwrap_or(text.len())).unwrap_or((text, ""));
            self.literal(literal)?;
            return Ok(rest);
        };
        let (variable, rest) = inner.split_once('}').ok_or(TemplateError::Variable)?;
        self.variable(variable)?;
        Ok(rest)
    }

    fn operator<'t>(&mut self, text: &'t str) -> Result<&'t str, TemplateError> {
        if std::mem::replace(&mut self.ended, text.starts_with("**")) {
            return Err(TemplateError::AfterRest);
        }
        let (rest, raw, decoded) = match text.strip_prefix("**") {
            Some(rest) => (rest, format!("[/{CHARACTERS}]*"), "(?s:.*)"),
            None => (text.strip_prefix('*').unwrap_or(text), format!("[{CHARACTERS}]+"), "[^/]+"),
        };
        self.raw.push_str(&raw);
        self.decoded.push_str(decoded);
        Ok(rest)
    }

    fn literal(&mut self, text: &str) -> Result<(), Lack> {
        if text.contains(['*', '{', '}']) {
            return Err(Lack::Untold);
        }
        if text.is_empty() || !text.bytes().all(is_path_byte) {
            return Err(TemplateError::Segment.into());
        }
        for c in text.chars() {
            if "$().+".contains(c) {
                self.push("\\");
            }
            self.push(c.encode_utf8(&mut [0; 4]));
        }
        Ok(())
    }

    /// What stands behind the operator or the variable of the last segment.
    fn suffix(&mut self, text: &str) -> Result<(), Lack> {
        match text.split_once('/') {
            Some(_) if text.contains(['*', '{', '}']) => Err(Lack::Untold),
            Some(_) => Err(TemplateError::Suffix.into()),
            None => self.literal(text),
        }
    }

    fn variable(&mut self, text: &str) -> Result<(), Lack> {
        let (name, pattern) = text.split_once('=').unwrap_or((text, "*"));
        self.name(name)?;
        self.push("(");
        let mut rest = pattern;
        loop {
            let is_operator = rest.starts_with('*');
            if !is_operator && rest.starts_with('{') {
                return Err(Lack::Untold);
            }
            if rest.is_empty() {
                return Err(TemplateError::Variable.into());
            }
            let after = self.segment(rest)?;
            match after.strip_prefix('/') {
                Some(more) => rest = more,
                None if after.is_empty() => break,
                None => return Err(TemplateError::Variable.into()),
            }
            self.push("/");
        }
        self.push(")");
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<(), TemplateError> {
        let is_good = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && name.len() <= NAME_MAX;
        if !is_good {
            return Err(TemplateError::Variable);
        }
        if self.names.iter().any(|other| other == name) {
            return Err(TemplateError::Repeated);
        }
        if self.names.len() == VARIABLES_MAX {
            return Err(TemplateError::TooMany);
        }
        self.names.push(name.to_owned());
        Ok(())
    }
}
