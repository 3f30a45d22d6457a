//! `change record`: works on the data directory, whether or not `serve` runs on it.

use telemetry::UnixNanos;
use telemetry::answer::ChangeRow;
use tools::changes::Told;

use crate::cli::change::{ChangeCommand, Record};
use crate::config::{self, Flags};
use crate::failure::{Failure, Outcome};
use crate::wiring::Doors;
use crate::{recorded, terminal};

/// Runs the command.
pub(crate) fn run(command: ChangeCommand) -> anyhow::Result<Outcome> {
    let ChangeCommand::Record(args) = command;
    let doors = Doors::real();
    let flags = Flags {
        config: args.place.config.clone(),
        data_dir: args.place.data_dir.clone(),
        ..Flags::default()
    };
    let folder = config::resolve(&flags, &*doors.disk)?.settings.data_dir;
    let now = UnixNanos(doors.clock.now_unix_nanos());
    let change = row(*args, now)?;
    recorded::record(&doors, &folder, &change)?;
    terminal::say_aside(&format!(
        "recorded: {} {} at {} in `{}`",
        change.service,
        terminal::plain(&change.after),
        change.at.rfc3339(),
        folder.display()
    ));
    Ok(Outcome::AsAsked)
}

fn row(args: Record, now: UnixNanos) -> anyhow::Result<ChangeRow> {
    let told = Told {
        service: args.service,
        after: args.after,
        kind: args.kind.known(),
        before: args.before,
        instance: args.instance,
        at: Some(args.at),
        commit: args.commit,
        author: args.author,
        message: args.message,
    };
    told.change(now).map_err(|why| {
        let (what, hint) = why
            .split_once("; hint: ")
            .unwrap_or((&why, "`firstcause change record --help` tells what each part means"));
        Failure::usage(what, hint)
    })
}
