//! `demo`: a real system breaks, and Firstcause explains it, fixes it and proves the fix.
//!
//! This process is the engine: it receives signals, watches, investigates and asks for approved restarts. The
//! services, their load, their deployments and the actuator are other processes of the same binary; what they
//! planned stands in `truth.json`, which this process never reads before the verdict.

mod allowed;
mod ending;
mod fleet;
mod page;
mod test_case;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use demo::fault::Fault;
use incident::{Report, Resolution, canonical};
use orchestrator::desk::Opened;
use orchestrator::watch::Watched;
use orchestrator::{Desk, Remedy, Resolver};
use platform::chance::OsChance;
use remediation::channels::Now;
use remediation::channels::policy::PolicyChannel;
use remediation::executors::process::ProcessExecutor;
use remediation::{Authority, Inventory, Policy};
use store::Store;
use telemetry::{Space, UnixNanos};

use crate::cli::Demo;
use crate::failure::Outcome;
use crate::terminal::{self, Stream};
use crate::wiring::{Doors, Receiver, sources, write_file};
use ending::Ending;
use fleet::Fleet;
use page::Page;

/// How long after the fault an alert is waited for.
const ALERT_SECONDS_MAX: u64 = 40;

/// Runs the demo.
pub(crate) async fn run(args: Demo) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let stream = Arc::new(Stream::new(UnixNanos(doors.clock.now_unix_nanos())));
    let folder = folder(&args, &doors)?;
    let say = |text: &str| stream.line(UnixNanos(doors.clock.now_unix_nanos()), text);
    say(&format!("five services and a worker, two instances each, in {}", folder.display()));
    let store = open_store(&folder, &doors)?;
    let receiver = Receiver::start(SocketAddr::from(([127, 0, 0, 1], 0)), &store).await?;
    let page = Page::start(&args, &doors, &folder, &store, receiver.address).await?;
    let fleet = Fleet::start(&folder, receiver.address, &args).await?;
    say(&format!(
        "the system is up under {} requests a second, its telemetry arrives at http://{}",
        args.rate, receiver.address
    ));
    say(&outlook(&args, fleet.stage()));
    page.invite(&folder, say);
    let mut ending = if args.you_break_it { Some(Ending::listen()?) } else { None };
    let worked =
        work(&args, &doors, (&folder, &page), &fleet, &store, Arc::clone(&stream), ending.clone()).await;
    let report = worked.as_ref().ok().and_then(Option::as_ref);
    let test = report.and_then(|report| test_case::keep(report, &store, &doors, &folder));
    if let (Some(ending), Some(report)) = (&mut ending, report) {
        write_report(&doors, &folder, report)?;
        say("the verdict is out; the page shows it beside the truth - press Enter or Ctrl-C to end");
        ending.wait().await;
    }
    say("stopping the system");
    fleet.stop().await?;
    receiver.stop().await?;
    store.close();
    let report = worked?;
    let outcome = match &report {
        Some(report) => finish(&args, &doors, &folder, report)?,
        None => no_incident(&args)?,
    };
    if let Some(test) = test.filter(|_| !args.json) {
        terminal::say(&test)?;
    }
    page.end(&args, report.as_ref()).await?;
    Ok(outcome)
}

/// What is about to happen, as far as it may be told.
fn outlook(args: &Demo, stage: Option<SocketAddr>) -> String {
    if let Some(stage) = stage {
        return format!(
            "open http://{stage}/ and choose what breaks; the engine is not told - press Enter or Ctrl-C to end"
        );
    }
    let seconds = args.healthy_for;
    match args.fault {
        Fault::None => format!("nothing will break; one innocent deploy in about {seconds} s"),
        Fault::TrafficSurge | Fault::NoisyDeploys => {
            format!("in {seconds} s: {}", args.fault.says())
        }
        _ => format!("something will break in {seconds} s; the engine is not told what or when"),
    }
}

fn folder(args: &Demo, doors: &Doors) -> anyhow::Result<PathBuf> {
    let folder = args.data_dir.clone().unwrap_or_else(|| {
        let run = UnixNanos(doors.clock.now_unix_nanos()).rfc3339().replace([':', '.'], "-");
        PathBuf::from("firstcause-data").join("demo").join(run)
    });
    doors
        .disk
        .create_dir_all(&folder)
        .with_context(|| format!("failed to make the folder `{}`", folder.display()))?;
    std::path::absolute(&folder).with_context(|| format!("failed to resolve `{}`", folder.display()))
}

fn open_store(folder: &std::path::Path, doors: &Doors) -> anyhow::Result<Store> {
    let config = store::Config::new(folder.join("store"));
    Store::open(config, Arc::clone(&doors.disk), Arc::clone(&doors.clock)).context("failed to open the store")
}

/// Watches until something is wrong and resolves it; nothing when the time is over and all is well.
async fn work(
    args: &Demo,
    doors: &Doors,
    (folder, page): (&std::path::Path, &Page),
    fleet: &Fleet,
    store: &Store,
    stream: Arc<Stream>,
    ending: Option<Ending>,
) -> anyhow::Result<Option<Report>> {
    let sources = sources(store);
    let (desk, mut opened) = Desk::new(Arc::clone(&doors.clock), Box::new(OsChance));
    let gaps = Arc::clone(&stream);
    let clock = Arc::clone(&doors.clock);
    // The demo's own exporters send five times a second.
    let watched = Watched { space: Space::default(), arrival_seconds: 1 };
    let watch =
        orchestrator::watch::run(watched, sources.clone(), Arc::clone(&doors.clock), desk, move |gap| {
            gaps.line(UnixNanos(clock.now_unix_nanos()), gap);
        });
    let patience = Duration::from_secs(args.healthy_for + ALERT_SECONDS_MAX);
    let given_up = async {
        match ending {
            Some(mut ending) => ending.wait().await,
            None => tokio::time::sleep(patience).await,
        }
    };
    let first = async {
        tokio::select! {
            () = watch => None,
            () = given_up => None,
            first = opened.recv() => first,
        }
    };
    let Some(Opened { incident, alert }) = first.await else { return Ok(None) };
    let resolver = Resolver {
        sources,
        clock: Arc::clone(&doors.clock),
        disk: Arc::clone(&doors.disk),
        data_dir: folder.join("store"),
        remedy: Some(remedy(args, doors, folder, (fleet, page))?),
    };
    let closed = resolver
        .resolve(&incident, alert, page.follow(&incident, stream))
        .await
        .context("failed to work on the incident")?;
    Ok(Some(closed.report))
}

fn remedy(
    args: &Demo,
    doors: &Doors,
    folder: &std::path::Path,
    (fleet, page): (&Fleet, &Page),
) -> anyhow::Result<Remedy> {
    let inventory_text = allowed::inventory(args);
    write_file(&*doors.disk, &folder.join("inventory.toml"), inventory_text.as_bytes())?;
    let policy_text = if args.ask { String::new() } else { allowed::policy() };
    write_file(&*doors.disk, &folder.join("policy.toml"), policy_text.as_bytes())?;
    let clock = Arc::clone(&doors.clock);
    let now: Now = Arc::new(move || clock.now_unix_nanos());
    let person = page.people(folder, &now);
    let policy = Policy::parse(&policy_text).context("failed to read the policy")?;
    Ok(Remedy {
        inventory: Inventory::parse(&inventory_text).context("failed to read the inventory")?,
        approvals: Arc::new(PolicyChannel::new(policy, Authority::new(), person, now)),
        executor: Arc::new(ProcessExecutor::new(fleet.socket().to_owned())),
    })
}

fn no_incident(args: &Demo) -> anyhow::Result<Outcome> {
    if args.you_break_it {
        terminal::say("no incident until the end")?;
        return Ok(Outcome::AsAsked);
    }
    let watched = args.healthy_for + ALERT_SECONDS_MAX;
    let text = if args.json {
        serde_json::json!({ "schema": "firstcause.demo/1", "incident": null, "watched_s": watched })
            .to_string()
    } else {
        format!("no incident in {watched} s")
    };
    terminal::say(&text)?;
    // A fault that was not noticed is a negative result; no fault and no alarm is what was asked for.
    Ok(if is_faultless(args.fault) { Outcome::AsAsked } else { Outcome::Negative })
}

/// Whether no incident is what was asked for.
fn is_faultless(fault: Fault) -> bool {
    fault.script(1.0).is_some_and(|script| script.causes.is_empty())
}

/// Whether a cause of this fault has a fix.
fn has_profile(fault: Fault) -> bool {
    fault.script(1.0).is_some_and(|script| script.causes.iter().any(|cause| cause.profile.is_some()))
}

/// Writes the report as page and as JSON, and the conclusion; returns the JSON.
fn write_report(doors: &Doors, folder: &std::path::Path, report: &Report) -> anyhow::Result<String> {
    let page = server::page::report(report);
    let text = serde_json::to_string_pretty(report).context("failed to write the report as JSON")?;
    let conclusion =
        canonical::to_text(&report.diagnosis).context("failed to write the conclusion as JSON")?;
    write_file(&*doors.disk, &folder.join("report.html"), page.as_bytes())?;
    write_file(&*doors.disk, &folder.join("conclusion.json"), conclusion.as_bytes())?;
    // Last: whoever waits for it finds the others.
    write_file(&*doors.disk, &folder.join("report.json"), text.as_bytes())?;
    Ok(text)
}

fn finish(args: &Demo, doors: &Doors, folder: &std::path::Path, report: &Report) -> anyhow::Result<Outcome> {
    let text = write_report(doors, folder, report)?;
    let html = folder.join("report.html");
    let journal = folder.join("store/spaces/default/incidents").join(format!("{}.journal", report.incident));
    if args.json {
        terminal::say(&text)?;
    } else {
        terminal::say(&terminal::render(report))?;
        terminal::say(&format!("    report  {}\n   journal  {}", html.display(), journal.display()))?;
    }
    let is_refused =
        |resolution: &Resolution| resolution.approvals.iter().any(|approval| !approval.is_granted);
    if report.resolution.as_ref().is_some_and(is_refused) {
        return Ok(Outcome::Refused);
    }
    let is_fixed =
        report.verification.as_ref().is_some_and(incident::report::VerificationSummary::is_complete);
    if args.you_break_it {
        // What was asked for is only known to the page, which says whether the answer is right.
        return Ok(Outcome::AsAsked);
    }
    // Nothing can be proven where nothing fits: a cause with no action proposed is all that was asked for.
    let is_explained = !has_profile(args.fault)
        && report.root_cause.is_some()
        && report.resolution.as_ref().is_none_or(|resolution| resolution.actions.is_empty());
    Ok(if is_fixed || is_explained { Outcome::AsAsked } else { Outcome::Negative })
}
