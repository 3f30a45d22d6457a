//! `serve`: receive, keep, answer, watch, explain; act where an inventory, a policy and an actuator are given. What an
//! earlier process left open is taken up first.

mod acting;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use incident::{Alert, ConclusionKind};
use orchestrator::desk::Opened;
use orchestrator::resolve::{Closed, ResolveError};
use orchestrator::watch::Watched;
use orchestrator::{Desk, Resolver};
use platform::chance::OsChance;
use remediation::channels::page::Mailbox;
use server::investigations::Feed;
use server::rest::Approvals;
use store::Store;
use telemetry::{Space, UnixNanos};
use tokio::sync::mpsc;

use tools::investigate::ORIGIN;

use crate::config::{self, Asked, DurabilityName, Flags, Settings};
use crate::failure::{Failure, Outcome};
use crate::live::{self, Live, Shown};
use crate::recorded::Recorded;
use crate::terminal::{self, Stream};
use crate::wiring::{Doors, Receiver, listen, write_file};
use crate::{asked, kept_tools};

/// Runs until interrupted.
pub(crate) async fn run(flags: Flags) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let resolved = config::resolve(&flags, &*doors.disk)?;
    for ignored in &resolved.ignored {
        terminal::say_aside(&format!("warning: {ignored}"));
    }
    let args = resolved.settings;
    let stream = Arc::new(Stream::new(UnixNanos(doors.clock.now_unix_nanos())));
    let store = open_store(&args, &doors)?;
    // What it may do is read before anybody can reach it.
    let mailbox = Mailbox::default();
    let resolver = resolver((&args, &resolved.asked), &doors, &store, &mailbox)?;
    let registry = asked::registry(args.dialect, &resolved.asked)?;
    kept_tools::restore(&doors, &args.data_dir, &registry)?;
    let receiver = Receiver::start_both(args.otlp_http, args.otlp_grpc, &store).await?;
    let listener = listen(args.http, "the page and questions", "--http").await?;
    let http = listener.local_addr().context("failed to read the address listened on")?;
    // These lines are read by programs: they come first, in this order, and name the port that was taken.
    terminal::say(&format!("otlp/http http://{}", receiver.address))?;
    terminal::say(&format!("http      http://{http}"))?;
    if let Some(grpc) = receiver.grpc {
        terminal::say(&format!("otlp/grpc http://{grpc}"))?;
    }
    let mut shown = Shown {
        data_dir: &args.data_dir,
        store: &store,
        otlp: receiver.address,
        approvals: None,
        resolver: &resolver,
        registry,
        declared: Arc::new(resolved.asked.health.clone()),
        names: args.names.clone(),
    };
    if resolver.remedy.is_some() {
        let token = live::secret();
        terminal::say_aside(&format!("decide at http://{http}/#token={token}"));
        shown.approvals = Some(Approvals::new(mailbox, token));
    }
    let live = Live::start(listener, &doors, shown)?;
    tokio::select! {
        watched = watch(&args, &doors, resolver, &live.feed, Arc::clone(&stream)) => watched?,
        interrupted = interrupted() => interrupted?,
    }
    stream.line(UnixNanos(doors.clock.now_unix_nanos()), "stopping: requests under way are finished first");
    live.end();
    // A client that does not let go is no reason to leave the rest unfinished.
    for stopped in [receiver.stop().await, live.stop().await] {
        if let Err(error) = stopped {
            terminal::complain(&error.context("something under way was cut off"));
        }
    }
    store.close();
    Ok(Outcome::AsAsked)
}

/// Who works on incidents, with what may be done.
fn resolver(
    (args, asked): (&Settings, &Asked),
    doors: &Doors,
    store: &Store,
    mailbox: &Mailbox,
) -> anyhow::Result<Resolver> {
    let mut resolver = Resolver {
        sources: asked::beside(store, Recorded::new(doors, &args.data_dir), asked)?,
        clock: Arc::clone(&doors.clock),
        disk: Arc::clone(&doors.disk),
        data_dir: args.data_dir.clone(),
        remedy: None,
    };
    resolver.remedy = acting::remedy(args, doors, &resolver.incidents(&Space::default()), mailbox)?;
    Ok(resolver)
}

pub(super) fn open_store(args: &Settings, doors: &Doors) -> anyhow::Result<Store> {
    let config = store::Config {
        durability: match args.durability {
            DurabilityName::Fsync => store::Durability::Fsync,
            DurabilityName::None => store::Durability::None,
        },
        budget_bytes: args.budget_mib << 20,
        head_max_bytes: args.head_mib << 20,
        segments_max_bytes: args.segments_gib << 30,
        retention_s: args.retention_days.cast_signed().saturating_mul(86_400),
        ..store::Config::new(&args.data_dir)
    };
    Store::open(config, Arc::clone(&doors.disk), Arc::clone(&doors.clock)).map_err(|error| {
        let error = anyhow::Error::new(error);
        let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Failure::usage(
            format!("failed to open the data directory `{}`: {why}", args.data_dir.display()),
            "another Firstcause may hold it; choose another with `--data-dir`",
        )
    })
}

/// Watches the default space and explains what it finds, one incident after the other.
async fn watch(
    args: &Settings,
    doors: &Doors,
    resolver: Resolver,
    feed: &Arc<Feed>,
    stream: Arc<Stream>,
) -> anyhow::Result<()> {
    let sources = resolver.sources.clone();
    let (desk, opened) = Desk::new(Arc::clone(&doors.clock), Box::new(OsChance));
    let left = acting::left_open(&resolver, &desk)?;
    let (gaps, clock) = (Arc::clone(&stream), Arc::clone(&doors.clock));
    let accepts = Arc::clone(&desk);
    let watched = Watched { space: Space::default(), arrival_seconds: args.arrival };
    let watching =
        orchestrator::watch::run(watched, sources, Arc::clone(&doors.clock), accepts, move |gap| {
            gaps.line(UnixNanos(clock.now_unix_nanos()), gap);
        });
    let explaining = async {
        let explaining = Resolver { remedy: None, ..resolver.clone() };
        for open in left {
            let resolver = if may_act(open.alert.as_ref()) { &resolver } else { &explaining };
            let observer = feed.follow(&open.incident, Arc::clone(&stream) as _);
            let closed = resolver.resume(&open, observer).await;
            let open_for = tell(resolver, doors, &open.incident, closed);
            if let Some(alert) = open.alert {
                close_later(&desk, alert.dedupe_key, open_for);
            }
        }
        explain(&resolver, opened, &desk, doors, (feed, Arc::clone(&stream))).await;
    };
    tokio::select! {
        () = watching => {}
        () = explaining => {}
    }
    Ok(())
}

/// An incident stays open for this long after it was explained: what still burns is not explained twice.
const OPEN_FOR: Duration = Duration::from_secs(600);
/// One that could not be explained is looked at again soon: with more data it may be.
const UNEXPLAINED_FOR: Duration = Duration::from_secs(30);

async fn explain(
    resolver: &Resolver,
    mut opened: mpsc::Receiver<Opened>,
    desk: &Arc<Desk>,
    doors: &Doors,
    (feed, stream): (&Arc<Feed>, Arc<Stream>),
) {
    while let Some(Opened { incident, alert }) = opened.recv().await {
        let key = alert.dedupe_key.clone();
        let observer = feed.follow(&incident, Arc::clone(&stream) as _);
        let closed = resolver.resolve(&incident, alert, observer).await;
        close_later(desk, key, tell(resolver, doors, &incident, closed));
    }
}

fn close_later(desk: &Arc<Desk>, key: String, open_for: Duration) {
    let desk = Arc::clone(desk);
    tokio::spawn(async move {
        tokio::time::sleep(open_for).await;
        desk.close(&key);
    });
}

/// Says and writes what became of `incident`; gives how long it stays open.
fn tell(
    resolver: &Resolver,
    doors: &Doors,
    incident: &str,
    closed: Result<Closed, ResolveError>,
) -> Duration {
    let closed = match closed {
        Ok(closed) => closed,
        Err(error) => {
            let error = anyhow::Error::new(error);
            terminal::complain(&error.context(format!("incident {incident} did not come to its end")));
            return OPEN_FOR;
        }
    };
    let page = resolver.incidents(&closed.report.space).join(format!("{incident}.html"));
    let written = write_file(&*doors.disk, &page, server::page::report(&closed.report).as_bytes());
    terminal::say_aside(&terminal::render(&closed.report));
    terminal::say_aside(&match written {
        Ok(()) => format!("    report  {}\n   journal  {}", page.display(), closed.journal.display()),
        Err(error) => format!("    report  not written: {error:#}"),
    });
    let has_failed = closed.report.resolution.as_ref().is_some_and(|resolution| resolution.failed.is_some());
    match closed.report.conclusion {
        ConclusionKind::Insufficient if !has_failed => UNEXPLAINED_FOR,
        _ => OPEN_FOR,
    }
}

async fn interrupted() -> anyhow::Result<()> {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("failed to listen for SIGTERM")?;
    tokio::select! {
        _ = term.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("failed to listen for Ctrl-C"),
    }
}

/// Whether something may be done about an incident of an earlier process. What a tool asked for is explained and never
/// acted on, in this process or in the next; and whose alert is not known was nobody's whom we know (I5).
fn may_act(alert: Option<&Alert>) -> bool {
    alert.is_some_and(|alert| !alert.origin.starts_with(ORIGIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_tool_asked_for_is_never_acted_on_by_the_next_process() {
        let of = |origin: &str| Alert {
            space: Space::default(),
            origin: origin.to_owned(),
            at: UnixNanos(1),
            history_from: UnixNanos(0),
            dedupe_key: String::new(),
            symptoms: Vec::new(),
        };
        assert!(may_act(Some(&of("watch"))));
        assert!(!may_act(Some(&of("tool:key:1a2b"))) && !may_act(Some(&of("tool:local"))));
        assert!(!may_act(None));
    }
}
