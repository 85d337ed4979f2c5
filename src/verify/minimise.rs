//! Makes a counter-example small: what it does without is not its cause.

use amesh_simulator::Request;

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

    #[test]
    fn what_is_not_needed_goes() {
        let request = Request::get("a", "/abc?x=1").with_method("PUT").with_header("x-a", "1").with_header("x-b", "2");
        let small =
            minimise(&request, |it| it.headers.iter().any(|(name, _)| name == "x-b") && it.target.starts_with(b"/a"));
        assert_eq!(small, Request::get("a", "/a").with_header("x-b", "2"));
    }
}
