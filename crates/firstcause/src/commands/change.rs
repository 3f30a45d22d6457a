//! `change record`: works on the data directory, whether or not `serve` runs on it.

use telemetry::UnixNanos;
use telemetry::answer::{ChangeDetail, ChangeRow};
use tools::{changes, when};

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
    let at = when::parse(&args.at, now)
        .map_err(|error| Failure::usage(error.to_string(), "`--at now-5m`, or leave it out"))?;
    let detail = ChangeDetail {
        commit: args.commit,
        author: args.author,
        message: args.message,
        ..ChangeDetail::default()
    };
    let change = ChangeRow {
        at,
        kind: args.kind.known(),
        service: args.service,
        instance: args.instance,
        before: args.before,
        after: args.after,
        detail: (detail != ChangeDetail::default()).then(|| Box::new(detail)),
    };
    changes::check(&change, now)
        .map_err(|why| Failure::usage(why, "`firstcause change record --help` tells what each part means"))?;
    Ok(change)
}
