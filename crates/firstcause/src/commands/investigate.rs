//! `investigate`: explains one symptom from the back ends that are there, without a store of ours.
//!
//! Writes a journal and a report as `serve` does, and changes nothing.

use std::sync::Arc;

use eval::clock_text;
use incident::{Alert, AlertSignal, ConclusionKind, Measured, Symptom};
use orchestrator::{Resolver, Sources};
use platform::chance::OsChance;
use platform::uuid_v7;
use telemetry::answer::{OnsetRow, Table};
use telemetry::number::Num;
use telemetry::{Ask, AskError, Limits, Question, QuestionId, Scope, Space, UnixNanos, Window};

use crate::asked;
use crate::cli::investigate::{Investigate, SignalName};
use crate::config::{self, Flags};
use crate::failure::{Failure, Outcome};
use crate::terminal::{self, Stream};
use crate::wiring::{Doors, write_file};

/// Rows of an answer: an hour of some twenty services by the second.
const ROWS_MAX: usize = 100_000;

/// Runs the command. The outcome is negative when the evidence does not suffice.
pub(crate) async fn run(args: Investigate) -> anyhow::Result<Outcome> {
    let doors = Doors::real();
    let flags =
        Flags { config: args.asked.config.clone(), data_dir: args.data_dir.clone(), ..Flags::default() };
    let resolved = config::resolve(&flags, &*doors.disk)?;
    let opened = asked::open(&resolved.asked, &args.asked.source)?;
    if opened.is_empty() {
        let hint = "`--source prometheus=http://HOST:9090`, or [sources.NAME] in firstcause.toml";
        return Err(Failure::usage("there is nobody to ask", hint));
    }
    let limits = Limits { rows_max: ROWS_MAX, seconds_max: args.asked.patience, ..Limits::default() };
    let sources = asked::with_preferences(opened, &resolved.asked).within(limits);
    let now = UnixNanos(doors.clock.now_unix_nanos());
    let alert = alert(&args, now, &sources, &doors).await?;
    let resolver = Resolver {
        sources,
        clock: Arc::clone(&doors.clock),
        disk: Arc::clone(&doors.disk),
        data_dir: resolved.settings.data_dir,
        remedy: None,
    };
    let incident = format!("inc_{}", uuid_v7(&*doors.clock, &mut OsChance));
    let closed = resolver.resolve(&incident, alert, Arc::new(Stream::new(now))).await?;
    let page = resolver.incidents(&closed.report.space).join(format!("{incident}.html"));
    write_file(&*doors.disk, &page, server::page::report(&closed.report).as_bytes())?;
    if args.json {
        terminal::say(&serde_json::to_string_pretty(&closed.report)?)?;
    } else {
        terminal::say(&terminal::render(&closed.report))?;
        terminal::say(&format!("    report  {}\n   journal  {}", page.display(), closed.journal.display()))?;
    }
    Ok(match closed.report.conclusion {
        ConclusionKind::Insufficient => Outcome::Negative,
        ConclusionKind::RootCause | ConclusionKind::NoCause => Outcome::AsAsked,
    })
}

/// The alert that the arguments stand for, with the figures that the sources know.
async fn alert(
    args: &Investigate,
    now: UnixNanos,
    sources: &Sources,
    doors: &Doors,
) -> anyhow::Result<Alert> {
    let at = match args.at.as_str() {
        "now" => now,
        text => text.strip_suffix('Z').and_then(clock_text::parse).ok_or_else(|| {
            let hint = "`now`, or a time in UTC: 2026-03-02T09:14:00Z";
            Failure::usage(format!("`--at {text}` is no time"), hint)
        })?,
    };
    if at > now {
        let hint = "times are in UTC";
        return Err(Failure::usage(format!("`--at {}` is still to come", args.at), hint));
    }
    let back = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX / 4);
    let wrong_from = at.plus_seconds(-back(args.since));
    let history_from = wrong_from.plus_seconds(-back(args.history));
    let symptoms = match &args.service {
        None => Vec::new(),
        Some(service) => {
            let window = Window::new(history_from, at);
            let mut found = onset(window, Scope::service(service), sources, doors).await?;
            if found.as_ref().is_some_and(Vec::is_empty) {
                found = onset(window, Scope::all(), sources, doors).await?;
            }
            vec![symptom(args, service, found.as_deref(), (history_from, wrong_from, at))?]
        }
    };
    Ok(Alert {
        space: Space::default(),
        origin: "investigate".to_owned(),
        at,
        history_from,
        dedupe_key: "investigate".to_owned(),
        symptoms,
    })
}

/// What the first source that knows tells of requests; nothing when those that were reached cannot tell.
async fn onset(
    window: Window,
    scope: Scope,
    sources: &Sources,
    doors: &Doors,
) -> anyhow::Result<Option<Vec<OnsetRow>>> {
    let question = Question {
        id: QuestionId::numbered(1),
        space: Space::default(),
        ask: Ask::Onset { window, scope },
        not_before: window.to,
    };
    let answers = sources.ask(&[question], &doors.clock).await;
    let (mut why, mut known, mut is_limit) = (Vec::new(), None, false);
    for answered in answers {
        match answered.result.map(|answer| answer.table) {
            Ok(Table::Onset(rows)) if !rows.is_empty() => return Ok(Some(rows)),
            Ok(_) => known = Some(Vec::new()),
            Err(error) => {
                is_limit |= matches!(error, AskError::LimitReached(_));
                why.push(format!("{}: {error}", answered.source));
            }
        }
    }
    if known.is_some() || is_limit {
        return Ok(known.filter(|_| !is_limit));
    }
    let hint = "`firstcause doctor` looks at each source";
    Err(Failure::unreachable(format!("no source tells of any requests: {}", why.join("; ")), hint))
}

fn symptom(
    args: &Investigate,
    service: &str,
    found: Option<&[OnsetRow]>,
    (from, wrong_from, at): (UnixNanos, UnixNanos, UnixNanos),
) -> anyhow::Result<Symptom> {
    let rows = found.unwrap_or_default();
    let mut names: Vec<String> = rows.iter().map(|row| row.subject.service.clone()).collect();
    names.sort();
    names.dedup();
    if found.is_some() && !names.iter().any(|name| name == service) {
        let hint = if names.is_empty() {
            "no service is known there at all".to_owned()
        } else {
            config::nearest(service, &names)
        };
        return Err(Failure::usage(format!("no requests of a service `{service}` are known"), hint));
    }
    let operation = args.operation.clone().unwrap_or_default();
    let signal = match args.signal {
        SignalName::Latency => AlertSignal::Latency,
        SignalName::Errors => AlertSignal::Errors,
    };
    let (baseline_window, observed_window) = (Window::new(from, wrong_from), Window::new(wrong_from, at));
    let of = |row: &&OnsetRow| {
        row.subject.service == service && (operation.is_empty() || row.subject.operation == operation)
    };
    let its: Vec<&OnsetRow> = rows.iter().filter(of).collect();
    Ok(Symptom {
        service: service.to_owned(),
        signal,
        baseline: Measured::of(its.iter().copied(), signal, baseline_window),
        observed: Measured::of(its.iter().copied(), signal, observed_window),
        baseline_window,
        observed_window,
        q_value: Num::default(),
        operation,
    })
}
