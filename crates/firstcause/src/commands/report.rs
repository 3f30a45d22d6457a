//! `report`: the report of an incident, made again from its journal.

use std::path::Path;

use anyhow::Context;
use incident::Report;

use super::journal;
use crate::cli::ReportCommand;
use crate::failure::Outcome;
use crate::terminal;
use crate::wiring::{Doors, write_file};

/// Runs the command.
pub(crate) fn run(args: &ReportCommand) -> anyhow::Result<Outcome> {
    let report = from_journal(&args.file)?;
    match &args.html {
        Some(file) => {
            write_file(&*Doors::real().disk, file, server::page::report(&report).as_bytes())?;
            terminal::say(&format!("report {}", file.display()))?;
        }
        None if args.json => terminal::say(&serde_json::to_string_pretty(&report)?)?,
        None => terminal::say(&terminal::render(&report))?,
    }
    Ok(Outcome::AsAsked)
}

/// The report of the incident whose journal is `file`.
pub(crate) fn from_journal(file: &Path) -> anyhow::Result<Report> {
    let bytes = journal::read(file)?;
    let verified = journal::intact(&bytes)?;
    let logged = orchestrator::replay::entries(&verified.records).context("failed to read the journal")?;
    let id = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(orchestrator::report::build(&id, &logged, &verified.head))
}
