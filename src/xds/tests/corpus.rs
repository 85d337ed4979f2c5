//! Real configuration: the scan's findings against what full, reflective types say is set.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test reads files, a benchmark measures time"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod support;

use amesh_xds::coverage::{Findings, LazyFields, scan};
use amesh_xds::schema::{self, Class};
use prost::Message;
use prost_reflect::{Cardinality, DescriptorPool, DynamicMessage, ReflectMessage, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;

type Counts = BTreeMap<String, u64>;

/// Counts the set fields that have to be reported, by reflection.
fn expected(message: &DynamicMessage, counts: &mut Counts) {
    let name = message.descriptor().full_name().to_owned();
    let table = schema::message(&name).unwrap();
    for (field, value) in message.fields() {
        let class = table.field(field.number()).unwrap().class();
        let values = children(value);
        if !matches!(class, Class::Translated | Class::NoEffect) {
            let occurrences = match field.cardinality() {
                Cardinality::Repeated if !field.is_packed() => occurrences(value),
                _ => 1,
            };
            *counts.entry(format!("{name}.{}", field.name())).or_default() += occurrences;
        }
        if class.is_read() {
            values.into_iter().filter(|below| !is_well_known(below)).for_each(|below| expected(below, counts));
        }
    }
}

fn is_well_known(message: &DynamicMessage) -> bool {
    message.descriptor().full_name().starts_with("google.protobuf.")
}

fn occurrences(value: &Value) -> u64 {
    match value {
        Value::List(list) => list.len() as u64,
        Value::Map(map) => map.len() as u64,
        _ => 1,
    }
}

fn children(value: &Value) -> Vec<&DynamicMessage> {
    match value {
        Value::Message(message) => vec![message],
        Value::List(list) => list.iter().filter_map(Value::as_message).collect(),
        Value::Map(map) => map.values().filter_map(Value::as_message).collect(),
        _ => Vec::new(),
    }
}

/// `None` where the reference cannot read the resource: it stops at the first type that is not declared.
fn encode(pool: &DescriptorPool, resource: &Json) -> Option<DynamicMessage> {
    let mut resource = resource.clone();
    let name = resource.as_object_mut()?.remove("@type")?;
    let descriptor = pool.get_message_by_name(name.as_str()?.rsplit('/').next()?)?;
    DynamicMessage::deserialize(descriptor, resource).ok()
}

fn check(message: &DynamicMessage) -> Counts {
    let bytes = message.encode_to_vec();
    let mut findings = Findings::default();
    let table = schema::message(message.descriptor().full_name()).unwrap();
    scan(table, &bytes, LazyFields::Enter, &mut findings).unwrap();
    let name = |field: Option<&schema::Field>| field.unwrap().name;
    findings
        .iter()
        .map(|finding| (format!("{}.{}", finding.message.full_name, name(finding.field)), finding.count))
        .collect()
}

fn scenarios(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let list = |folder: &std::path::Path| -> Vec<_> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    list(&folder.join("corpus/scenarios")).iter().flat_map(|source| list(source)).collect()
}

#[test]
fn findings_are_those_of_reflection() {
    let Some(folder) = support::shared("findings_are_those_of_reflection") else { return };
    let pool = support::pool();
    let (mut compared, mut unreadable) = (0, 0);
    let mut total = Counts::new();
    for path in scenarios(&folder) {
        let scenario: Json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for kind in ["listeners", "routes", "clusters", "endpoints"] {
            for resource in scenario[kind].as_array().into_iter().flatten() {
                let Some(message) = encode(&pool, resource) else {
                    unreadable += 1;
                    continue;
                };
                let mut counts = Counts::new();
                expected(&message, &mut counts);
                assert_eq!(check(&message), counts, "{}", path.display());
                compared += 1;
                for (field, count) in counts {
                    *total.entry(field).or_default() += count;
                }
            }
        }
    }
    for (field, count) in &total {
        println!("{count:6} {field}");
    }
    println!("{compared} resources compared, {unreadable} beyond the reference");
    assert!(compared > 2_000);
}
