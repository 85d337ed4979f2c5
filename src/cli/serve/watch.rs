//! Notices when files change, by looking: works on every file system.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How often to look.
const PERIOD: Duration = Duration::from_millis(300);

/// File, time of its last change, size; `None` for what is not there.
type State = Vec<(PathBuf, Option<(SystemTime, u64)>)>;

/// Some files, and folders of files.
pub(super) struct Watch {
    paths: Vec<PathBuf>,
    seen: State,
}

impl Watch {
    /// Looks for the first time. All paths must exist.
    pub(super) fn new(paths: &[PathBuf]) -> Result<Self, String> {
        if let Some(missing) = paths.iter().find(|path| !path.exists()) {
            return Err(format!("{}: there is no such file or folder", missing.display()));
        }
        let watch = Self { paths: paths.to_vec(), seen: state(paths) };
        if watch.seen.is_empty() {
            return Err("the folder holds no .pb, .json or .yaml file".to_owned());
        }
        Ok(watch)
    }

    /// The files, those of folders by name.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.seen.iter().map(|(path, _)| path.clone()).collect()
    }

    /// Waits until the files are others than before, and have been left alone for a moment.
    pub(super) async fn changed(&mut self) {
        let mut last = self.seen.clone();
        loop {
            tokio::time::sleep(PERIOD).await;
            let now = state(&self.paths);
            if now == last && now != self.seen {
                self.seen = now;
                return;
            }
            last = now;
        }
    }
}

fn state(paths: &[PathBuf]) -> State {
    let files = paths.iter().flat_map(|path| if path.is_dir() { folder(path) } else { vec![path.clone()] });
    files.map(|file| (file.clone(), stamp(&file))).collect()
}

fn stamp(file: &Path) -> Option<(SystemTime, u64)> {
    let metadata = file.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The binary responses of a folder; where there are none, its JSON and YAML. A folder may hold both, and then the
/// text is a view of the same.
fn folder(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    let with = |extensions: &[&str]| -> Vec<PathBuf> {
        let is = |path: &&PathBuf| path.extension().is_some_and(|own| extensions.iter().any(|one| own == *one));
        files.iter().filter(is).cloned().collect()
    };
    let binary = with(&["pb"]);
    if binary.is_empty() { with(&["json", "yaml", "yml"]) } else { binary }
}
