//! The support table of README.md and the page `docs/support.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use amesh_xds::schema::{Class, Extension, Field, Message};

use crate::areas::{AREAS, Area, area_of};
use crate::highlights::highlights;
use crate::items::{Fate, class_of, extensions, fate, is_planned, messages};

type Counts = BTreeMap<Fate, usize>;

fn messages_of(area: &Area) -> impl Iterator<Item = &'static Message> {
    messages().filter(move |message| area_of(message) == Some(area.name))
}

fn classes(area: &Area) -> impl Iterator<Item = Class> {
    let fields = messages_of(area).flat_map(|message| message.fields).map(Field::class);
    fields.chain(area.kinds.iter().flat_map(|kind| extensions(kind)).map(Extension::class))
}

fn counts(areas: &[Area]) -> Counts {
    let mut counts = Counts::new();
    areas.iter().flat_map(classes).filter_map(fate).for_each(|fate| *counts.entry(fate).or_default() += 1);
    counts
}

/// README: the features people ask for, by area and by what becomes of them; then the sum.
pub(crate) fn summary() -> String {
    let mut text = String::from("| | translated | approximated | left out (warning) | denied (error) |\n");
    text.push_str("|---|---|---|---|---|\n");
    for area in AREAS {
        let mut cells: BTreeMap<Fate, Vec<String>> = BTreeMap::new();
        for (label, item) in highlights(area.name) {
            let class = class_of(item);
            let fate = fate(class).unwrap_or_else(|| panic!("{item} has no class"));
            let label = if is_planned(class) { format!("*{label}*") } else { (*label).to_owned() };
            cells.entry(fate).or_default().push(label);
        }
        if cells.is_empty() {
            continue;
        }
        assert!(!cells.contains_key(&Fate::NoEffect), "{}: something without effect is no feature", area.name);
        let columns = [Fate::Translated, Fate::Approximated, Fate::LeftOut, Fate::Denied];
        let columns = columns.map(|fate| cells.get(&fate).map(|labels| labels.join(", ")).unwrap_or_default());
        writeln!(text, "| **{}** | {} |", area.name, columns.join(" | ")).unwrap();
    }
    writeln!(text, "\n{}", sum()).unwrap();
    text
}

fn sum() -> String {
    let counts = counts(AREAS);
    let of = |fate: Fate| counts.get(&fate).copied().unwrap_or_default();
    let [translated, approximated, left_out, denied, no_effect] = Fate::ALL.map(of);
    format!(
        "Of the {} fields and extensions of the messages that amesh reads, {translated} are translated, {approximated} \
         approximated, {left_out} left out with a warning, {denied} denied with an error, and {no_effect} have no \
         effect on what happens to a request.",
        counts.values().sum::<usize>()
    )
}

/// The whole ledger, area by area.
pub(crate) fn page() -> String {
    let mut text = format!("{}\n\n| area | {} |\n", sum(), Fate::ALL.map(Fate::title).join(" | "));
    text.push_str("|---|---:|---:|---:|---:|---:|\n");
    for area in AREAS {
        let counts = counts(std::slice::from_ref(area));
        let cells = Fate::ALL.map(|fate| counts.get(&fate).copied().unwrap_or_default().to_string());
        writeln!(text, "| [{}](#{}) | {} |", area.name, anchor(area.name), cells.join(" | ")).unwrap();
    }
    for area in AREAS {
        writeln!(text, "\n## {}", area.name).unwrap();
        for message in messages_of(area).filter(|message| !message.fields.is_empty()) {
            let fields = message.fields.iter().map(|field| (field.name, field.class()));
            section(&mut text, message.full_name, &fields.collect::<Vec<_>>());
        }
        for kind in area.kinds {
            let entries = extensions(kind).map(|extension| {
                (if extension.type_name == "*" { "any other" } else { extension.type_name }, extension.class())
            });
            section(&mut text, &format!("extensions: {}", kind.replace('_', " ")), &entries.collect::<Vec<_>>());
        }
    }
    text
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

/// One message or kind of extension: the plain classes as lists, the others as rows with their notes.
fn section(text: &mut String, heading: &str, items: &[(&str, Class)]) {
    writeln!(text, "\n### {heading}\n").unwrap();
    let mut rows = Vec::new();
    for plain in [Fate::Translated, Fate::NoEffect] {
        let names: Vec<String> =
            items.iter().filter(|(_, class)| fate(*class) == Some(plain)).map(|(name, _)| quoted(name)).collect();
        if !names.is_empty() {
            rows.push(format!("{}: {}\n", capitalised(plain.title()), names.join(", ")));
        }
    }
    text.push_str(&rows.join("\n"));
    let mut noted: Vec<_> = items.iter().filter_map(|(name, class)| Some((fate(*class)?, name, class))).collect();
    noted.retain(|(_, _, class)| class.note().is_some());
    noted.sort_by_key(|(fate, name, _)| (*fate, **name == "any other"));
    if noted.is_empty() {
        return;
    }
    writeln!(text, "{}| | | what differs |\n|---|---|---|", if rows.is_empty() { "" } else { "\n" }).unwrap();
    for (fate, name, class) in noted {
        let planned = if is_planned(*class) { ", planned" } else { "" };
        let note = class.note().unwrap_or_default();
        writeln!(text, "| {} | {}{planned} | {note} |", quoted(name), fate.title()).unwrap();
    }
}

fn quoted(name: &str) -> String {
    if name == "any other" { name.to_owned() } else { format!("`{name}`") }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
