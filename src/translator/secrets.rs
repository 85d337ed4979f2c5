//! What is shown of APISIX resources to people: everything but secrets.

use serde_json::Value;

use crate::apisix::SECRETS;

const HIDDEN: &str = "(secret)";

/// A resource without its secrets: private keys, and where its label `secrets` says that its conditions have some, all
/// that they compare with. `null` for what is no JSON.
#[must_use]
pub fn shown(json: &str) -> Value {
    let mut resource: Value = serde_json::from_str(json).unwrap_or_default();
    hide_keys(&mut resource);
    if resource.pointer("/labels/secrets").is_some()
        && let Some(conditions) = resource.get_mut(SECRETS)
    {
        hide_conditions(conditions);
    }
    resource
}

/// The translator's resources are a few levels deep, whatever the control plane sends.
fn hide_keys(value: &mut Value) {
    match value {
        Value::String(text) if text.contains("PRIVATE KEY") => HIDDEN.clone_into(text),
        Value::Array(values) => values.iter_mut().for_each(hide_keys),
        Value::Object(values) => values.values_mut().for_each(hide_keys),
        _ => {}
    }
}

/// `[variable, operator, value]`, or conditions in a list, behind a word or none.
fn hide_conditions(value: &mut Value) {
    let Value::Array(items) = value else { return *value = HIDDEN.into() };
    if items.get(1).is_some_and(Value::is_string) {
        items.pop();
        items.push(HIDDEN.into());
        return;
    }
    let has_word = items.first().is_some_and(Value::is_string);
    items.iter_mut().skip(usize::from(has_word)).for_each(hide_conditions);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn what_conditions_compare_with_is_hidden() {
        let vars = json!([
            ["http_x_key", "in", ["k1", "=="]],
            ["OR", ["args", "!", "~~", "k2"], ["AND", ["uri", "==", "/"], ["http_cookie", "~~", "k3"]]],
        ]);
        let route = json!({ "id": "r", "labels": { "secrets": "vars" }, "vars": vars });
        let hidden = json!([
            ["http_x_key", "in", "(secret)"],
            [
                "OR",
                ["args", "!", "~~", "(secret)"],
                ["AND", ["uri", "==", "(secret)"], ["http_cookie", "~~", "(secret)"]]
            ],
        ]);
        assert_eq!(shown(&route.to_string())["vars"], hidden);
        let open = json!({ "id": "r", "labels": {}, "vars": vars });
        assert_eq!(shown(&open.to_string()), open);
    }
}
