//! Settings of the host: limits, strictness, log.

use std::fmt;
use std::sync::Arc;

/// nginx's severities, as far as the host uses them. Greater is more severe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// proxy-wasm trace and debug.
    Debug,
    /// proxy-wasm info.
    Info,
    /// proxy-wasm warn. The level of APISIX's default configuration.
    Warn,
    /// proxy-wasm error, unknown levels, and the host's own complaints.
    Error,
    /// proxy-wasm critical.
    Emerg,
}

/// Receives the log lines that pass [`Config::log_level`].
pub type Log = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// Settings of a [`Module`](crate::Module) and its instances.
#[derive(Clone)]
pub struct Config {
    /// Lines below this level are dropped. Default [`LogLevel::Warn`], as in APISIX.
    pub log_level: LogLevel,
    /// Where log lines go. The default drops them.
    pub log: Log,
    /// Report behaviour that depends on what the worker did before, or on freed memory, as an error:
    /// an HTTP call that leaves out `:method`, `:scheme` or `:path`, a reply read after its callback, a
    /// reply with more headers than the host's buffer holds. Default true. When false such calls
    /// do what APISIX usually does.
    pub strict: bool,
    /// Most bytes of linear memory. Default none, as in APISIX; the host itself reaches the first
    /// 2 GiB only.
    pub max_memory: Option<usize>,
}

impl Default for Config {
    fn default() -> Self {
        Self { log_level: LogLevel::Warn, log: Arc::new(|_, _| {}), strict: true, max_memory: None }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("log_level", &self.log_level)
            .field("strict", &self.strict)
            .field("max_memory", &self.max_memory)
            .finish_non_exhaustive()
    }
}
