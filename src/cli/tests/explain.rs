//! `amesh explain`, and that `amesh translate` says what the pages show.

use crate::support::{amesh, root, translate};

fn codes() -> Vec<String> {
    let list = amesh(&["explain"]).stdout;
    list.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

#[test]
fn every_code_is_explained() {
    let codes = codes();
    assert!(codes.len() > 30, "{codes:?}");
    for code in codes {
        let page = amesh(&["explain", &code.to_lowercase()]).stdout;
        assert!(page.starts_with(&format!("{code}  ")), "{page}");
        assert!(page.contains("\nExample\n\n") && page.contains("\nWhat to do\n\n"), "{page}");
        assert!(page.contains(&format!("[{code}]")) && !page.contains("```"), "{page}");
    }
}

/// The blocks of a page that begin with this fence.
fn blocks<'a>(page: &'a str, fence: &str) -> Vec<&'a str> {
    page.split(fence).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn examples_are_told_as_the_pages_show() {
    let mut tried = 0;
    for code in codes() {
        let page = std::fs::read_to_string(root().join(format!("src/translator/codes/{code}.md"))).unwrap();
        let input = blocks(&page, "```yaml\n");
        // The others are what no file of resources can hold: options, bytes, the word of APISIX, a whole response.
        if input.len() != 1 || input[0].starts_with("type_url") || page.matches("```").count() != 4 {
            continue;
        }
        let said = translate("input.yaml", input[0].as_bytes()).stderr.replace("input.yaml: ", "");
        for shown in blocks(&page, "```text\n") {
            assert!(said.contains(shown), "{code}\n{shown}\n{said}");
        }
        tried += 1;
    }
    assert!(tried > 20, "{tried}");
}
