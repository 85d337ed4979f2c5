//! What a plugin is to the model.

use super::decision::Cause;
use super::exchange::Exchange;
use super::plugins::split::SplitTarget;
use super::stop::Stop;

/// The phases in which plugins run. All plugins run a phase before the next phase begins; those of
/// global rules come first in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Rewrite,
    Access,
    /// On the way back, for answers of the gateway too. Changes of the body belong here as well.
    Response,
}

/// A configured plugin.
pub(super) trait Plugin: std::fmt::Debug + Send + Sync {
    /// The phases in which it does something. Its `_meta.filter` is evaluated in the first of them.
    fn phases(&self) -> &'static [Phase];

    /// Does its work in one of these phases. In [`Phase::Response`] the flow always goes on.
    fn run(&self, phase: Phase, exchange: &mut Exchange) -> Result<Flow, Stop>;
}

/// How it goes on after a plugin.
#[derive(Debug, Clone)]
pub(super) enum Flow {
    Next,
    /// The plugin answers.
    Exit(Exit),
    /// Chance or turns decide; the shares add up to 1.
    Choice(Vec<Way>),
}

/// One way of a choice.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    pub(super) share: f64,
    /// Seconds that the request is held before.
    pub(super) delay: f64,
    pub(super) target: Option<SplitTarget>,
    pub(super) exit: Option<Exit>,
}

/// An answer by a plugin. Headers may have been set in the exchange too.
#[derive(Debug, Clone)]
pub(super) struct Exit {
    pub(super) status: u16,
    /// `None`: nginx's page for the status.
    pub(super) body: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) cause: Cause,
}

impl Exit {
    pub(super) fn new(status: u16, body: Option<Vec<u8>>) -> Self {
        Self { status, body, headers: Vec::new(), cause: Cause::Plugin(String::new()) }
    }

    /// With a JSON object of one member as the body.
    pub(super) fn json(status: u16, name: &str, message: &str) -> Self {
        Self::new(status, Some(json(&serde_json::json!({ name: message }))))
    }
}

/// A body as APISIX writes JSON objects.
pub(super) fn json(value: &serde_json::Value) -> Vec<u8> {
    format!("{}\n", value.to_string().replace('/', "\\/")).into_bytes()
}
