//! What the tests share.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![allow(dead_code, reason = "each test file uses a part")]

use prost_reflect::DescriptorPool;
use std::path::{Path, PathBuf};

/// The folder of reference material (`AMESH_SHARED`, else `../shared` beside the repository); says so when it is
/// missing.
pub(crate) fn shared(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("AMESH_SHARED").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        println!("SKIPPED: {test} needs the folder that AMESH_SHARED names");
        return None;
    }
    Some(folder)
}

/// Full, reflective types of everything in `proto/`: the reference that the lean types are held against.
pub(crate) fn pool() -> DescriptorPool {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto");
    let mut files = Vec::new();
    collect(&proto, &mut files);
    DescriptorPool::from_file_descriptor_set(protox::compile(files, [proto]).unwrap()).unwrap()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
}
