//! The repository's own commands, run as `cargo xtask NAME`.
//!
//! `commands::all()` is the list of them. This file only turns a result into an exit code.
//! Nothing here ships in the product: no crate of the workspace may depend on this package.

use std::io::Write as _;
use std::process::ExitCode;

mod commands;
mod failure;
mod process;
mod workspace;

mod rule;
mod tidy;
mod tokens;
mod tree;

mod bench;
mod dist;
mod lane;
mod needs;
mod page;
mod soak;
mod stopwatch;

#[cfg(test)]
mod planted;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match commands::run(&words, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = failure::describe(&error);
            // A closed stderr leaves nobody to tell: the exit code still carries the result.
            drop(writeln!(std::io::stderr(), "{text}"));
            ExitCode::from(failure::exit_code(&error))
        }
    }
}
