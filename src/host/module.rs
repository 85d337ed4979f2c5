//! Loading: validation with the features of wasmtime 0.38, and the import section against the host's table.

use std::fmt;
use std::sync::Arc;

use wasmi::{Engine, ExternType, FuncType, ImportType, Linker, StoreLimits, StoreLimitsBuilder};

use crate::config::Config;
use crate::error::{ImportProblem, LoadError};
use crate::instance::Instance;
use crate::state::{LocalAnswer, PseudoHeaders, State};
use crate::table::{HOST_FUNCTIONS, HostFunction, IMPORT_MODULE, linker};

/// Deepest nesting of calls and highest value stack. APISIX's engine has 512 KiB for both together, of which
/// native frames take a part that depends on the code.
const MAX_CALL_DEPTH: usize = 4096;
const MAX_STACK_BYTES: usize = 1 << 20;

/// A validated module, ready for any number of instances. Cheap to clone.
#[derive(Clone)]
pub struct Module {
    wasm: wasmi::Module,
    linker: Arc<Linker<State>>,
    config: Config,
}

impl fmt::Debug for Module {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Module").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Module {
    /// Validates a binary module. Checks imports and the exported memory before anything runs.
    pub fn load(bytes: &[u8], config: Config) -> Result<Self, LoadError> {
        let invalid = |error: wasmi::Error| LoadError::Invalid(error.to_string());
        let engine = engine();
        let wasm = wasmi::Module::new(&engine, bytes).map_err(invalid)?;
        check_imports(&wasm)?;
        if !matches!(wasm.get_export("memory"), Some(ExternType::Memory(_))) {
            return Err(LoadError::NoMemory);
        }
        let linker = Arc::new(linker(&engine).map_err(invalid)?);
        Ok(Self { wasm, linker, config })
    }

    /// Makes an instance and runs its start section, then `_start` if exported, else `_initialize`. APISIX has one
    /// instance for each plugin name and worker; `plugin_name` is the property `plugin_root_id`.
    pub fn instantiate(&self, plugin_name: &str) -> Result<Instance, LoadError> {
        let state = State {
            config: self.config.clone(),
            limits: limits(&self.config),
            plugin_name: plugin_name.to_owned(),
            scope: None,
            local: LocalAnswer::default(),
            next_token: 0,
            previous_call: PseudoHeaders::default(),
        };
        Instance::start(&self.wasm, &self.linker, state)
    }
}

fn limits(config: &Config) -> StoreLimits {
    let builder = StoreLimitsBuilder::new();
    match config.max_memory {
        Some(most) => builder.memory_size(most).build(),
        None => builder.build(),
    }
}

/// wasmtime 0.38 with its defaults: these proposals and no others.
fn engine() -> Engine {
    let mut config = wasmi::Config::default();
    config
        .wasm_mutable_global(true)
        .wasm_sign_extension(true)
        .wasm_saturating_float_to_int(true)
        .wasm_multi_value(true)
        .wasm_bulk_memory(true)
        .wasm_reference_types(true)
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .set_max_recursion_depth(MAX_CALL_DEPTH)
        .set_max_stack_height(MAX_STACK_BYTES);
    #[cfg(feature = "simd")]
    config.wasm_simd(true).wasm_relaxed_simd(false);
    Engine::new(&config)
}

fn check_imports(module: &wasmi::Module) -> Result<(), LoadError> {
    let problems: Vec<ImportProblem> = module.imports().filter_map(|import| check(&import)).collect();
    if problems.is_empty() { Ok(()) } else { Err(LoadError::Imports(problems)) }
}

fn check(import: &ImportType<'_>) -> Option<ImportProblem> {
    let module = import.module().to_owned();
    let name = import.name().to_owned();
    if module.starts_with("wasi_") {
        return Some(ImportProblem::Wasi { module, name });
    }
    let function = find(&module, &name);
    match (function, import.ty()) {
        (Some(function), ExternType::Func(ty)) if *ty == function.ty() => None,
        (Some(function), ExternType::Func(ty)) => {
            let (expected, found) = (function.parameters, describe(ty));
            Some(ImportProblem::Mistyped { module, name, expected, found })
        }
        _ => Some(ImportProblem::Unknown { module, name }),
    }
}

fn find(module: &str, name: &str) -> Option<&'static HostFunction> {
    let mut named = HOST_FUNCTIONS.iter().filter(|function| function.name == name);
    named.next().filter(|_| module == IMPORT_MODULE)
}

fn describe(ty: &FuncType) -> String {
    let list = |types: &[wasmi::ValType]| types.iter().map(|ty| format!("{ty:?}")).collect::<Vec<_>>().join(", ");
    format!("({}) -> ({})", list(ty.params()), list(ty.results()))
}
