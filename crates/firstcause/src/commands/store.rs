//! `store check`: what is in a data directory, and what of it is damaged. `store stats`: how much is in it.
//!
//! Repairs nothing, and works beside a running `serve`.

use std::path::Path;

use ::store::OpenStoreError;
use ::store::check::{CheckedSpace, check};
use ::store::overview::{SpaceOverview, overview};
use serde_json::json;
use telemetry::UnixNanos;

use super::store_copy;
use crate::cli::StoreCommand;
use crate::failure::{Failure, Outcome};
use crate::terminal;
use crate::wiring::Doors;

/// Runs the command.
pub(crate) fn run(command: &StoreCommand) -> anyhow::Result<Outcome> {
    match command {
        StoreCommand::Backup { to, data_dir } => store_copy::run(data_dir, to),
        StoreCommand::Restore { from, data_dir } => store_copy::run(from, data_dir),
        StoreCommand::Check { data_dir, json } => check_all(data_dir, *json),
        StoreCommand::Stats { data_dir, json } => stats(data_dir, *json),
    }
}

fn unreadable(error: OpenStoreError) -> anyhow::Error {
    let error = anyhow::Error::new(error);
    let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
    Failure::usage(why, "`--data-dir` names the directory that `serve` keeps everything in")
}

fn check_all(data_dir: &Path, json: bool) -> anyhow::Result<Outcome> {
    let spaces = check(&*Doors::real().disk, data_dir).map_err(unreadable)?;
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

fn stats(data_dir: &Path, json: bool) -> anyhow::Result<Outcome> {
    let spaces = overview(&*Doors::real().disk, data_dir).map_err(unreadable)?;
    let text = if json {
        let spaces: Vec<serde_json::Value> = spaces.iter().map(overview_as_json).collect();
        json!({ "spaces": spaces }).to_string()
    } else if spaces.is_empty() {
        "empty: nothing was received yet".to_owned()
    } else {
        spaces.iter().map(overview_as_text).collect::<Vec<_>>().join("\n")
    };
    terminal::say(&text)?;
    Ok(Outcome::AsAsked)
}

fn overview_as_json(space: &SpaceOverview) -> serde_json::Value {
    json!({
        "space": space.space,
        "segments": space.segments,
        "segment_bytes": space.segment_bytes,
        "spans": space.spans,
        "log_records": space.log_records,
        "metric_points": space.metric_points,
        "from": space.range.map(|(from, _)| UnixNanos::rfc3339(from)),
        "to": space.range.map(|(_, to)| UnixNanos::rfc3339(to)),
        "log_files": space.log_files,
        "log_bytes": space.log_bytes,
        "damaged_lines": space.damaged_lines,
    })
}

fn overview_as_text(space: &SpaceOverview) -> String {
    let mut lines = vec![
        format!("{}:", space.space.as_str()),
        format!("  {} segments, {} bytes", space.segments, space.segment_bytes),
        format!(
            "  {} spans, {} log records, {} metric points in them",
            space.spans, space.log_records, space.metric_points
        ),
    ];
    if let Some((from, to)) = space.range {
        lines.push(format!("  from {} to {}", from.rfc3339(), to.rfc3339()));
    }
    lines.push(format!("  {} log files not in segments yet, {} bytes", space.log_files, space.log_bytes));
    if space.damaged_lines > 0 {
        let lost = space.damaged_lines;
        lines.push(format!(
            "  {lost} lines of the list of segments cannot be read and are not counted; hint: firstcause store check"
        ));
    }
    lines.join("\n")
}
