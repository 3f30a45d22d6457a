//! `store check`: what is in a data directory, and what of it is damaged.

use std::path::Path;

use ::store::check::{CheckedSpace, check};
use serde_json::json;

use crate::cli::StoreCommand;
use crate::failure::{Failure, Outcome};
use crate::terminal;
use crate::wiring::Doors;

/// Runs the command.
pub(crate) fn run(command: &StoreCommand) -> anyhow::Result<Outcome> {
    match command {
        StoreCommand::Check { data_dir, json } => check_all(data_dir, *json),
    }
}

fn check_all(data_dir: &Path, json: bool) -> anyhow::Result<Outcome> {
    let spaces = check(&*Doors::real().disk, data_dir).map_err(|error| {
        let error = anyhow::Error::new(error);
        let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Failure::usage(why, "`--data-dir` names the directory that `serve` keeps everything in")
    })?;
    let is_whole = spaces.iter().all(|space| space.damage.is_empty());
    let text = if json {
        let spaces: Vec<serde_json::Value> = spaces.iter().map(as_json).collect();
        json!({ "is_whole": is_whole, "spaces": spaces }).to_string()
    } else {
        as_text(&spaces, is_whole)
    };
    terminal::say(&text)?;
    Ok(if is_whole { Outcome::AsAsked } else { Outcome::Negative })
}

fn as_json(space: &CheckedSpace) -> serde_json::Value {
    json!({
        "space": space.space,
        "segments": space.segments,
        "segment_rows": space.segment_rows,
        "segment_bytes": space.segment_bytes,
        "log_files": space.log_files,
        "log_items": space.log_items,
        "log_bytes": space.log_bytes,
        "torn_bytes": space.torn_bytes,
        "damage": space.damage,
    })
}

fn as_text(spaces: &[CheckedSpace], is_whole: bool) -> String {
    let mut lines = Vec::new();
    for space in spaces {
        lines.push(format!(
            "{}: {} rows in {} segments ({} bytes), {} items in {} log files ({} bytes)",
            space.space.as_str(),
            space.segment_rows,
            space.segments,
            space.segment_bytes,
            space.log_items,
            space.log_files,
            space.log_bytes,
        ));
        if space.torn_bytes > 0 {
            let torn = space.torn_bytes;
            lines.push(format!(
                "  {torn} bytes at the end of the log are being written, or were never acknowledged"
            ));
        }
        lines.extend(space.damage.iter().map(|damage| format!("  damaged: {damage}")));
    }
    lines.push(match (spaces.is_empty(), is_whole) {
        (true, _) => "empty: nothing was received yet".to_owned(),
        (false, true) => "whole: everything could be read".to_owned(),
        (false, false) => {
            "hint: restore the damaged files from a copy of the directory; everything else is served"
                .to_owned()
        }
    });
    lines.join("\n")
}
