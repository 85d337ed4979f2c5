//! Parts of a text: query parameters and cookies, which have no variable that says what Envoy sees.

use super::{Expr, escape_pcre};

/// A pattern for a value that ends before a separator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartPattern {
    pattern: String,
    matches_empty: bool,
}

/// How a text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Equal.
    Exact,
    /// Begins with.
    Prefix,
    /// Ends with.
    Suffix,
    /// Contains.
    Contains,
}

impl PartPattern {
    /// A value compared with `text`; values have none of `stops`.
    pub(crate) fn text(comparison: Comparison, text: &str, ignore_case: bool, stops: &str) -> Self {
        let literal = escape_pcre(text);
        let literal = match (text.contains(|c| stops.contains(c)), ignore_case) {
            (true, _) => "(?!)".to_owned(),
            (false, true) => format!("(?i:{literal})"),
            (false, false) => literal,
        };
        let pattern = match comparison {
            Comparison::Exact => literal,
            Comparison::Prefix => format!("{literal}[^{stops}]*+"),
            Comparison::Suffix => format!("[^{stops}]*{literal}"),
            Comparison::Contains => format!("[^{stops}]*?{literal}[^{stops}]*+"),
        };
        Self { pattern, matches_empty: text.is_empty() }
    }

    /// A value that is not empty.
    pub(crate) fn filled(stops: &str) -> Self {
        Self { pattern: format!("[^{stops}]++"), matches_empty: false }
    }

    /// A value that an expression matches, from [`crate::regex::to_pcre_part`] with the same separators.
    pub(crate) fn regex(pcre: &crate::regex::Pcre) -> Self {
        Self { pattern: pcre.part().to_owned(), matches_empty: pcre.matches_empty() }
    }
}

/// The query has a parameter of this name, as it is written.
pub(crate) fn query_present(name: &str) -> Expr {
    Expr::matches("args", format!(r"(?:^|&){}(?:=|&|\z)", escape_pcre(name)))
}

/// The first parameter of this name has such a value; without an equals sign its value is empty.
pub(crate) fn query_parameter(name: &str, value: &PartPattern) -> Expr {
    let name = escape_pcre(name);
    let empty = if value.matches_empty { r"|(?=&|\z)" } else { "" };
    let pattern = &value.pattern;
    Expr::matches("args", format!(r"^(?:(?!{name}(?:=|&|\z))[^&]*+&)*+{name}(?:={pattern}(?=&|\z){empty})"))
}

/// The first cookie of this name has such a value: `plain`, or `quoted` between quotes.
pub(crate) fn cookie(name: &str, plain: &PartPattern, quoted: &PartPattern) -> Expr {
    let (name, plain, quoted) = (escape_pcre(name), &plain.pattern, &quoted.pattern);
    let value = format!(r#"(?:"{quoted}"|(?!"[^;]*"(?:;|\z)){plain})"#);
    Expr::matches("http_cookie", format!(r"^(?:(?! *+{name}=)[^;]*+;)*+ *+{name}={value}(?=;|\z)"))
}

/// The element of this index is exactly `text`; without a separator the whole value is the first one.
pub(crate) fn nth_element(var: &str, separator: Option<char>, index: u32, text: &str) -> Expr {
    let Some(separator) = separator else { return Expr::equal(var, text) };
    if text.contains(separator) {
        return Expr::False;
    }
    let (stop, text) = (escape_pcre(&separator.to_string()), escape_pcre(text));
    Expr::matches(var, format!(r"^(?:[^{stop}]*+{stop}){{{index}}}{text}(?={stop}|\z)"))
}

/// The first element with this key has exactly this value; one without `between` has an empty one. Without a separator
/// the whole text is one element.
pub(crate) fn valued_element(var: &str, separator: Option<char>, (key, between): (&str, char), text: &str) -> Expr {
    let splits = |part: &str| separator.is_some_and(|separator| part.contains(separator));
    if key.contains(between) || splits(key) || splits(text) {
        return Expr::False;
    }
    // Where separator and `between` are one, no element has a value.
    let no_value = separator == Some(between);
    if no_value && !text.is_empty() {
        return Expr::False;
    }
    let (key, text) = (escape_pcre(key), escape_pcre(text));
    let between = escape_pcre(&between.to_string());
    let (skipped, end) = separator.map_or((String::new(), r"\z".to_owned()), |separator| {
        let stop = escape_pcre(&separator.to_string());
        let end = format!(r"(?:{stop}|\z)");
        (format!(r"(?:(?!{key}(?:{between}|{end}))[^{stop}]*+{stop})*+"), format!("(?={end})"))
    });
    let valued = format!("{between}{text}{end}");
    let value = match (text.is_empty(), no_value) {
        (true, true) => end,
        (true, false) => format!("(?:{valued}|{end})"),
        (false, _) => valued,
    };
    Expr::matches(var, format!("^{skipped}{key}{value}"))
}

#[cfg(test)]
mod tests {
    use super::{Comparison, PartPattern, cookie, nth_element, query_parameter, query_present, valued_element};
    use crate::regex::to_pcre_part;
    use crate::vars::Expr;

    fn holds(expr: &Expr, text: &str) -> bool {
        let json: serde_json::Value = serde_json::to_value(expr).unwrap();
        pcre2::bytes::Regex::new(json[2].as_str().unwrap()).unwrap().is_match(text.as_bytes()).unwrap()
    }

    fn exact(text: &str, stop: &str) -> PartPattern {
        PartPattern::text(Comparison::Exact, text, false, stop)
    }

    #[test]
    fn the_first_parameter_counts() {
        let is_b = query_parameter("a", &exact("b", "&"));
        for (query, expected) in [
            ("a=b", true),
            ("x=1&a=b&a=c", true),
            ("a=c&a=b", false),
            ("aa=b", false),
            ("a=bb", false),
            ("a&a=b", false),
        ] {
            assert_eq!(holds(&is_b, query), expected, "{query}");
        }
        let is_empty = query_parameter("a", &exact("", "&"));
        for (query, expected) in [("a", true), ("a=", true), ("a&b", true), ("x&a", true), ("a=b", false), ("b", false)]
        {
            assert_eq!(holds(&is_empty, query), expected, "{query}");
        }
        assert!(holds(&query_present("a.b"), "x&a.b"));
        assert!(!holds(&query_present("a.b"), "aab=1"));
    }

    #[test]
    fn a_value_ends_before_the_next_parameter() {
        let regex = PartPattern::regex(&to_pcre_part("a.*b", "&").unwrap());
        assert!(holds(&query_parameter("k", &regex), "k=axb&z"));
        assert!(!holds(&query_parameter("k", &regex), "k=a&x=b"));
        let suffix = PartPattern::text(Comparison::Suffix, "b", true, "&");
        assert!(holds(&query_parameter("k", &suffix), "k=aB"));
        assert!(!holds(&query_parameter("k", &suffix), "k=a&x=b"));
        assert!(!holds(&query_parameter("k", &exact("a&b", "&")), "k=a&b"));
    }

    #[test]
    fn elements_are_those_of_envoy() {
        let second = |text: &str| nth_element("v", Some(';'), 1, text);
        for (value, text, expected) in
            [("0;1", "1", true), ("0;", "", true), ("0", "", false), (";1;2", "1", true), ("0; 1", "1", false)]
        {
            assert_eq!(holds(&second(text), value), expected, "{value}");
        }
        assert!(second("a;b").is_false());
        let split = |text: &str| valued_element("v", Some(';'), ("k", '='), text);
        for (value, text, expected) in [
            ("k=1", "1", true),
            ("a=1;k=1", "1", true),
            ("k", "", true),
            ("k=", "", true),
            ("a;k", "", true),
            ("k=2;k=1", "1", false),
            ("k=a=b", "a=b", true),
            ("kk=1", "1", false),
            ("a=1; k=1", "1", false),
            ("k=1;k=2", "1", true),
            ("k;k=1", "1", false),
        ] {
            assert_eq!(holds(&split(text), value), expected, "{value}");
        }
        let whole = valued_element("v", None, ("k", '='), "1;j=2");
        assert!(holds(&whole, "k=1;j=2") && !holds(&whole, "a=1;k=1;j=2"));
    }

    #[test]
    fn quotes_around_a_cookie_do_not_count() {
        let is_v = cookie("k", &exact("v", ";"), &exact("v", ";\""));
        for (text, expected) in [
            ("k=v", true),
            ("a=b; k=v", true),
            ("k=\"v\"; b", true),
            ("k=v; k=w", true),
            ("k=w; k=v", false),
            ("kk=v", false),
            ("k=\"v", false),
            ("k", false),
        ] {
            assert_eq!(holds(&is_v, text), expected, "{text}");
        }
        let regex = |stops: &str| PartPattern::regex(&to_pcre_part("[a-z\"]*", stops).unwrap());
        let any = cookie("k", &regex(";"), &regex(";\""));
        assert!(holds(&any, "k=") && holds(&any, "k=\"\"") && holds(&any, "k=\"ab\"; z=1"));
        assert!(!holds(&any, "k=\"a1\""));
    }
}
