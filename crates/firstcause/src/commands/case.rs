//! `case`: an incident in one file, opened offline and run again.

use std::path::Path;

use eval::fcase::contents::{self, Contents};
use eval::fcase::save::{SaveError, from_case, from_journal};

use super::journal;
use crate::cli::case::{CaseCommand, CaseOpen, CaseReplay, CaseSave};
use crate::failure::{Failure, Outcome};
use crate::terminal;
use crate::wiring::{Doors, write_file};

/// Differing records that are shown.
const SHOWN: usize = 5;

/// Runs the command.
pub(crate) fn run(command: &CaseCommand) -> anyhow::Result<Outcome> {
    match command {
        CaseCommand::Save(args) => save(args),
        CaseCommand::Open(args) => show(args),
        CaseCommand::Replay(args) => replay(args),
    }
}

fn save(args: &CaseSave) -> anyhow::Result<Outcome> {
    let sections = match (&args.journal, &args.case) {
        (Some(file), _) => {
            let bytes = journal::read(file)?;
            journal::intact(&bytes)?;
            let id = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            from_journal(&id, bytes)
        }
        (None, Some(folder)) => from_case(folder),
        (None, None) => return Err(Failure::usage("nothing to save", "give a journal, or `--case DIR`")),
    };
    let sections = sections.map_err(|error| {
        let hint = match error {
            SaveError::Unfinished => "`firstcause journal verify` shows what is there",
            _ => "a staged case is a folder such as CASES/case-0001; a journal ends in .journal",
        };
        Failure::usage(whole(&error), hint)
    })?;
    contents::write(&args.out, &sections)
        .map_err(|error| Failure::usage(whole(&error), "`--out` names a file in a folder that exists"))?;
    let bytes: usize = sections.values().map(Vec::len).sum();
    terminal::say(&format!("saved {} ({} sections, {bytes} bytes)", args.out.display(), sections.len()))?;
    Ok(Outcome::AsAsked)
}

/// Opens a case file, or says what is wrong with it: one that was changed is a negative result.
fn opened(file: &Path) -> anyhow::Result<Contents> {
    contents::open(file).map_err(|error| {
        let text = format!("`{}`: {}", file.display(), whole(&error));
        if error.is_damage() {
            Failure::negative(text, "take another copy: nothing in this one can be relied on")
        } else {
            Failure::usage(text, "`firstcause case save` makes case files")
        }
    })
}

fn show(args: &CaseOpen) -> anyhow::Result<Outcome> {
    let case = opened(&args.file)?;
    let about = &case.about;
    let report = orchestrator::report::build(&about.incident, &case.logged, &about.journal_head);
    if let Some(page) = &args.html {
        write_file(&*Doors::real().disk, page, server::page::report(&report).as_bytes())?;
        terminal::say(&format!("page {}", page.display()))?;
        return Ok(Outcome::AsAsked);
    }
    if args.json {
        let sections: serde_json::Map<String, serde_json::Value> =
            case.sections.iter().map(|(name, bytes)| (name.clone(), (*bytes).into())).collect();
        let told = serde_json::json!({ "about": about, "sections": sections, "conclusion": case.conclusion });
        terminal::say(&serde_json::to_string_pretty(&told)?)?;
        return Ok(Outcome::AsAsked);
    }
    terminal::say(&terminal::render(&report))?;
    let signals =
        if about.has_signals { "the signals themselves" } else { "no signals beyond those in the answers" };
    let kept = format!(
        "    inside  {} records, {} questions, {} answers; {signals}\n    origin  {} {}, journal head {}",
        case.records.len(),
        about.questions,
        about.answers,
        about.origin,
        terminal::plain(&about.incident),
        about.journal_head
    );
    terminal::say(&kept)?;
    for (name, bytes) in &case.sections {
        terminal::say(&format!("   section  {bytes:>12} bytes  {}", terminal::plain(name)))?;
    }
    Ok(Outcome::AsAsked)
}

fn replay(args: &CaseReplay) -> anyhow::Result<Outcome> {
    let case = opened(&args.file)?;
    if args.without.is_empty() {
        return again(&case, args.json);
    }
    let Some(changed) = case.without(&args.without) else {
        return Err(Failure::negative(
            "the case file holds no alert",
            "save it from a journal that begins with one",
        ));
    };
    if args.json {
        terminal::say(&serde_json::to_string_pretty(&changed)?)?;
    } else {
        terminal::say(changed.render().trim_end())?;
    }
    Ok(Outcome::AsAsked)
}

fn again(case: &Contents, json: bool) -> anyhow::Result<Outcome> {
    let (replayed, is_same) = case.replay().map_err(|error| {
        Failure::negative(whole(&error), "the file may be of a newer version of Firstcause")
    })?;
    let differs = replayed.differences.len();
    let is_identical = differs == 0 && is_same;
    if json {
        let told = serde_json::json!({
            "schema": "firstcause.fcase-replay/1",
            "is_identical": is_identical,
            "records": replayed.bodies.len(),
            "differences": differs,
            "is_conclusion_same": is_same,
        });
        terminal::say(&told.to_string())?;
    } else {
        let verdict = if is_identical { "identical to the byte" } else { "not the same" };
        terminal::say(&format!("{verdict}: {} records, {differs} differ", replayed.bodies.len()))?;
        for difference in replayed.differences.iter().take(SHOWN) {
            let (recorded, computed) = (&difference.recorded, &difference.computed);
            terminal::say(&format!(
                "record {}\n  recorded {}\n  computed {}",
                difference.seq,
                terminal::plain(recorded),
                terminal::plain(computed)
            ))?;
        }
    }
    Ok(if is_identical { Outcome::AsAsked } else { Outcome::Negative })
}

/// What went wrong, with everything behind it.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        text += &format!(": {behind}");
        source = behind.source();
    }
    text
}
