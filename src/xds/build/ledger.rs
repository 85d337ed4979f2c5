//! Reads the ledger files; their format is described in `ledger/README.md`.

use crate::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What happens where a field is set that is not read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Action {
    Ignore,
    Deny,
}

/// What amesh does with a field or an extension.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    Translated,
    NoEffect,
    Approximated(String),
    Refused(Action, String),
    NotYet(Action, String),
}

impl Class {
    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Self::Translated | Self::Approximated(_))
    }
}

/// One `message` block: the classes of its fields, and where it stands.
pub(crate) struct Block {
    pub(crate) place: String,
    pub(crate) fields: BTreeMap<String, (Class, String)>,
}

/// One `extension` line.
pub(crate) struct Extension {
    pub(crate) place: String,
    pub(crate) class: Class,
}

/// The ledger files together.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) messages: BTreeMap<String, Block>,
    /// By kind and type name; the name `*` stands for all others of the kind.
    pub(crate) extensions: BTreeMap<(String, String), Extension>,
    pub(crate) complete: Vec<(String, String)>,
    /// `message.field` of the fields that stay encoded.
    pub(crate) lazy: BTreeSet<String>,
}

impl Ledger {
    /// Reads `*.ledger` and `lazy.txt` of a folder.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut paths = std::fs::read_dir(folder)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<std::io::Result<Vec<_>>>()?;
        paths.sort();
        let mut ledger = Self::default();
        for path in paths {
            let text = std::fs::read_to_string(&path)?;
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if file == "lazy.txt" {
                ledger.lazy.extend(lines(&text).map(|(_, line)| line.to_owned()));
            } else if file.ends_with(".ledger") {
                ledger.read_file(&file, &text)?;
            }
        }
        Ok(ledger)
    }

    fn read_file(&mut self, file: &str, text: &str) -> Result<()> {
        let mut current = None;
        for (number, line) in lines(text) {
            let place = format!("{file}:{number}");
            self.read_line(&place, line, &mut current).map_err(|error| format!("{place}: {error}"))?;
        }
        Ok(())
    }

    fn read_line(&mut self, place: &str, line: &str, current: &mut Option<String>) -> Result<()> {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("message"), Some(name), None) => {
                let block = Block { place: place.to_owned(), fields: BTreeMap::new() };
                refuse_second(name, self.messages.insert(name.to_owned(), block).is_some())?;
                *current = Some(name.to_owned());
            }
            (Some("complete"), Some(name), None) => self.complete.push((name.to_owned(), place.to_owned())),
            // A field may be called so too.
            (Some("extension"), Some(kind), Some(name)) if name == "*" || name.contains('.') => {
                let class = read_class(after_words(line, 3))?;
                let key = (kind.to_owned(), name.to_owned());
                let extension = Extension { place: place.to_owned(), class };
                refuse_second(name, self.extensions.insert(key, extension).is_some())?;
            }
            (Some(field), Some(_), _) => {
                let class = read_class(after_words(line, 1))?;
                let block = current.as_ref().and_then(|name| self.messages.get_mut(name));
                let block = block.ok_or("a field line before any message line")?;
                refuse_second(field, block.fields.insert(field.to_owned(), (class, place.to_owned())).is_some())?;
            }
            _ => return Err(format!("cannot read `{line}`").into()),
        }
        Ok(())
    }
}

fn refuse_second(name: &str, replaced: bool) -> Result<()> {
    if replaced { Err(format!("{name} has two entries").into()) } else { Ok(()) }
}

/// The lines that hold something, numbered from 1, without comments.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// What is left of a line behind its first `count` words.
fn after_words(line: &str, count: usize) -> &str {
    (0..count).fold(line, |rest, _| {
        let rest = rest.trim_start();
        rest.find(char::is_whitespace).map_or("", |end| rest.split_at(end).1)
    })
}

fn read_class(text: &str) -> Result<Class> {
    let (words, note) = text.trim().split_once('"').unwrap_or((text.trim(), ""));
    let words: Vec<&str> = words.split_whitespace().collect();
    let note = match (note.strip_suffix('"'), note.is_empty()) {
        (_, true) => None,
        (Some(note), _) if !note.trim().is_empty() => Some(note.trim().to_owned()),
        _ => return Err(format!("the note of `{text}` does not end with its only other quote").into()),
    };
    match (words.as_slice(), note) {
        (["translated"], None) => Ok(Class::Translated),
        (["no_effect"], None) => Ok(Class::NoEffect),
        (["approximated"], Some(note)) => Ok(Class::Approximated(note)),
        (["refused", action], Some(note)) => Ok(Class::Refused(read_action(action)?, note)),
        (["not_yet", action], Some(note)) => Ok(Class::NotYet(read_action(action)?, note)),
        _ => Err(format!("`{}` is not a class; the ledger's README lists them", text.trim()).into()),
    }
}

fn read_action(word: &str) -> Result<Action> {
    match word {
        "ignore" => Ok(Action::Ignore),
        "deny" => Ok(Action::Deny),
        _ => Err(format!("`{word}` is neither ignore nor deny").into()),
    }
}
