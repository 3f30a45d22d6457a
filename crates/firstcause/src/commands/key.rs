//! `key new`, `key list`, `key revoke`: works on the data directory, whether or not `serve` runs on it.

use std::path::PathBuf;

use platform::chance::{Chance, OsChance};
use serde_json::json;
use server::identity::key;
use server::identity::ledger::{self, LedgerError, Order};
use server::identity::records::{Kept, Keys};
use telemetry::UnixNanos;

use crate::cli::key::{KeyCommand, KeyNew, Place};
use crate::config::{self, Flags};
use crate::failure::{Failure, Outcome};
use crate::journals::{self, CONTROL, JournalFile};
use crate::terminal;
use crate::wiring::Doors;

/// Runs the command.
pub(crate) fn run(command: KeyCommand) -> anyhow::Result<Outcome> {
    match command {
        KeyCommand::New(args) => new(args),
        KeyCommand::List { place, json } => list(&place, json),
        KeyCommand::Revoke { id, place } => revoke(&id, &place),
    }
}

fn new(args: KeyNew) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let folder = folder(&args.place, &doors)?;
    narrowed(&args)?;
    let now = UnixNanos(doors.clock.now_unix_nanos());
    let expires_at = args.expires.map(|seconds| now.plus_seconds(seconds));
    let order = Order {
        role: args.role,
        name: args.name,
        expires_at,
        spaces: args.space,
        dialects: args.dialect,
        tools: args.tools,
    };
    let made = journals::write(&doors, &folder, &CONTROL, |journal, records| {
        let keys = Keys::of(records)?;
        let mut chance = OsChance;
        ledger::make(journal, &keys, order, &mut || chance.next_u64()).map_err(usage)
    })?;
    let until = expires_at.map(UnixNanos::rfc3339);
    terminal::say(&if args.json {
        json!({ "id": made.id(), "key": made.text(), "role": args.role, "expires_at": until }).to_string()
    } else {
        made.text().to_owned()
    })?;
    terminal::say_aside(&format!(
        "key {} for {}, {}; it is shown this once and kept nowhere\nhint: `Authorization: Bearer KEY`; \
         `firstcause key revoke {}` ends it",
        made.id(),
        args.role.name(),
        until.map_or_else(|| "for ever".to_owned(), |until| format!("until {until}")),
        made.id()
    ));
    Ok(Outcome::AsAsked)
}

fn list(place: &Place, json: bool) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let keys = Keys::of(&JournalFile::new(&doors, &folder(place, &doors)?).records()?)?;
    let now = UnixNanos(doors.clock.now_unix_nanos());
    let mut kept: Vec<&Kept> = keys.iter().collect();
    kept.sort_by_key(|kept| kept.made_at);
    let text = if json {
        let rows: Vec<_> = kept.iter().map(|kept| row(kept, now)).collect();
        json!({ "schema": "firstcause.keys/1", "keys": rows }).to_string()
    } else if kept.is_empty() {
        "no keys\nhint: without one, this machine alone may use the tools of `serve`".to_owned()
    } else {
        kept.iter().map(|kept| line(kept, now)).collect::<Vec<_>>().join("\n")
    };
    terminal::say(&text)?;
    Ok(Outcome::AsAsked)
}

fn row(kept: &Kept, now: UnixNanos) -> serde_json::Value {
    let made = &kept.made;
    json!({
        "id": made.id,
        "name": made.name,
        "role": made.role,
        "state": kept.state(now),
        "made_at": kept.made_at.rfc3339(),
        "expires_at": made.expires_at.map(UnixNanos::rfc3339),
        "revoked_at": kept.revoked_at.map(UnixNanos::rfc3339),
        "spaces": made.spaces,
        "dialects": made.dialects,
        "tools": made.tools,
    })
}

fn line(kept: &Kept, now: UnixNanos) -> String {
    let made = &kept.made;
    let until =
        made.expires_at.map_or_else(|| "for ever".to_owned(), |end| format!("until {}", end.rfc3339()));
    let mut line = format!(
        "{}  {:<8} {:<13}  made {}  {until}",
        made.id,
        kept.state(now),
        made.role.name(),
        kept.made_at.rfc3339()
    );
    for (what, names) in [("spaces", &made.spaces), ("dialects", &made.dialects), ("tools", &made.tools)] {
        if !names.is_empty() {
            line.push_str(&format!("  {what} {}", names.join(",")));
        }
    }
    if !made.name.is_empty() {
        line.push_str(&format!("  {}", terminal::plain(&made.name)));
    }
    line
}

fn revoke(id: &str, place: &Place) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let id = key::id_of(id);
    journals::write(&doors, &folder(place, &doors)?, &CONTROL, |journal, records| {
        ledger::revoke(journal, &Keys::of(records)?, id).map_err(usage)
    })?;
    terminal::say(&format!("revoked {id}"))?;
    Ok(Outcome::AsAsked)
}

fn folder(place: &Place, doors: &Doors) -> anyhow::Result<PathBuf> {
    let flags = Flags { config: place.config.clone(), data_dir: place.data_dir.clone(), ..Flags::default() };
    Ok(config::resolve(&flags, &*doors.disk)?.settings.data_dir)
}

/// A list of what does not exist opens nothing: that is said before the key is made. Tools may also come from the
/// configuration, so one that no dialect knows is only warned of.
fn narrowed(args: &KeyNew) -> anyhow::Result<()> {
    let dialects = tools::dialects::all();
    let known: Vec<String> = dialects.iter().map(|dialect| dialect.name.to_owned()).collect();
    if let Some(name) = args.dialect.iter().find(|name| !known.contains(name)) {
        return Err(Failure::usage(format!("there is no dialect `{name}`"), config::nearest(name, &known)));
    }
    for space in &args.space {
        space
            .parse::<telemetry::Space>()
            .map_err(|error| Failure::usage(format!("{error}"), "the space of `serve` is `default`"))?;
    }
    let known: Vec<String> = dialects
        .iter()
        .flat_map(|dialect| {
            (dialect.tools)().iter().map(|tool| tool.about().name.clone()).collect::<Vec<_>>()
        })
        .collect();
    for name in args.tools.iter().filter(|name| !known.contains(name)) {
        terminal::say_aside(&format!(
            "warning: no dialect has a tool `{}`; hint: {}",
            terminal::plain(name),
            config::nearest(name, &known)
        ));
    }
    Ok(())
}

fn usage(error: LedgerError) -> anyhow::Error {
    let text = error.to_string();
    match (&error, text.split_once("; hint: ")) {
        (LedgerError::Journal(_), _) | (_, None) => anyhow::Error::new(error),
        (_, Some((what, hint))) => Failure::usage(what, hint),
    }
}
