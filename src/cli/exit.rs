//! Exit codes, and what is said when there is nothing more to do.

use crate::input::InputError;
use crate::style;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Writes the result to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Failure::Stdout)
}

/// How the command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: nothing was refused.
    Clean,
    /// 1: something was refused, or a service failed.
    Refused,
    /// 2: bad usage, or input that cannot be read.
    Unusable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Clean => Self::SUCCESS,
            Exit::Refused => Self::from(1),
            Exit::Unusable => Self::from(2),
        }
    }
}

/// Why a command cannot do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The input.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The result cannot be written.
    #[error("{}: cannot be written: {error}", .path.display())]
    Output {
        /// Where to.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output is closed or full.
    #[error("standard output: {0}")]
    Stdout(io::Error),
    /// What was asked for does not exist or does not go together.
    #[error("{0}")]
    Usage(String),
    /// A program or module that is needed does not work.
    #[error("{0}")]
    Failed(String),
}

impl Failure {
    /// Says it on standard error.
    pub(crate) fn tell(&self) -> Exit {
        match self {
            // Whoever reads has enough (`amesh translate ... | head`).
            Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe => return Exit::Clean,
            failure => style::error(&failure.to_string()),
        }
        match self {
            Self::Failed(_) => Exit::Refused,
            _ => Exit::Unusable,
        }
    }
}
