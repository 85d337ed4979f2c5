//! One page for each diagnostic code: `codes/AMxxxx.md` says what it means and shows an input that yields it.
//!
//! `docs/diagnostics/AMxxxx.md` is made from it. Title, severity and fidelity come from the code itself; the diagnostic
//! under the example is what the translator says of that example.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use amesh_translator::{Code, Fidelity, Severity};

use crate::example::{self, Block};

const TEMPLATE: &str = "\
(what is the case in Envoy's terms, and what APISIX does instead)

## Example

```yaml
(a small input that yields the code: clusters, endpoints, listeners, routes)
```

```text
```

## What to do

(what a platform engineer can change)
";

/// Longest page, in lines: who looks up a code is in a hurry.
const LINES: usize = 75;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("codes")
}

fn documents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/diagnostics")
}

/// Everything that is wrong with the page of one code. `bless` writes what is generated anew.
fn problems_of(code: Code, bless: bool) -> Result<(), String> {
    let name = code.text();
    let source = sources().join(format!("{name}.md"));
    let text = fs::read_to_string(&source).map_err(|_| missing(code))?;
    check_form(&text).map_err(|what| format!("src/translator/codes/{name}.md: {what}"))?;
    let blocks = example::blocks(&text);
    let said = example::play(&blocks, code).map_err(|what| format!("src/translator/codes/{name}.md: {what}"))?;
    if said.is_empty() {
        return Err(format!("src/translator/codes/{name}.md: the example does not yield {name}; choose another one"));
    }
    let made = with_output(&text, &blocks, &said);
    let drift = [(source, made.clone()), (documents().join(format!("{name}.md")), document(code, &made))];
    for (path, expected) in drift {
        if bless {
            fs::write(&path, expected).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != expected {
            let path = path.file_name().unwrap_or_default().display();
            return Err(format!("{path}: out of date; AMESH_BLESS=1 writes it anew. The example yields\n{said}"));
        }
    }
    Ok(())
}

fn missing(code: Code) -> String {
    format!(
        "{name} ({title}) has no page. Write src/translator/codes/{name}.md like the others in that folder, then run \
         with AMESH_BLESS=1, which fills in the ```text block and makes docs/diagnostics/{name}.md. It looks so:\n\n\
         {TEMPLATE}",
        name = code.text(),
        title = code.title(),
    )
}

fn check_form(text: &str) -> Result<(), String> {
    let begins = text.find("\n## Example\n").ok_or("there is no heading \"## Example\"")?;
    let advice = text.find("\n## What to do\n").ok_or("there is no heading \"## What to do\"")?;
    let outputs = example::blocks(text).iter().filter(|block| block.info == "text").count();
    let rules = [
        (!text.starts_with('#'), "begin with what the code means: title, severity and fidelity are added"),
        (begins < advice, "the example comes before \"## What to do\""),
        (outputs == 1, "there must be one ```text block, for the diagnostic"),
        (text.lines().count() <= LINES, "the page is too long"),
        (text.lines().all(|line| !line.contains('(') || !TEMPLATE.contains(line)), "a part of the template is left"),
    ];
    rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err(rule.to_owned()))
}

/// The page with the diagnostic that its example yields.
fn with_output(text: &str, blocks: &[Block<'_>], said: &str) -> String {
    let output = blocks.iter().find(|block| block.info == "text").expect("checked");
    [&text[..output.range.start], said, &text[output.range.end..]].concat()
}

/// The page under `docs`.
fn document(code: Code, page: &str) -> String {
    let (name, title) = (code.text(), code.title());
    format!(
        "<!-- Generated from src/translator/codes/{name}.md; AMESH_BLESS=1 cargo test writes it anew. -->\n\
         # {name}: {title}\n\n{} · {} · [all codes](../diagnostics.md)\n\n{page}",
        severity(code),
        fidelity(code),
    )
}

fn severity(code: Code) -> &'static str {
    match code.severity() {
        Severity::Error => "**error**",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

fn fidelity(code: Code) -> &'static str {
    match code.fidelity() {
        Fidelity::Exact => "exact",
        Fidelity::Approximate => "approximate",
        Fidelity::Impossible => "impossible",
    }
}

/// The table of `docs/diagnostics.md`: one row a code, by number.
pub(crate) fn index() -> String {
    let mut text = "| code | severity | fidelity | what it says |\n|---|---|---|---|\n".to_owned();
    text.extend(codes().map(|code| {
        let (name, title) = (code.text(), code.title());
        format!("| [{name}](diagnostics/{name}.md) | {} | {} | {title} |\n", severity(code), fidelity(code))
    }));
    text
}

fn codes() -> impl Iterator<Item = Code> {
    let mut codes = Code::ALL.to_vec();
    codes.sort_by_key(|code| code.text());
    codes.into_iter()
}

/// What is wrong with the pages.
pub(crate) fn problems() -> Vec<String> {
    let bless = std::env::var_os("AMESH_BLESS").is_some();
    let wrong = codes().filter_map(|code| problems_of(code, bless).err());
    wrong.chain([sources(), documents()].iter().flat_map(|folder| strays(folder))).collect()
}

/// Files in a folder of pages that are of no code.
fn strays(folder: &Path) -> Vec<String> {
    let known: BTreeSet<String> = codes().map(|code| format!("{}.md", code.text())).collect();
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_stray = |path: &PathBuf| !known.contains(&*path.file_name().unwrap_or_default().to_string_lossy());
    files.filter(is_stray).map(|path| format!("{}: there is no such code; remove it", path.display())).collect()
}
