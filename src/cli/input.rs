//! The files that the user names, read as one input.

use crate::args::InputArgs;
use crate::files::{self, ReadError};
use amesh_input::{Input, Reader};
use std::path::Path;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {problem}")]
pub(crate) struct InputError {
    /// As the user named it.
    pub(crate) file: String,
    pub(crate) problem: InputProblem,
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InputProblem {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{0}; name it with --from")]
    UnknownKind(amesh_input::InputError),
    #[error(transparent)]
    Contents(amesh_input::InputError),
}

impl From<amesh_input::InputError> for InputProblem {
    fn from(error: amesh_input::InputError) -> Self {
        match error {
            amesh_input::InputError::UnknownKind(_) => Self::UnknownKind(error),
            error => Self::Contents(error),
        }
    }
}

/// Reads all files as one input.
pub(crate) fn read(args: &InputArgs) -> Result<Input, InputError> {
    let mut reader = Reader::default();
    for path in &args.files {
        let file = if path == Path::new("-") { "<stdin>".to_owned() } else { path.display().to_string() };
        read_one(path, &file, args, &mut reader).map_err(|problem| InputError { file, problem })?;
    }
    Ok(reader.finish())
}

fn read_one(path: &Path, file: &str, args: &InputArgs, reader: &mut Reader) -> Result<(), InputProblem> {
    let bytes = files::read(path, args.max_size)?;
    Ok(reader.file(file, &bytes, args.from)?)
}
