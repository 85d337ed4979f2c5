//! The `amesh` command: thin fronts over the translator, the fetcher and the embedded host.
//!
//! It reads files, prints and handles signals. It knows the forms in which people keep xDS; what a resource means is the
//! translator's business, what is said on a stream the fetcher's.

mod args;
mod demo;
mod diff;
mod embedded;
mod exit;
mod explain;
mod files;
mod input;
mod narrate;
mod options;
mod run;
mod runtime;
mod serve;
mod simulate;
mod sink;
mod style;
mod subjects;
mod translate;
mod verify;

use args::{Cli, Command};
use clap::{CommandFactory, Parser};
use exit::Exit;

fn main() -> std::process::ExitCode {
    let done = match Cli::parse().command {
        Command::Translate(args) => translate::run(&args),
        Command::Serve(args) => serve::run(args),
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Verify(args) => verify::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "amesh", &mut std::io::stdout());
            Ok(Exit::Clean)
        }
    };
    done.unwrap_or_else(|failure| failure.tell()).into()
}
