//! What host functions can see while a callback runs: nginx's and the module's per-worker globals.

use bytes::Bytes;
use wasmi::StoreLimits;

use crate::config::{Config, LogLevel};
use crate::exchange::Exchange;

/// The store's data.
pub(crate) struct State {
    pub(crate) config: Config,
    pub(crate) limits: StoreLimits,
    pub(crate) plugin_name: String,
    /// None while `_start`, `_initialize`, `proxy_on_done` and `proxy_on_delete` run.
    pub(crate) scope: Option<Scope>,
    pub(crate) local: LocalAnswer,
    /// Token of the next HTTP call; counts up from 0 for the life of the worker.
    pub(crate) next_token: u32,
    pub(crate) previous_call: PseudoHeaders,
}

/// What one callback may reach.
pub(crate) struct Scope {
    /// Configuration of the plugin context.
    pub(crate) configuration: Bytes,
    /// The body that is being processed; empty outside of body callbacks.
    pub(crate) body: Bytes,
    /// None while a plugin context is created and configured.
    pub(crate) exchange: Option<Box<Exchange>>,
}

/// The last local response asked for. Kept per worker, not per request: only the code is reset.
#[derive(Default)]
pub(crate) struct LocalAnswer {
    pub(crate) code: i32,
    pub(crate) body: Bytes,
}

/// Pseudo headers of an HTTP call, as far as given.
#[derive(Default)]
pub(crate) struct PseudoHeaders {
    pub(crate) method: Option<String>,
    pub(crate) scheme: Option<String>,
    pub(crate) path: Option<String>,
}

impl State {
    pub(crate) fn log(&self, level: LogLevel, message: &str) {
        if level >= self.config.log_level {
            (self.config.log)(level, message);
        }
    }

    pub(crate) fn error(&self, message: &str) {
        self.log(LogLevel::Error, message);
    }
}
