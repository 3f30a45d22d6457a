//! `journal verify` and `journal replay`.

use std::path::Path;

use anyhow::Context;
use incident::canonical;

use crate::cli::JournalCommand;
use crate::failure::{Failure, Outcome};
use crate::terminal;
use crate::wiring::{Doors, write_file};

/// Runs the command.
pub(crate) fn run(command: JournalCommand) -> anyhow::Result<Outcome> {
    match command {
        JournalCommand::Verify { file, head, json } => verify(&file, head.as_deref(), json),
        JournalCommand::Replay { file, out, json } => replay(&file, &out, json),
    }
}

/// Reads a journal file.
pub(crate) fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    Doors::real().disk.read(file).map_err(|error| {
        Failure::usage(
            format!("failed to read the journal `{}`: {error}", file.display()),
            "journals are at <data dir>/spaces/<space>/incidents/*.journal",
        )
    })
}

/// The records of a journal that holds together.
pub(crate) fn intact(bytes: &[u8]) -> anyhow::Result<::journal::Verified> {
    ::journal::verify(bytes, None).map_err(|damage| {
        let damage = anyhow::Error::new(damage);
        let why = damage.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Failure::negative(
            format!("the journal is damaged: {why}"),
            "restore it from a copy; the records before are good",
        )
    })
}

fn verify(file: &Path, head: Option<&str>, json: bool) -> anyhow::Result<Outcome> {
    let bytes = read(file)?;
    match journal::verify(&bytes, head) {
        Ok(verified) => {
            let records = verified.records.len();
            let text = if json {
                serde_json::json!({ "is_intact": true, "records": records, "head": verified.head })
                    .to_string()
            } else if head.is_some() {
                format!("intact: {records} records, head as given")
            } else {
                format!(
                    "intact: {records} records, head {}\nhint: give --head to find a cut end",
                    verified.head
                )
            };
            terminal::say(&text)?;
            Ok(Outcome::AsAsked)
        }
        Err(damage) => {
            let damage = anyhow::Error::new(damage);
            let why = damage.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            let text = if json {
                serde_json::json!({ "is_intact": false, "damage": why }).to_string()
            } else {
                format!("damaged: {why}")
            };
            terminal::say(&text)?;
            Ok(Outcome::Negative)
        }
    }
}

fn replay(file: &Path, out: &Path, json: bool) -> anyhow::Result<Outcome> {
    let bytes = read(file)?;
    let verified = intact(&bytes)?;
    let replayed =
        orchestrator::replay::replay(&verified.records).context("failed to run the journal again")?;
    let disk = Doors::real().disk;
    disk.create_dir_all(out).with_context(|| format!("failed to make the folder `{}`", out.display()))?;
    let bodies: String = replayed.bodies.iter().map(|(kind, body)| format!("{kind} {body}\n")).collect();
    write_file(&*disk, &out.join("bodies.jsonl"), bodies.as_bytes())?;
    let conclusion = canonical::to_text(&replayed.conclusion).context("failed to write the conclusion")?;
    write_file(&*disk, &out.join("conclusion.json"), conclusion.as_bytes())?;
    let differs = replayed.differences.len();
    let digest = canonical::blake3_hex(bodies.as_bytes());
    let text = if json {
        serde_json::json!({ "records": replayed.bodies.len(), "differences": differs, "bodies_blake3": digest })
            .to_string()
    } else {
        format!(
            "{} bodies, {differs} differ from the record\nbodies     {} (blake3 {digest})\nconclusion {}",
            replayed.bodies.len(),
            out.join("bodies.jsonl").display(),
            out.join("conclusion.json").display()
        )
    };
    terminal::say(&text)?;
    for difference in replayed.differences.iter().take(5) {
        terminal::say(&format!(
            "record {}\n  recorded {}\n  computed {}",
            difference.seq,
            terminal::plain(&difference.recorded),
            terminal::plain(&difference.computed)
        ))?;
    }
    Ok(if differs == 0 { Outcome::AsAsked } else { Outcome::Negative })
}
