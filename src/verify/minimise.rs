//! Makes a counter-example small: what it does without is not its cause.

use amesh_simulator::Request;
use serde_json::Value;

/// The smallest request, of those that simple cuts lead to, for which `fails` still holds; it holds for `request`.
pub(crate) fn minimise(request: &Request, fails: impl Fn(&Request) -> bool) -> Request {
    let mut smallest = request.clone();
    loop {
        match cuts(&smallest).into_iter().find(|smaller| fails(smaller)) {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

/// The smallest configuration, of those that leaving out fields and items leads to, for which `fails` still holds; it
/// holds for `configuration`.
pub fn minimise_configuration(configuration: &Value, fails: impl Fn(&Value) -> bool) -> Value {
    let mut smallest = configuration.clone();
    loop {
        let before = smallest.clone();
        let mut index = 0;
        while let Some(pointer) = pointers(&smallest).get(index) {
            let mut smaller = smallest.clone();
            remove(&mut smaller, pointer);
            if fails(&smaller) { smallest = smaller } else { index = index.saturating_add(1) }
        }
        if smallest == before {
            return smallest;
        }
    }
}

/// The way to a field or item: keys, and places as texts.
type Pointer = Vec<String>;

/// All fields and items, outer ones first; types are no fields.
fn pointers(value: &Value) -> Vec<Pointer> {
    let mut pointers = Vec::new();
    let mut left = vec![(Pointer::new(), value)];
    while let Some((pointer, value)) = left.pop() {
        let inner: Vec<(String, &Value)> = match value {
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect(),
            Value::Object(fields) => fields.iter().map(|(key, field)| (key.clone(), field)).collect(),
            _ => Vec::new(),
        };
        for (step, value) in inner.into_iter().filter(|(step, _)| step != "@type") {
            let pointer: Pointer = pointer.iter().cloned().chain([step]).collect();
            pointers.push(pointer.clone());
            left.insert(0, (pointer, value));
        }
    }
    pointers
}

fn remove(value: &mut Value, pointer: &[String]) {
    match (value, pointer) {
        (Value::Object(fields), [key]) => drop(fields.remove(key)),
        (Value::Array(items), [place]) => {
            if let Some(place) = place.parse().ok().filter(|place| *place < items.len()) {
                items.remove(place);
            }
        }
        (Value::Object(fields), [key, rest @ ..]) => fields.get_mut(key).into_iter().for_each(|it| remove(it, rest)),
        (Value::Array(items), [place, rest @ ..]) => {
            let item = place.parse::<usize>().ok().and_then(|place| items.get_mut(place));
            if let Some(item) = item {
                remove(item, rest);
            }
        }
        _ => {}
    }
}

/// Requests with one thing less.
fn cuts(request: &Request) -> Vec<Request> {
    let mut cuts = Vec::new();
    for index in 0..request.headers.len() {
        let mut smaller = request.clone();
        let (name, _) = smaller.headers.remove(index);
        if !name.eq_ignore_ascii_case("host") {
            cuts.push(smaller);
        }
    }
    if request.method != "GET" {
        cuts.push(Request { method: "GET".into(), ..request.clone() });
    }
    let mut parts = request.target.splitn(2, |byte| *byte == b'?');
    let (path, query) = (parts.next().unwrap_or_default(), parts.next());
    if query.is_some() {
        cuts.push(Request { target: path.to_vec(), ..request.clone() });
    } else if path.len() > 1
        && let Some((_, shorter)) = path.split_last()
    {
        cuts.push(Request { target: shorter.to_vec(), ..request.clone() });
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_and_items_that_are_not_needed_go() {
        let configuration = json!({"a": [{"b": 1, "c": [1, 2]}, {"d": 2}], "@type": "x"});
        let small = minimise_configuration(&configuration, |it| it.pointer("/a/0/c/0").is_some());
        assert_eq!(small, json!({"a": [{"c": [2]}], "@type": "x"}));
    }

    #[test]
    fn what_is_not_needed_goes() {
        let request = Request::get("a", "/abc?x=1").with_method("PUT").with_header("x-a", "1").with_header("x-b", "2");
        let small =
            minimise(&request, |it| it.headers.iter().any(|(name, _)| name == "x-b") && it.target.starts_with(b"/a"));
        assert_eq!(small, Request::get("a", "/a").with_header("x-b", "2"));
    }
}
