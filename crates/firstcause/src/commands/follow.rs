//! `follow`: from one identifier to what it touched, over all back ends.

use orchestrator::follow::{Followed, follow};
use serde_json::json;
use telemetry::{Limits, UnixNanos, Window};

use crate::cli::follow::Follow;
use crate::config::{self, Flags};
use crate::failure::{Failure, Outcome};
use crate::wiring::Doors;
use crate::{asked, terminal};

/// Runs the command. The outcome is negative when nobody knows the identifier.
pub(crate) async fn run(args: Follow) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let flags = Flags { config: args.asked.config.clone(), ..Flags::default() };
    let resolved = config::resolve(&flags, &*doors.disk)?;
    let opened = asked::open(&resolved.asked, &args.asked.source)?;
    if opened.is_empty() {
        let hint = "`--source jaeger=http://HOST:16686`, or [sources.NAME] in firstcause.toml";
        return Err(Failure::usage("there is nobody to ask", hint));
    }
    if args.id.trim().is_empty() {
        return Err(Failure::usage(
            "the identifier is empty",
            "a message's id, a trace id, an order's number",
        ));
    }
    let limits = Limits { seconds_max: args.asked.patience, ..Limits::default() };
    let sources = asked::with_preferences(opened, &resolved.asked).within(limits);
    let now = UnixNanos(doors.clock.now_unix_nanos());
    let back = i64::try_from(args.since).unwrap_or(i64::MAX / 2_000_000_000);
    let window = Window::new(now.plus_seconds(-back), now);
    let found = follow(&sources, &doors.clock, args.id.trim(), window).await;
    let text = if args.json {
        json!({ "schema": "firstcause.followed/1", "followed": found }).to_string()
    } else {
        text(&found)
    };
    terminal::say(&text)?;
    Ok(if found.steps.is_empty() { Outcome::Negative } else { Outcome::AsAsked })
}

fn text(found: &Followed) -> String {
    let mut lines: Vec<String> = found
        .steps
        .iter()
        .map(|step| {
            let (id, text) = (terminal::plain(&step.id), terminal::plain(&step.text));
            format!("{} {:<8} {id}: {text} [{}]", step.at.rfc3339(), step.kind, step.source)
        })
        .collect();
    if lines.is_empty() {
        lines.push(format!(
            "nobody knows `{}` in this time; hint: look further back with `--since`",
            terminal::plain(&found.id)
        ));
    }
    lines.extend(found.gaps.iter().map(|gap| format!("gap: {gap}")));
    lines.join("\n")
}
