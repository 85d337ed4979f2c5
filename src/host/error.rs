//! What can go wrong when a module is loaded or a request is handled.

use crate::http::LocalResponse;
use crate::table::ValueType;

/// Why a module was refused. APISIX logs such a module, goes on without it, and refuses routes that use it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// Truncated, malformed, or using a WebAssembly feature that wasmtime 0.38 does not accept.
    #[error("not a module that APISIX's host accepts: {0}")]
    Invalid(String),
    /// The import section asks for what the host does not define; every such import is listed.
    #[error("imports that APISIX's host does not define: {}", list(.0))]
    Imports(Vec<ImportProblem>),
    /// Nothing named `memory` of kind memory is exported.
    #[error("the module does not export its memory as \"memory\"")]
    NoMemory,
    /// Segments out of bounds, memory above the limit, or a trap in the start section.
    #[error("the module cannot be instantiated: {0}")]
    Instantiation(String),
    /// A trap in `_start` or `_initialize`, or a fatal error there.
    #[error("the module does not start: {0}")]
    Start(HostError),
}

/// One import that the host does not define.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportProblem {
    /// No such function (or it is not a function).
    #[error("{module}.{name} does not exist")]
    Unknown {
        /// Module name of the import.
        module: String,
        /// Field name of the import.
        name: String,
    },
    /// The function exists with other types.
    #[error("{module}.{name} is {found} in the module, but {} -> (I32) in the host", types(.expected))]
    Mistyped {
        /// Module name of the import.
        module: String,
        /// Field name of the import.
        name: String,
        /// Parameter types of the host's function; its result is always one i32.
        expected: &'static [ValueType],
        /// The type that the module declares.
        found: String,
    },
    /// APISIX links WASI preview 1, this host does not.
    #[error("{module}.{name}: WASI is not linked here; build for wasm32-unknown-unknown")]
    Wasi {
        /// Module name of the import.
        module: String,
        /// Field name of the import.
        name: String,
    },
}

/// Why a request got no answer from the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// A trap (or a wrongly typed export). The instance is unusable from now on: every later call returns this
    /// same error until the module is instantiated again.
    #[error("{callback} trapped: {message}")]
    Trapped {
        /// The callback that trapped first.
        callback: String,
        /// The engine's message.
        message: String,
    },
    /// A callback returned a negative number.
    #[error("{callback} failed with {code}")]
    CallbackFailed {
        /// Name of the callback.
        callback: &'static str,
        /// What it returned.
        code: i32,
    },
    /// `proxy_on_configure` returned 0, is missing, or the configuration is empty. APISIX tries again at
    /// every request of the route.
    #[error("the configuration was refused: {0}")]
    Configuration(&'static str),
    /// nginx would have died here with all its connections. The instance is unusable.
    #[error("an nginx worker would crash: {0}")]
    WouldCrashWorker(#[from] Crash),
    /// Strict mode: an HTTP call without this pseudo header takes over whatever the worker's previous call had there.
    #[error("HTTP call without {0}: the previous call's value would be used")]
    MissingPseudoHeader(&'static str),
    /// The plugin context belongs to another instance.
    #[error("no plugin context {0}")]
    UnknownContext(u32),
}

impl HostError {
    /// What the client receives: APISIX's 503. None where there is no defined answer, because the
    /// connection breaks or the behaviour depends on chance.
    #[must_use]
    pub fn response(&self) -> Option<LocalResponse> {
        match self {
            Self::WouldCrashWorker(_) | Self::MissingPseudoHeader(_) | Self::UnknownContext(_) => None,
            Self::Trapped { .. } | Self::CallbackFailed { .. } | Self::Configuration(_) => {
                Some(crate::error_page::response(503))
            }
        }
    }
}

/// What kills or blocks an nginx worker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Crash {
    /// `Action::Pause` is read as "HTTP call pending", and there is none.
    #[error("{callback} returned Pause without an HTTP call and without a local response")]
    PauseWithoutCall {
        /// Name of the callback.
        callback: &'static str,
    },
    /// A local response below 100 is not recognised, so that Pause is all that remains.
    #[error("{callback} returned Pause with a local response of status {status}, below 100")]
    StatusBelow100 {
        /// Name of the callback.
        callback: &'static str,
        /// Status of the local response.
        status: i32,
    },
    /// The host waits in a loop for this number to become something it knows.
    #[error("{callback} returned action {action}: endless loop")]
    EndlessLoop {
        /// Name of the callback.
        callback: &'static str,
        /// What it returned (2 to 99).
        action: i32,
    },
    /// An HTTP call needs a header map, be it one with no entries.
    #[error("HTTP call without a header map")]
    NoHeaderMap,
    /// The lengths in a serialised header map lead out of it.
    #[error("header map whose lengths lead out of it")]
    MalformedHeaderMap,
    /// A negative address or size passes the host's check and points before the memory.
    #[error("memory access at {address}, {size} bytes: before the start of the memory")]
    BeforeMemory {
        /// As received, signed.
        address: i32,
        /// As received, signed.
        size: i32,
    },
    /// `start + size` of a buffer request overflows 32 bits and the buffer is read beyond its end.
    #[error("buffer request from {start} for {size} bytes: the sum overflows")]
    BufferOverrun {
        /// First byte wanted.
        start: i32,
        /// Bytes wanted.
        size: i32,
    },
    /// `plugin_root_id` is read where no plugin context is active (start, done, delete).
    #[error("property plugin_root_id outside of a context")]
    NoPluginName,
    /// The header map contains `:authority`, and the request had no Host.
    #[error("request headers of a request without Host")]
    NoHostHeader,
    /// The reply of an HTTP call is freed after its callback (strict mode).
    #[error("reply of an HTTP call read after its callback")]
    StaleReply,
    /// The host's buffer for the headers of a reply is one entry too small (strict mode).
    #[error("HTTP call reply with {0} headers: overflows at 128")]
    TooManyReplyHeaders(usize),
}

impl wasmi::errors::HostError for Crash {}

fn list(problems: &[ImportProblem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("; ")
}

fn types(types: &[ValueType]) -> String {
    format!("({})", types.iter().map(|ty| format!("{ty:?}")).collect::<Vec<_>>().join(", "))
}
