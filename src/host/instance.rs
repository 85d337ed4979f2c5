//! A running module: its start, plugin contexts, and calls of its exports.

use std::fmt;

use bytes::Bytes;
use wasmi::{Linker, Store, Val};

use crate::contexts::Contexts;
use crate::error::{Crash, HostError, LoadError};
use crate::state::{Scope, State};

/// Exports that tell which header callbacks the module has.
const FIRST_ABI: &str = "proxy_abi_version_0_1_0";
const LATER_ABIS: [&str; 2] = ["proxy_abi_version_0_2_0", "proxy_abi_version_0_2_1"];

/// An instance of a module. State lives here until it is dropped; after a trap every call returns that trap.
pub struct Instance {
    store: Store<State>,
    exports: wasmi::Instance,
    failure: Option<HostError>,
    pub(crate) contexts: Contexts,
    pub(crate) first_abi: bool,
}

impl fmt::Debug for Instance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Instance").field("failure", &self.failure).finish_non_exhaustive()
    }
}

/// A configured plugin, made by [`Instance::configure`]. APISIX makes one for each route that uses the plugin, and a
/// new one at nearly every change of its configuration.
#[derive(Debug, PartialEq, Eq)]
pub struct PluginContext {
    pub(crate) id: u32,
}

impl PluginContext {
    /// The context's number, as the module sees it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Instance {
    pub(crate) fn start(module: &wasmi::Module, linker: &Linker<State>, state: State) -> Result<Self, LoadError> {
        let mut store = Store::new(module.engine(), state);
        store.limiter(|state| &mut state.limits);
        let exports = linker
            .instantiate_and_start(&mut store, module)
            .map_err(|error| LoadError::Instantiation(error.to_string()))?;
        let has = |name| exports.get_func(&store, name).is_some();
        let first_abi = has(FIRST_ABI) && !LATER_ABIS.into_iter().any(has);
        let entry = if has("_start") { "_start" } else { "_initialize" };
        let contexts = Contexts::default();
        let mut started = Self { store, exports, failure: None, contexts, first_abi };
        started.call(entry, &[], false).map_err(LoadError::Start)?;
        Ok(started)
    }

    /// Makes a plugin context: `proxy_on_context_create(id, 0)`, then `proxy_on_configure`. `configuration` is the text
    /// of the route's `conf` (an object in its JSON form); empty is refused.
    pub fn configure(&mut self, configuration: &str) -> Result<PluginContext, HostError> {
        self.check()?;
        if configuration.is_empty() {
            return Err(HostError::Configuration("bad conf"));
        }
        let configuration = Bytes::copy_from_slice(configuration.as_bytes());
        let size = i32::try_from(configuration.len()).unwrap_or(i32::MAX);
        let id = self.contexts.reserve();
        self.enter(Scope::without_request(Bytes::new()));
        let created = self.call("proxy_on_context_create", &[id.cast_signed(), 0], false);
        self.leave();
        created?;
        self.contexts.add(id, configuration.clone());
        self.enter(Scope::without_request(configuration));
        let configured = self.call("proxy_on_configure", &[id.cast_signed(), size], true);
        self.leave();
        if configured? <= 0 {
            self.contexts.release(id);
            self.delete_plugin(id);
            self.check()?;
            return Err(HostError::Configuration("failed to run proxy_on_configure"));
        }
        Ok(PluginContext { id })
    }

    /// Gives a plugin context back, as when its route is gone: `proxy_on_done` and `proxy_on_delete`, at once or when
    /// the last request that uses it has ended.
    #[expect(clippy::needless_pass_by_value, reason = "a released context must not be used again")]
    pub fn release(&mut self, context: PluginContext) -> Result<(), HostError> {
        let PluginContext { id } = context;
        self.check()?;
        self.contexts.configuration(id).ok_or(HostError::UnknownContext(id))?;
        if self.contexts.release(id) {
            self.delete_plugin(id);
        }
        self.check()
    }

    /// Size of the linear memory in bytes. It never shrinks.
    #[must_use]
    pub fn memory_size(&self) -> usize {
        let memory = self.exports.get_memory(&self.store, "memory");
        memory.map_or(0, |memory| memory.data_size(&self.store))
    }

    pub(crate) fn delete_plugin(&mut self, id: u32) {
        self.contexts.remove(id);
        self.delete_context(id);
    }

    /// `proxy_on_done` and `proxy_on_delete`. What they answer, and whether they trap, is only logged.
    pub(crate) fn delete_context(&mut self, id: u32) {
        let done = self.call("proxy_on_done", &[id.cast_signed()], true);
        if !done.is_ok_and(|answer| answer > 0) {
            self.state().error(&format!("failed to mark context {id} as done"));
        }
        if self.call("proxy_on_delete", &[id.cast_signed()], false).is_err() {
            self.state().error(&format!("failed to delete context {id}"));
        }
    }

    pub(crate) fn state(&self) -> &State {
        self.store.data()
    }

    pub(crate) fn state_mut(&mut self) -> &mut State {
        self.store.data_mut()
    }

    pub(crate) fn enter(&mut self, scope: Scope) {
        self.state_mut().scope = Some(scope);
    }

    pub(crate) fn leave(&mut self) -> Option<Scope> {
        self.state_mut().scope.take()
    }

    /// The failure that made this instance unusable, if any.
    pub(crate) fn check(&self) -> Result<(), HostError> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    /// Makes the instance unusable.
    pub(crate) fn fail(&mut self, failure: HostError) -> HostError {
        self.state().error(&failure.to_string());
        self.failure.get_or_insert(failure).clone()
    }

    /// Calls an export with i32 arguments. One that is missing counts as having returned 0.
    pub(crate) fn call(&mut self, name: &str, arguments: &[i32], returns: bool) -> Result<i32, HostError> {
        self.check()?;
        let Some(function) = self.exports.get_func(&self.store, name) else { return Ok(0) };
        let arguments: Vec<Val> = arguments.iter().copied().map(Val::I32).collect();
        let mut result = [Val::I32(0)];
        let results = if returns { result.as_mut_slice() } else { &mut [] };
        let called = function.call(&mut self.store, &arguments, results);
        let message = match (called, result) {
            (Ok(()), [Val::I32(value)]) => return Ok(value),
            (Ok(()), _) => "function returns unexpected type".to_owned(),
            (Err(error), _) => match error.downcast_ref::<Crash>() {
                Some(crash) => return Err(self.fail(HostError::WouldCrashWorker(crash.clone()))),
                None => error.to_string(),
            },
        };
        Err(self.fail(HostError::Trapped { callback: name.to_owned(), message }))
    }
}

impl Scope {
    fn without_request(configuration: Bytes) -> Self {
        Self { configuration, body: Bytes::new(), exchange: None }
    }
}
