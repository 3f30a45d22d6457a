//! `config print`: every setting with its origin; `config sources`: the back ends. Nothing is checked here beyond that
//! it can be read.

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
        ConfigCommand::Sources { json, markdown } => sources(*json, *markdown),
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

fn sources(json: bool, markdown: bool) -> anyhow::Result<Outcome> {
    let text = match (json, markdown) {
        (true, _) => serde_json::to_string_pretty(&backends())?,
        (_, true) => page(),
        _ => plain_backends(),
    };
    terminal::say(text.trim_end())?;
    Ok(Outcome::AsAsked)
}

fn backends() -> serde_json::Value {
    let one = |backend: &::sources::Backend| {
        json!({
            "kind": backend.kind,
            "what": backend.what,
            "questions": backend.questions,
            "tried": backend.tried,
            "needs": backend.needs,
        })
    };
    json!({ "schema": "firstcause.sources/1", "kinds": ::sources::all().iter().map(one).collect::<Vec<_>>() })
}

fn plain_backends() -> String {
    let one = |backend: &::sources::Backend| {
        format!(
            "{}\n  what     {}\n  answers  {}\n  tried    {}\n  needs    {}\n",
            backend.kind,
            backend.what,
            backend.questions.join(", "),
            backend.tried,
            backend.needs
        )
    };
    let all: String = ::sources::all().iter().map(one).collect();
    format!("{all}\n{}", ::sources::settings::EXAMPLE)
}

/// `docs/sources.md`.
fn page() -> String {
    let row = |backend: &::sources::Backend| {
        format!(
            "| `{}` | {} | {} | {} | {} |\n",
            backend.kind,
            backend.what,
            backend.questions.join(", "),
            backend.tried,
            backend.needs
        )
    };
    let rows: String = ::sources::all().iter().map(row).collect();
    format!(
        "# Sources\n\nWhat `firstcause config sources --markdown` prints: the list in the code, and nothing beside it.\n\n\
         | kind | what | answers | tried against | must be allowed |\n|---|---|---|---|---|\n{rows}\n\
         ## How they are written down\n\n```toml\n{}```\n",
        ::sources::settings::EXAMPLE
    )
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
