//! Match trees, `xds.type.matcher.v3.Matcher`.

use std::collections::BTreeMap;

use super::exchange::Exchange;
use super::header_match::name_of;
use super::object::{Object, Read};
use super::stop::{Known, NotModelled};
use super::text_match::TextMatch;

/// A tree with actions at its leaves.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tree<A> {
    branches: Branches<A>,
    otherwise: Option<Box<Branch<A>>>,
}

#[derive(Debug, Clone, PartialEq)]
enum Branches<A> {
    None,
    List(Vec<(Predicate, Branch<A>)>),
    /// Whole texts.
    Exact(Input, BTreeMap<String, Branch<A>>),
    /// Beginnings of texts, of which longer ones come first.
    Prefix(Input, BTreeMap<String, Branch<A>>),
    NotModelled(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Branch<A> {
    Tree(Tree<A>),
    Leaf(A),
}

#[derive(Debug, Clone, PartialEq)]
enum Predicate {
    Single(Input, TextMatch),
    Or(Vec<Predicate>),
    And(Vec<Predicate>),
    Not(Box<Predicate>),
    NotModelled(String),
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq)]
enum Input {
    Header(String),
    Destination,
    Port,
    Client,
    Peer,
    ServerName,
    NotModelled(String),
}

/// Reads the action of a leaf.
type Leaf<'l, A> = &'l dyn Fn(&Object) -> Read<A>;

impl<A> Tree<A> {
    /// Leads nowhere.
    pub(super) const EMPTY: Self = Self { branches: Branches::None, otherwise: None };

    pub(super) fn read(tree: &Object, leaf: Leaf<'_, A>) -> Read<Self> {
        let otherwise = tree.object("on_no_match")?.map(|branch| Branch::read(&branch, leaf)).transpose()?;
        Ok(Self { branches: Branches::read(tree, leaf)?, otherwise: otherwise.map(Box::new) })
    }

    /// The action for a request. A branch without one falls back to what stands behind it.
    pub(super) fn find(&self, exchange: &Exchange) -> Known<Option<&A>> {
        if let Some(found) = self.branches.find(exchange)? {
            return Ok(Some(found));
        }
        self.otherwise.as_ref().map_or(Ok(None), |branch| branch.find(exchange))
    }
}

impl<A> Branch<A> {
    fn read(branch: &Object, leaf: Leaf<'_, A>) -> Read<Self> {
        if branch.flag("keep_matching")? {
            return Err(branch.refuse("keep_matching", "keep_matching is not supported in this context"));
        }
        if let Some(tree) = branch.object("matcher")? {
            return Tree::read(&tree, leaf).map(Self::Tree);
        }
        let Some(action) = branch.object("action")? else {
            return Err(branch.refuse("on_match", "is required"));
        };
        action.ignore(&["name"]);
        let config = action.object("typed_config")?.ok_or_else(|| action.refuse("typed_config", "is required"))?;
        leaf(&config).map(Self::Leaf)
    }

    fn find(&self, exchange: &Exchange) -> Known<Option<&A>> {
        match self {
            Self::Tree(tree) => tree.find(exchange),
            Self::Leaf(action) => Ok(Some(action)),
        }
    }
}

impl<A> Branches<A> {
    fn read(tree: &Object, leaf: Leaf<'_, A>) -> Read<Self> {
        if let Some(list) = tree.object("matcher_list")? {
            let one = |field: &Object| {
                let required = |name| field.object(name)?.ok_or_else(|| field.refuse(name, "is required"));
                Ok((Predicate::read(&required("predicate")?)?, Branch::read(&required("on_match")?, leaf)?))
            };
            return list.objects("matchers")?.iter().map(one).collect::<Read<_>>().map(Self::List);
        }
        let Some(map) = tree.object("matcher_tree")? else { return Ok(Self::None) };
        let input = Input::read(&map)?;
        for (name, kind) in [
            ("exact_match_map", Self::Exact as fn(Input, BTreeMap<String, Branch<A>>) -> Self),
            ("prefix_match_map", Self::Prefix),
        ] {
            let Some(map) = map.object(name)? else { continue };
            let one = |(key, branch): &(&str, Object)| Ok(((*key).to_owned(), Branch::read(branch, leaf)?));
            return Ok(kind(input, map.map("map")?.iter().map(one).collect::<Read<_>>()?));
        }
        Ok(Self::NotModelled(map.path_of("custom_match")))
    }

    fn find(&self, exchange: &Exchange) -> Known<Option<&A>> {
        match self {
            Self::None => Ok(None),
            Self::NotModelled(what) => NotModelled::because(what),
            Self::List(list) => {
                for (predicate, branch) in list {
                    if predicate.holds(exchange)?
                        && let Some(found) = branch.find(exchange)?
                    {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
            Self::Exact(input, map) => {
                let Some(value) = input.value(exchange)? else { return Ok(None) };
                let branch = map.iter().find(|(key, _)| key.as_bytes() == value);
                branch.map_or(Ok(None), |(_, branch)| branch.find(exchange))
            }
            Self::Prefix(input, map) => {
                let Some(value) = input.value(exchange)? else { return Ok(None) };
                for (_, branch) in map.iter().rev().filter(|(key, _)| value.starts_with(key.as_bytes())) {
                    if let Some(found) = branch.find(exchange)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
        }
    }
}

impl Predicate {
    fn read(predicate: &Object) -> Read<Self> {
        for (name, kind) in [("or_matcher", Self::Or as fn(Vec<Self>) -> Self), ("and_matcher", Self::And)] {
            if let Some(list) = predicate.object(name)? {
                return list.objects("predicate")?.iter().map(Self::read).collect::<Read<_>>().map(kind);
            }
        }
        if let Some(inner) = predicate.object("not_matcher")? {
            return Ok(Self::Not(Box::new(Self::read(&inner)?)));
        }
        let Some(single) = predicate.object("single_predicate")? else {
            return Err(predicate.refuse("match_type", "is required"));
        };
        let input = Input::read(&single)?;
        match single.object("value_match")? {
            Some(text) => Ok(Self::Single(input, TextMatch::read(&text)?)),
            None => Ok(Self::NotModelled(single.path_of("custom_match"))),
        }
    }

    fn holds(&self, exchange: &Exchange) -> Known<bool> {
        match self {
            Self::NotModelled(what) => NotModelled::because(what),
            Self::Single(input, text) => input.value(exchange)?.map_or(Ok(false), |value| text.matches(&value)),
            Self::Not(inner) => Ok(!inner.holds(exchange)?),
            Self::Or(parts) => Self::first(parts, exchange, true),
            Self::And(parts) => Self::first(parts, exchange, false).map(|fails| !fails),
        }
    }

    /// Whether one of the parts is so.
    fn first(parts: &[Self], exchange: &Exchange, so: bool) -> Known<bool> {
        for part in parts {
            if part.holds(exchange)? == so {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

const NETWORK: &str = "envoy.extensions.matching.common_inputs.network.v3.";

impl Input {
    fn read(owner: &Object) -> Read<Self> {
        let input = owner.object("input")?.ok_or_else(|| owner.refuse("input", "value is required"))?;
        input.ignore(&["name"]);
        let config = input.object("typed_config")?.ok_or_else(|| input.refuse("typed_config", "value is required"))?;
        let name = config.any_type()?;
        if name == "envoy.type.matcher.v3.HttpRequestHeaderMatchInput" {
            return Ok(Self::Header(name_of(config.text("header_name")?)));
        }
        Ok(match name.strip_prefix(NETWORK).unwrap_or_default() {
            "DestinationIPInput" => Self::Destination,
            "DestinationPortInput" => Self::Port,
            "SourceIPInput" => Self::Client,
            "DirectSourceIPInput" => Self::Peer,
            "ServerNameInput" => Self::ServerName,
            _ => {
                config.ignore_all();
                Self::NotModelled(format!("the input {name}"))
            }
        })
    }

    /// What is compared; `None` where it is not there, which no text equals.
    fn value(&self, exchange: &Exchange) -> Known<Option<Vec<u8>>> {
        let connection = &exchange.connection;
        let text = |text: String| Ok(Some(text.into_bytes()));
        match self {
            Self::NotModelled(what) => NotModelled::because(what),
            Self::Header(name) if name == "x-request-id" => {
                NotModelled::because("a condition on x-request-id, which Envoy makes up")
            }
            Self::Header(name) => {
                let lines: Vec<&[u8]> = exchange.headers.all(name).collect();
                Ok((!lines.is_empty()).then(|| lines.join(&b',')))
            }
            Self::Destination => text(connection.local.to_string()),
            Self::Port => text(connection.port.to_string()),
            Self::Client if exchange.headers.has("x-forwarded-for") => {
                NotModelled::because("the client's address behind proxies")
            }
            Self::Client | Self::Peer => text(connection.peer.to_string()),
            Self::ServerName => Ok(connection.sni.clone().map(String::into_bytes)),
        }
    }
}
