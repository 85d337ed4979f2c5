//! What translation costs, beside what decoding alone costs. `make bench` runs everything and prints tables in
//! Markdown; nothing passes or fails by a time.
//!
//! Times are wall-clock times in one process on a machine that others may use too: each is the best of several, taken
//! in turn with what it is compared with. Ratios are what to go by.

mod captured;
mod change;
mod clock;
mod engines;
mod folder;
mod memory;
mod mesh;
mod native;
mod report;
mod size;
mod stages;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: amesh-bench [ROUNDS]
       amesh-bench routes                              changes of virtual hosts alone
       amesh-bench profile decode|translate [TIMES]   one thing alone, for a profiler";

/// How often a whole mesh is decoded and translated.
const ROUNDS: usize = 15;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("amesh-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match arguments {
        [] => report::everything(ROUNDS),
        ["memory", case, folder] => memory::child(memory::Case::named(case).ok_or(USAGE)?, Path::new(folder)),
        ["routes"] => report::route_changes(ROUNDS),
        ["profile", what] => profile(what, 1),
        ["profile", what, times] => profile(what, times.parse()?),
        [rounds] => report::everything(rounds.parse().map_err(|_| USAGE)?),
        _ => Err(USAGE.into()),
    }
}

fn profile(what: &str, times: usize) -> Result<(), Box<dyn Error>> {
    let snapshot = mesh::Mesh::new(report::LARGE)?.snapshot();
    for _ in 0..times {
        match what {
            "decode" => println!("{:?}", native::time_decode(&snapshot)),
            "translate" => println!("{:?}", native::time_translate(&snapshot)),
            _ => return Err(USAGE.into()),
        }
    }
    Ok(())
}
