//! `config print`: every setting with its origin. Nothing is checked here beyond that it can be read.

use serde_json::json;

use crate::cli::ConfigCommand;
use crate::config::{self, Flags, Origin, Resolved};
use crate::failure::Outcome;
use crate::terminal;
use crate::wiring::Doors;

/// Runs the command.
pub(crate) fn run(command: &ConfigCommand) -> anyhow::Result<Outcome> {
    match command {
        ConfigCommand::Print { settings, json } => print(settings, *json),
    }
}

fn print(flags: &Flags, json: bool) -> anyhow::Result<Outcome> {
    let resolved = config::resolve(flags, &*Doors::real().disk)?;
    terminal::say(&if json { to_json(&resolved).to_string() } else { to_text(&resolved) })?;
    for ignored in &resolved.ignored {
        terminal::say_aside(&format!("warning: {ignored}"));
    }
    Ok(Outcome::AsAsked)
}

fn to_text(resolved: &Resolved) -> String {
    let width = |of: fn(&config::Row) -> usize| resolved.rows.iter().map(of).max().unwrap_or_default();
    let (keys, values) = (width(|row| row.key.len()), width(|row| shown(row).len()));
    let line = |row: &config::Row| format!("{:<keys$}  {:<values$}  {}", row.key, shown(row), row.origin);
    resolved.rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A gap in a column reads like a mistake.
fn shown(row: &config::Row) -> &str {
    if row.value.is_empty() { "(not set)" } else { &row.value }
}

fn to_json(resolved: &Resolved) -> serde_json::Value {
    let row = |row: &config::Row| {
        let kind = match row.origin {
            Origin::Flag(_) => "flag",
            Origin::Environment(_) => "env",
            Origin::File(..) => "file",
            Origin::Default => "default",
        };
        let value = (!row.value.is_empty()).then_some(&row.value);
        json!({ "key": row.key, "value": value, "origin": row.origin.to_string(), "origin_kind": kind })
    };
    json!({
        "schema": "firstcause.config/1",
        "file": resolved.file.as_ref().map(|path| path.display().to_string()),
        "settings": resolved.rows.iter().map(row).collect::<Vec<_>>(),
        "ignored": resolved.ignored,
    })
}
