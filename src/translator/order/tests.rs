use std::collections::BTreeMap;

use proptest::prelude::*;

use super::place::place_at_keys;
use super::{Entry, Key, PathMatch, PathOptions, Placed, path_keys, place};
use crate::vars::{Expr, eval};

/// lua-resty-radixtree: an exact table, then prefixes from the longest to the shortest; inside one list by priority,
/// then by the length of the configured uri.
#[derive(Default)]
struct Radix {
    exact: BTreeMap<String, Vec<Registered>>,
    prefixes: BTreeMap<String, Vec<Registered>>,
}

struct Registered {
    uri: String,
    priority: u32,
    route: usize,
}

impl Radix {
    fn insert(&mut self, uri: &str, priority: u32, route: usize) {
        let list = match uri.find('*') {
            Some(star) => self.prefixes.entry(uri[..star].to_owned()).or_default(),
            None => self.exact.entry(uri.to_owned()).or_default(),
        };
        list.push(Registered { uri: uri.to_owned(), priority, route });
        list.sort_by_key(|entry| std::cmp::Reverse((entry.priority, entry.uri.len())));
    }

    fn find(&self, path: &str, accepts: &dyn Fn(usize) -> bool) -> Option<usize> {
        let exact = self.exact.get(path).into_iter().flatten().find(|entry| accepts(entry.route));
        let mut lists = (0..=path.len()).rev().filter_map(|end| self.prefixes.get(path.get(..end)?));
        let prefix = || lists.find_map(|list| list.iter().find(|e| accepts(e.route) && pattern_accepts(&e.uri, path)));
        exact.or_else(prefix).map(|entry| entry.route)
    }
}

/// The router's own check of a uri with a star: segments that begin with `:` or `*` make a pattern of all its text.
fn pattern_accepts(uri: &str, path: &str) -> bool {
    let mut names = 0;
    let segment = |text: &str| match text.as_bytes().first() {
        Some(b':') => (names += 1, r"([^\/]+)".to_owned()).1,
        Some(b'*') => (names += 1, r"((.|\n)*)".to_owned()).1,
        _ => text.to_owned(),
    };
    let pattern = uri.split('/').map(segment).collect::<Vec<_>>().join(r"\/");
    names == 0 || {
        let regex = pcre2::bytes::Regex::new(&pattern);
        regex.is_ok_and(|r| r.find(path.as_bytes()).is_ok_and(|m| m.is_some_and(|m| m.as_bytes() == path.as_bytes())))
    }
}

#[derive(Clone, Debug)]
struct Route {
    matcher: PathMatch,
    options: PathOptions,
    /// Requests of these classes satisfy the other conditions.
    classes: u8,
}

const ALL: u8 = 0b111;

fn envoy(route: &Route, path: &str) -> bool {
    let segments = path.split('/').map(|segment| segment.split(';').next().unwrap());
    let bare = segments.collect::<Vec<_>>().join("/");
    let path = if route.options.ignore_parameters { &bare } else { path };
    let (lower, same) = (path.to_ascii_lowercase(), path.to_owned());
    let fold = |text: &str| if route.options.ignore_case { text.to_ascii_lowercase() } else { text.to_owned() };
    let path = if route.options.ignore_case { lower } else { same };
    match &route.matcher {
        PathMatch::Prefix(text) => path.starts_with(&fold(text)),
        PathMatch::Exact(text) => path == fold(text),
        PathMatch::SeparatedPrefix(text) => path == fold(text) || path.starts_with(&format!("{}/", fold(text))),
        PathMatch::Regex(_) | PathMatch::Template(_) => unreachable!("not generated"),
    }
}

fn uri_holds(expr: &Expr, path: &str) -> bool {
    eval::holds(expr, &|name| (name == "uri").then(|| path.as_bytes().to_vec()))
}

fn translate(routes: &[Route], budget: usize) -> (Vec<Placed>, Vec<Expr>) {
    let (keys, conditions): (Vec<_>, Vec<_>) = routes.iter().map(|r| path_keys(&r.matcher, r.options)).unzip();
    let entry = |(keys, (route, condition)): (Vec<Key>, (&Route, &Expr))| Entry {
        keys,
        total: route.classes == ALL && condition.is_true(),
        slots: u32::from(route.classes),
    };
    let entries: Vec<Entry> = keys.into_iter().zip(routes.iter().zip(&conditions)).map(entry).collect();
    let placed = place(&entries, budget);
    let conditions = placed.iter().zip(conditions).map(|(p, c)| p.condition.clone().and(c)).collect();
    (placed, conditions)
}

fn check(routes: &[Route], budget: usize, paths: &[String]) -> Result<(), TestCaseError> {
    let (placed, conditions) = translate(routes, budget);
    let mut radix = Radix::default();
    for (route, placed) in placed.iter().enumerate() {
        for uri in &placed.uris {
            radix.insert(uri, placed.priority, route);
        }
    }
    for path in paths {
        for class in 0..3 {
            let wanted = routes.iter().position(|route| route.classes & 1 << class != 0 && envoy(route, path));
            let accepts = |route: usize| routes[route].classes & 1 << class != 0 && uri_holds(&conditions[route], path);
            prop_assert_eq!(radix.find(path, &accepts), wanted, "{} {:?}", path, placed);
        }
    }
    Ok(())
}

const SEGMENTS: [&str; 14] = ["a", "b", "ab", "A", "c++", ":id", "x*y", "(1)", "$m", "{n}", "é", "a;v", ".x", "a:b"];

fn path() -> impl Strategy<Value = String> {
    let segments = prop::collection::vec(prop::sample::select(SEGMENTS.to_vec()), 0..4);
    (segments, any::<bool>()).prop_map(|(segments, slash)| {
        let joined = format!("/{}", segments.join("/"));
        if slash && joined.len() > 1 { format!("{joined}/") } else { joined }
    })
}

fn route() -> impl Strategy<Value = Route> {
    let classes = prop_oneof![Just(ALL), 1..ALL];
    let flags = (prop::bool::weighted(0.15), prop::bool::weighted(0.15));
    (path(), 0..3u8, flags, classes).prop_map(|(text, kind, (ignore_case, ignore_parameters), classes)| {
        let trimmed = || text.trim_end_matches('/').to_owned();
        let matcher = match kind {
            0 => PathMatch::Exact(text),
            1 if text.len() > 1 => PathMatch::SeparatedPrefix(trimmed()),
            _ => PathMatch::Prefix(text),
        };
        Route { matcher, options: PathOptions { ignore_case, ignore_parameters }, classes }
    })
}

/// Paths near those of the routes, besides random ones.
fn paths(routes: &[Route], random: Vec<String>) -> Vec<String> {
    let texts = routes.iter().map(|route| match &route.matcher {
        PathMatch::Prefix(text) | PathMatch::Exact(text) | PathMatch::SeparatedPrefix(text) => text.clone(),
        PathMatch::Regex(_) | PathMatch::Template(_) => unreachable!("not generated"),
    });
    let near = |text: String| ["", "x", "/", "/x", ";v"].map(|tail| format!("{text}{tail}"));
    let inside =
        |text: String| ["/", "/B"].map(|slash| text.replace(slash, &format!(";v{slash}")).replacen(";v", "", 1));
    let near = texts.flat_map(near).flat_map(|text| [text.clone()].into_iter().chain(inside(text)));
    near.chain(random).chain(["/".into(), "/B".into()]).collect()
}

proptest! {
    #[test]
    fn the_first_route_that_matches_is_found(routes in prop::collection::vec(route(), 1..9), random in prop::collection::vec(path(), 8)) {
        let paths = paths(&routes, random);
        for budget in [usize::MAX, 3, 0] {
            check(&routes, budget, &paths)?;
        }
    }
}

fn entry(keys: Vec<Key>, total: bool) -> Entry {
    Entry { keys, total, slots: 1 }
}

proptest! {
    #[test]
    fn routes_at_one_key_are_placed_as_at_any(
        totals in prop::collection::vec((any::<bool>(), 0_u32..4), 0..6),
        text in "/[a-c*:]{0,3}",
        is_exact in any::<bool>(),
    ) {
        let key = Key::exact(&text).filter(|_| is_exact).unwrap_or_else(|| prefix(&text));
        let entry = |(total, slots)| Entry { keys: vec![key.clone()], total, slots };
        let entries: Vec<Entry> = totals.into_iter().map(entry).collect();
        for budget in [0, 10] {
            prop_assert_eq!(place(&entries, budget), place_at_keys(&entries, budget));
        }
    }
}

fn prefix(text: &str) -> Key {
    Key::prefix(text)
}

#[test]
fn a_broad_route_with_a_condition_goes_before_later_specific_ones() {
    let placed = place(&[entry(vec![prefix("/")], false), entry(vec![prefix("/api")], true)], 10);
    assert_eq!(placed[0].uris, ["/*", "/api*"]);
    assert_eq!(placed[1].uris, ["/api*"]);
    assert_eq!((placed[0].priority, placed[1].priority), (2, 1));
}

#[test]
fn nothing_is_added_when_specific_routes_come_first() {
    let mut entries: Vec<Entry> = (0..5000).map(|i| entry(vec![prefix(&format!("/{:04}", 4999 - i))], false)).collect();
    entries.push(entry(vec![prefix("/")], false));
    assert!(place(&entries, 0).iter().all(|placed| placed.uris.len() == 1 && placed.condition.is_true()));
}

#[test]
fn unreachable_routes_are_told() {
    let entries = [
        entry(vec![prefix("/a")], true),
        entry(vec![Key::exact("/a/b").unwrap()], false),
        entry(vec![Key::exact("/a").unwrap(), prefix("/c")], false),
        entry(vec![], false),
    ];
    let placed = place(&entries, 10);
    assert_eq!((placed[1].uris.len(), placed[1].shadowed_by), (0, Some(0)));
    assert_eq!((placed[2].uris.as_slice(), placed[2].shadowed_by), (["/c*".to_owned()].as_slice(), None));
    assert_eq!((placed[3].uris.len(), placed[3].shadowed_by), (0, None));
}

#[test]
fn past_the_budget_routes_meet_at_shorter_keys() {
    let mut entries: Vec<Entry> = (0..20).map(|_| entry(vec![prefix("/")], false)).collect();
    entries.extend((0..10_000).map(|i| entry(vec![Key::exact(&format!("/service/{i:05}")).unwrap()], false)));
    let written = |budget| place(&entries, budget).iter().map(|placed| placed.uris.len()).sum::<usize>();
    assert_eq!(written(1_000_000), 10_020 + 200_000);
    assert!(written(20_000) <= 10_020 + 20_000);
    assert!(written(20_000) > 10_020 + 10_000, "the cut is deeper than it has to be");
    assert_eq!(written(0), 10_020);
}

#[test]
fn keys_are_cut_where_the_router_would_read_a_pattern() {
    let cases = [
        ("/foo", "/foo*", true),
        ("/foo/", "/foo/*", true),
        ("/a.b/", "/a.b/*", true),
        ("/c++", "/c++*", true),
        ("/c++/", "/c++*", false),
        ("/$metadata/x", "/$metadata/x*", true),
        ("/:id/foo", "/*", false),
        ("/x(1)/:id", "/x(1)*", false),
        ("/v1/x:batch", "/v1/x:batch*", true),
        ("/a*b", "/a*", false),
        ("/a/*", "/a/*", false),
        ("/(", "/(*", true),
        ("/(/", "/(*", false),
    ];
    for (text, uri, complete) in cases {
        let (keys, condition) = path_keys(&PathMatch::Prefix(text.into()), PathOptions::default());
        assert_eq!(keys.iter().map(Key::to_uri).collect::<Vec<_>>(), [uri], "{text}");
        assert_eq!(condition.is_true(), complete, "{text}");
    }
}
