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

#[cfg(test)]
mod tests {
    use super::{Comparison, PartPattern, cookie, query_parameter, query_present};
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
