//! `envoy.config.route.v3.HeaderMatcher`.

use super::headers::Headers;
use super::object::{Object, Read};
use super::regex::Pattern;
use super::stop::{Known, NotModelled};
use super::text_match::{Kind, TextMatch};

/// A condition on a header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct HeaderMatch {
    pub(super) name: String,
    value: Value,
    invert: bool,
    missing_is_empty: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Value {
    /// Whether the header is there.
    Present(bool),
    /// A whole number from the first to below the second.
    Range(i64, i64),
    Text(TextMatch),
}

impl HeaderMatch {
    pub(super) fn read(matcher: &Object) -> Read<Self> {
        let name = matcher.text("name")?;
        if name.is_empty() {
            return Err(matcher.refuse("name", "value length must be at least 1 characters"));
        }
        Ok(Self {
            name: name_of(name),
            value: Value::read(matcher)?,
            invert: matcher.flag("invert_match")?,
            missing_is_empty: matcher.flag("treat_missing_header_as_empty")?,
        })
    }

    pub(super) fn read_all(owner: &Object, field: &str) -> Read<Vec<Self>> {
        owner.objects(field)?.iter().map(Self::read).collect()
    }

    /// Each line of the header is looked at by itself, one has to fit. A header that is absent does not fit, inverted
    /// or not, unless it counts as empty.
    pub(super) fn matches(&self, headers: &Headers) -> Known<bool> {
        if self.name == "x-request-id" && self.value != Value::Present(true) {
            return NotModelled::because("a condition on x-request-id, which Envoy makes up");
        }
        let mut lines: Vec<&[u8]> = headers.all(&self.name).collect();
        if let Value::Present(present) = self.value {
            let is_there = !lines.is_empty() || self.missing_is_empty;
            return Ok((is_there == present) != self.invert);
        }
        if lines.is_empty() {
            if !self.missing_is_empty {
                return Ok(false);
            }
            lines.push(&[]);
        }
        for line in lines {
            if self.value.fits(line)? {
                return Ok(!self.invert);
            }
        }
        Ok(self.invert)
    }
}

/// A configured header name as Envoy keeps it.
pub(super) fn name_of(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    if name == "host" { ":authority".into() } else { name }
}

impl Value {
    fn read(matcher: &Object) -> Read<Self> {
        if let Some(text) = matcher.object("string_match")? {
            return TextMatch::read(&text).map(Self::Text);
        }
        if let Some(range) = matcher.object("range_match")? {
            let bound = |name| Ok(range.integer_if(name)?.unwrap_or_default());
            return Ok(Self::Range(bound("start")?, bound("end")?));
        }
        if let Some(pattern) = matcher.object("safe_regex_match")? {
            return Ok(Self::Text(TextMatch::Pattern(Box::new(Pattern::read(&pattern)?))));
        }
        let deprecated: [(&str, Kind); 4] = [
            ("exact_match", TextMatch::Exact),
            ("prefix_match", TextMatch::Prefix),
            ("suffix_match", TextMatch::Suffix),
            ("contains_match", TextMatch::Contains),
        ];
        for (name, kind) in deprecated {
            if let Some(text) = matcher.text_if(name)? {
                return Ok(Self::Text(kind(text.into())));
            }
        }
        Ok(Self::Present(matcher.flag_if("present_match")?.unwrap_or(true)))
    }

    fn fits(&self, value: &[u8]) -> Known<bool> {
        match self {
            Self::Present(present) => Ok(*present),
            Self::Range(start, end) => {
                let number = std::str::from_utf8(value).ok().and_then(|text| text.trim().parse::<i64>().ok());
                Ok(number.is_some_and(|number| (*start..*end).contains(&number)))
            }
            Self::Text(text) => text.matches(value),
        }
    }
}
