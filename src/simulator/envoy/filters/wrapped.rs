//! `envoy.extensions.common.matching.v3.ExtensionWithMatcher`: a filter that some requests pass by.

use super::{Filter, Kind, Passage, Verdict};
use crate::envoy::change::Changes;
use crate::envoy::exchange::Exchange;
use crate::envoy::object::{Object, Read};
use crate::envoy::stop::Known;
use crate::envoy::tree::Tree;

/// A filter and its match tree; without one all requests pass it by.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wrapped {
    tree: Option<Tree<()>>,
    inner: Kind,
}

const WRAPPED: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const PER_ROUTE: &str = "envoy.extensions.common.matching.v3.ExtensionWithMatcherPerRoute";
const SKIP: &str = "envoy.extensions.filters.common.matcher.action.v3.SkipFilter";

/// What trees do in `envoy.extensions.filters.http.composite.v3.Composite`.
const CHOOSE: &str = "envoy.extensions.filters.http.composite.v3.ExecuteFilterAction";

/// `None`: a filter of another name.
pub(super) fn read(name: &str, config: &Object) -> Read<Option<Kind>> {
    if name != WRAPPED && name != PER_ROUTE {
        return Ok(None);
    }
    if config.json().to_string().contains(CHOOSE) {
        config.ignore_all();
        return Ok(Some(Kind::NotModelled("filters that a tree chooses".into())));
    }
    let tree = config.object("xds_matcher")?.map(|tree| Tree::read(&tree, &skip)).transpose()?;
    if name == PER_ROUTE {
        return Ok(Some(Kind::PassedBy(Box::new(tree.unwrap_or(Tree::EMPTY)))));
    }
    let extension =
        config.object("extension_config")?.ok_or_else(|| config.refuse("extension_config", "is required"))?;
    extension.ignore(&["name"]);
    let inner = extension.object("typed_config")?;
    let inner = match inner.map(|inner| Kind::read(&inner)).transpose()? {
        Some(Kind::Mutation(_) | Kind::Compressor(_)) | None => {
            Kind::NotModelled("a filter of this kind in a tree".into())
        }
        Some(inner) => inner,
    };
    Ok(Some(Kind::Wrapped(Box::new(Wrapped { tree, inner }))))
}

fn skip(action: &Object) -> Read<()> {
    if action.any_type()? == SKIP {
        return Ok(());
    }
    Err(action.refuse("", "Didn't find a registered implementation"))
}

impl Wrapped {
    /// Only the most specific level counts: it says something about the tree, or about the filter.
    pub(super) fn act(
        &self,
        (at, filter): (usize, &Filter),
        passage: &Passage,
        kinds: &[&Kind],
        exchange: &mut Exchange,
        responses: &mut Vec<Changes>,
    ) -> Known<Verdict> {
        let (own, kinds) = match kinds.first() {
            Some(Kind::PassedBy(tree)) => (Some(&**tree), &[] as &[&Kind]),
            _ => (self.tree.as_ref(), kinds),
        };
        if own.map_or(Ok(true), |tree| tree.find(exchange).map(|found| found.is_some()))? {
            return Ok(Verdict::Continue);
        }
        let inner = Filter { name: filter.name.clone(), kind: self.inner.clone(), disabled: false };
        inner.act(at, passage, kinds, exchange, responses)
    }
}
