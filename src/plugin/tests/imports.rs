//! What the module asks of its host (invariant: only what APISIX's host defines, with its types).

use amesh_host::{Config, HOST_FUNCTIONS, IMPORT_MODULE, Module, ValueType};
use wasmparser::{CompositeInnerType, Parser, Payload, TypeRef, ValType};

use crate::support::bench::wasm;

/// Name and parameter types of every imported function.
fn imports(wasm: &[u8]) -> Vec<(String, String, Vec<ValType>, Vec<ValType>)> {
    let (mut types, mut imports) = (Vec::new(), Vec::new());
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.expect("well-formed") {
            Payload::TypeSection(section) => {
                for ty in section.into_iter().flat_map(|group| group.expect("well-formed").into_types()) {
                    let CompositeInnerType::Func(function) = ty.composite_type.inner else { panic!("not a function") };
                    types.push(function);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.expect("well-formed");
                    let TypeRef::Func(index) = import.ty else { panic!("{} is not a function", import.name) };
                    let ty = &types[usize::try_from(index).expect("small")];
                    let (parameters, results) = (ty.params().to_vec(), ty.results().to_vec());
                    imports.push((import.module.to_owned(), import.name.to_owned(), parameters, results));
                }
            }
            _ => {}
        }
    }
    imports
}

#[test]
fn every_import_is_a_function_of_the_host() {
    let Some(wasm) = wasm() else { return };
    let imports = imports(&wasm);
    assert!(!imports.is_empty());
    for (module, name, parameters, results) in imports {
        assert_eq!(module, IMPORT_MODULE, "{name}");
        let function = HOST_FUNCTIONS.iter().find(|function| function.name == name);
        let function = function.unwrap_or_else(|| panic!("the host has no {name}"));
        let ty = |ty: &ValueType| if *ty == ValueType::I64 { ValType::I64 } else { ValType::I32 };
        assert_eq!(parameters, function.parameters.iter().map(ty).collect::<Vec<_>>(), "{name}");
        assert_eq!(results, [ValType::I32], "{name}");
        assert_ne!(name, "proxy_get_metric", "the SDK declares it otherwise than the host");
    }
}

#[test]
fn the_module_loads_in_a_host_as_strict_as_apisix() {
    let Some(wasm) = wasm() else { return };
    Module::load(&wasm, Config::default()).expect("loads").instantiate("amesh").expect("starts");
}
