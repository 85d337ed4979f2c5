//! One change in a mesh that is already translated.

use std::time::Duration;

use amesh_translator::Translator;
use bytes::Bytes;

use crate::clock::{Times, time};
use crate::mesh::Mesh;
use crate::native::{ingest, pending, translate};

/// Services in turn, far from each other, so that no change finds everything in the processor's cache.
const STEP: u32 = 7919;

/// Changes of one endpoint each, of one service after the other.
pub fn endpoint_changes(mesh: &Mesh, services: u32, count: u32) -> Vec<Bytes> {
    (1..=count).map(|number| mesh.endpoint_change(number.wrapping_mul(STEP) % services, number)).collect()
}

/// A translated mesh and changes that are yet to come.
pub struct Scene {
    translator: Translator,
    changes: Vec<Bytes>,
    next: usize,
    /// One time a change.
    pub times: Times,
}

impl Scene {
    /// Translates a mesh and commits it.
    pub fn new(mesh: &Mesh, changes: Vec<Bytes>) -> Result<Self, String> {
        let (mut translator, _) = translate(&mesh.snapshot())?;
        translator.commit();
        Ok(Self { translator, changes, next: 0, times: Times::default() })
    }

    /// Lets so many changes come, from the first again after the last.
    pub fn play(&mut self, count: usize) -> Result<(), String> {
        for _ in 0..count {
            let Some(change) = self.changes.get(self.next % self.changes.len()).cloned() else { break };
            self.next += 1;
            let (time, result) = time(|| apply(&mut self.translator, change));
            if result?.len() < 50 {
                return Err("a change has changed nothing".to_owned());
            }
            self.times.push(time);
        }
        Ok(())
    }

    /// The time in the middle.
    pub fn median(&self) -> Duration {
        self.times.median()
    }
}

/// Ingests a change, writes out what has to change in APISIX, and commits it.
fn apply(translator: &mut Translator, change: Bytes) -> Result<Vec<u8>, String> {
    ingest(translator, change)?;
    let json = pending(translator);
    translator.commit();
    Ok(json)
}
