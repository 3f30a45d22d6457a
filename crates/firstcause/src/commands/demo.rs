//! `demo`: a real system breaks, and Firstcause explains it, fixes it and proves the fix.
//!
//! This process is the engine: it receives signals, watches, investigates and asks for approved restarts. The
//! services, their load, their deployments and the actuator are other processes of the same binary; what they
//! planned stands in `truth.json`, which this process never reads before the verdict.

mod fleet;
mod page;
mod test_case;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use demo::fault::{Fault, REMEDIES};
use demo::service::Role;
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
    say(&format!("five services, two instances each, in {}", folder.display()));
    let store = open_store(&folder, &doors)?;
    let receiver = Receiver::start(SocketAddr::from(([127, 0, 0, 1], 0)), &store).await?;
    let page = Page::start(&args, &doors, &folder, &store, receiver.address).await?;
    let fleet = Fleet::start(&folder, receiver.address, &args).await?;
    say(&format!(
        "the system is up under {} requests a second, its telemetry arrives at http://{}",
        args.rate, receiver.address
    ));
    say(&match args.fault {
        Fault::None => format!("nothing will break; one innocent deploy in about {} s", args.healthy_for),
        Fault::TrafficSurge | Fault::NoisyDeploys => {
            format!("in {} s: {}; nothing will break", args.healthy_for, args.fault.says())
        }
        _ => format!("something will break in {} s; the engine is not told what or when", args.healthy_for),
    });
    page.invite(&folder, say);
    let worked = work(&args, &doors, (&folder, &page), &fleet, &store, Arc::clone(&stream)).await;
    let report = worked.as_ref().ok().and_then(Option::as_ref);
    let test = report.and_then(|report| test_case::keep(report, &store, &doors, &folder));
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
    let first = async {
        tokio::select! {
            () = watch => None,
            first = tokio::time::timeout(patience, opened.recv()) => first.ok().flatten(),
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
    let inventory_text = inventory(args);
    write_file(&*doors.disk, &folder.join("inventory.toml"), inventory_text.as_bytes())?;
    let policy_text = if args.ask { String::new() } else { policy() };
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

/// The fixes that this engine has a profile for.
fn remedies() -> impl Iterator<Item = &'static demo::fault::Remedy> {
    let is_known = |name: &str| remediation::profiles::all().iter().any(|profile| profile.name == name);
    REMEDIES.iter().filter(move |remedy| is_known(remedy.profile))
}

/// The demo's policy: these reversible fixes need no person.
fn policy() -> String {
    let rule = |remedy: &demo::fault::Remedy| {
        format!("[[rule]]\nspace = \"default\"\nprofile = \"{}\"\nmode = \"auto\"\n\n", remedy.profile)
    };
    remedies().map(rule).collect()
}

/// What the operator of the demo allows. Every service has the same fixes, so that the inventory does not give the
/// cause away.
fn inventory(args: &Demo) -> String {
    let fix = |remedy: &demo::fault::Remedy| {
        let (variable, value) = match (args.placebo, args.worse) {
            (true, _) => remedy.placebo,
            (_, true) => remedy.worse,
            _ => remedy.fix,
        };
        format!("[[target.fix]]\nprofile = \"{}\"\nset = {{ {variable} = \"{value}\" }}\n\n", remedy.profile)
    };
    let fixes: String = remedies().map(fix).collect();
    let target = |role: Role| {
        let service = role.name();
        format!(
            "[[target]]\nservice = \"{service}\"\ninstances = [\"{service}-1\", \"{service}-2\"]\n{fixes}"
        )
    };
    Role::ALL.map(target).concat()
}

fn no_incident(args: &Demo) -> anyhow::Result<Outcome> {
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

fn finish(args: &Demo, doors: &Doors, folder: &std::path::Path, report: &Report) -> anyhow::Result<Outcome> {
    let page = server::page::report(report);
    let (html, json) = (folder.join("report.html"), folder.join("report.json"));
    let text = serde_json::to_string_pretty(report).context("failed to write the report as JSON")?;
    write_file(&*doors.disk, &html, page.as_bytes())?;
    write_file(&*doors.disk, &json, text.as_bytes())?;
    let conclusion =
        canonical::to_text(&report.diagnosis).context("failed to write the conclusion as JSON")?;
    write_file(&*doors.disk, &folder.join("conclusion.json"), conclusion.as_bytes())?;
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
    // Nothing can be proven where nothing fits: a cause with no action proposed is all that was asked for.
    let is_explained = !has_profile(args.fault)
        && report.root_cause.is_some()
        && report.resolution.as_ref().is_none_or(|resolution| resolution.actions.is_empty());
    Ok(if is_fixed || is_explained { Outcome::AsAsked } else { Outcome::Negative })
}
