//! The binary: command line, configuration, wiring, nothing else.
//!
//! Exit codes: 0 as asked, 1 a negative result, 2 usage or configuration, 3 a needed source unreachable, 4 refused
//! by policy, 70 our bug.

mod asked;
mod cli;
mod commands;
mod config;
mod failure;
mod github;
mod installation;
mod journals;
mod kept_tools;
mod live;
mod recorded;
mod remote;
mod terminal;
mod wiring;

use std::process::ExitCode;

use clap::Parser;
use github::Annotations;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version to standard output and errors to standard error; a closed pipe is fine.
            error.print().ok();
            return ExitCode::from(if error.use_stderr() { failure::USAGE } else { 0 });
        }
    };
    match commands::run(cli.command) {
        Ok(outcome) => ExitCode::from(outcome.code()),
        Err(error) => {
            terminal::complain(&error);
            ExitCode::from(failure::code_of(&error))
        }
    }
}
