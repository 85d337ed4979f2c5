//! Numbers of plugin and HTTP contexts, given out and reused in the host's order.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;

#[derive(Default)]
pub(crate) struct Contexts {
    last: u32,
    free: VecDeque<u32>,
    plugins: BTreeMap<u32, PluginEntry>,
}

#[derive(Default)]
struct PluginEntry {
    configuration: Bytes,
    open: usize,
    free: VecDeque<u32>,
    released: bool,
}

impl Contexts {
    /// A number for a new plugin context: the longest unused one, else a new one.
    pub(crate) fn reserve(&mut self) -> u32 {
        self.free.pop_front().unwrap_or_else(|| next(&mut self.last))
    }

    /// The plugin context of this number exists from now on.
    pub(crate) fn add(&mut self, plugin: u32, configuration: Bytes) {
        self.plugins.insert(plugin, PluginEntry { configuration, ..PluginEntry::default() });
    }

    /// The plugin context is gone, its number may be used again.
    pub(crate) fn remove(&mut self, plugin: u32) {
        self.plugins.remove(&plugin);
        self.free.push_back(plugin);
    }

    pub(crate) fn configuration(&self, plugin: u32) -> Option<Bytes> {
        self.plugins.get(&plugin).map(|entry| entry.configuration.clone())
    }

    /// Opens an HTTP context below a plugin context.
    pub(crate) fn open(&mut self, plugin: u32) -> Option<u32> {
        let entry = self.plugins.get_mut(&plugin)?;
        entry.open = entry.open.saturating_add(1);
        Some(entry.free.pop_front().unwrap_or_else(|| next(&mut self.last)))
    }

    /// Closes an HTTP context; true if the plugin context was released meanwhile and has no other.
    pub(crate) fn close(&mut self, plugin: u32, http: u32) -> bool {
        let Some(entry) = self.plugins.get_mut(&plugin) else { return false };
        entry.open = entry.open.saturating_sub(1);
        entry.free.push_back(http);
        entry.released && entry.open == 0
    }

    /// Marks a plugin context as released; true if no request uses it.
    pub(crate) fn release(&mut self, plugin: u32) -> bool {
        let Some(entry) = self.plugins.get_mut(&plugin) else { return false };
        entry.released = true;
        entry.open == 0
    }
}

fn next(last: &mut u32) -> u32 {
    *last = last.wrapping_add(1);
    *last
}
