//! Every resource of the corpus, encoded here and by the reference with all of Envoy's descriptors.

use crate::support;
use amesh_xds::json::{Problem, Secrets, Unknown, from_wire, to_wire};
use amesh_xds::schema;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

const KINDS: [&str; 7] = ["listeners", "routes", "clusters", "endpoints", "secrets", "scoped_routes", "extensions"];

fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let list =
        |folder: &Path| -> Vec<_> { std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect() };
    list(&folder.join("corpus/scenarios")).iter().flat_map(|source| list(source)).collect()
}

/// The same with the contents of types that amesh does not declare taken out.
fn declared_only(value: &Value) -> Value {
    match value {
        Value::Array(list) => list.iter().map(declared_only).collect(),
        Value::Object(object) => {
            let type_url = object.get("@type").and_then(Value::as_str);
            match type_url {
                Some(url) if schema::message(url.rsplit('/').next().unwrap()).is_none() => json!({"@type": url}),
                _ => {
                    object.iter().map(|(key, value)| (key.clone(), declared_only(value))).collect::<Map<_, _>>().into()
                }
            }
        }
        other => other.clone(),
    }
}

/// What the reference makes of the JSON; `None` where it holds types that it does not have, or is not valid.
fn reference(pool: &DescriptorPool, name: &str, resource: &Value) -> Option<DynamicMessage> {
    let mut resource = declared_only(resource);
    resource.as_object_mut()?.remove("@type");
    let options = prost_reflect::DeserializeOptions::new().deny_unknown_fields(false);
    DynamicMessage::deserialize_with_options(pool.get_message_by_name(name)?, resource, &options).ok()
}

fn shown(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new().use_proto_field_name(true);
    message.serialize_with_options(serde_json::value::Serializer, &options).unwrap()
}

#[derive(Default)]
struct Tally {
    compared: usize,
    beyond: usize,
    refused: usize,
    unknown_types: usize,
    unknown_fields: usize,
}

fn check(pool: &DescriptorPool, resource: &Value, tally: &mut Tally) {
    let name = resource["@type"].as_str().unwrap().rsplit('/').next().unwrap();
    let Some(message) = schema::message(name) else {
        tally.beyond += 1;
        return;
    };
    let mut problems = Vec::new();
    let theirs = reference(pool, name, resource);
    let ours = match to_wire(message, resource, &mut problems) {
        Ok(ours) => ours,
        Err(error) => {
            assert_eq!(theirs, None, "{error}: {resource}");
            tally.refused += 1;
            return;
        }
    };
    let types = problems.iter().filter(|Problem { unknown, .. }| matches!(unknown, Unknown::Type(_))).count();
    tally.unknown_types += types;
    tally.unknown_fields += problems.len() - types;
    let view = from_wire(message, &ours, Secrets::Show).unwrap();
    assert_eq!(to_wire(message, &view, &mut Vec::new()).unwrap(), ours, "not the same after a round trip: {view}");
    let Some(theirs) = theirs else {
        tally.beyond += 1;
        return;
    };
    let decoded = DynamicMessage::decode(pool.get_message_by_name(name).unwrap(), &*ours).unwrap();
    assert_eq!(shown(&decoded), shown(&theirs), "{name}");
    if types == 0 {
        assert_eq!(view, shown(&theirs), "{name}");
    }
    tally.compared += 1;
}

#[test]
fn the_corpus_encodes_as_the_reference_does() {
    let Some(folder) = support::shared("the_corpus_encodes_as_the_reference_does") else { return };
    let set = std::fs::read(folder.join("corpus/envoy-1.40-descriptors.pb")).unwrap();
    let pool = DescriptorPool::decode(&*set).unwrap();
    let mut tally = Tally::default();
    for path in scenarios(&folder) {
        let scenario: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for kind in KINDS {
            scenario[kind].as_array().into_iter().flatten().for_each(|resource| check(&pool, resource, &mut tally));
        }
    }
    let Tally { compared, beyond, refused, unknown_types, unknown_fields } = tally;
    println!("{compared} resources alike, {refused} refused by both, {beyond} beyond the reference or not declared");
    println!("{unknown_types} values of types that are not declared, {unknown_fields} unknown fields");
    assert!(compared > 4_000, "{compared}");
}
