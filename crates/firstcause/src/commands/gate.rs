//! `gate`: judges traces by expectations and exits with the verdict.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use evidence::expectations::{Gate, Judged, Run, Verdict, gate, split};
use replay::junit::Case;
use replay::traces::{ReadTracesError, Traces};
use server::client::AskServerError;
use telemetry::{Answer, Ask, Question, QuestionId, Scope, Space, Table, TraceId, UnixNanos, Window};

use crate::cli::{self, VerdictForms};
use crate::failure::{Failure, Outcome};
use crate::remote;
use crate::terminal;
use crate::wiring::{Doors, write_file};

/// Exemplars of each choice that are judged when no trace is named.
const EXEMPLARS: u8 = 10;

/// Runs the command.
pub(crate) async fn run(args: cli::Gate) -> anyhow::Result<Outcome> {
    let file = expectations(&args.expectations)?;
    let mut runs = traces(&args.trace)?;
    if let Some(url) = &args.url {
        runs.extend(fetch(url, &args).await?);
    }
    let baseline = (!args.baseline.is_empty()).then(|| traces(&args.baseline)).transpose()?;
    let gate = gate(&file.expectations, &runs, baseline.as_deref(), &file.patterns);
    let cases = cases(&gate);
    if args.forms.json {
        let mut document = serde_json::to_value(&gate).context("failed to write the verdict as JSON")?;
        add_schema(&mut document, "firstcause.gate/1");
        terminal::say(&serde_json::to_string_pretty(&document)?)?;
    } else {
        terminal::say(&render(&gate, runs.len()))?;
    }
    tell(&args.forms, "firstcause gate", &args.expectations, &cases)?;
    Ok(if gate.is_green { Outcome::AsAsked } else { Outcome::Negative })
}

/// Reads a file of expectations.
pub(super) fn expectations(path: &Path) -> anyhow::Result<replay::File> {
    let shown = path.display();
    let bytes = Doors::real().disk.read(path).map_err(|error| {
        Failure::usage(
            format!("failed to read the expectations `{shown}`: {error}"),
            "give a YAML file with a list `expectations:`",
        )
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::usage(format!("`{shown}` is no UTF-8"), "save it as UTF-8"))?;
    replay::expectations::read(&text).map_err(|error| {
        Failure::usage(
            format!("failed to read the expectations `{shown}`: {error}"),
            "the README's section \"Keep the fix as a test\" shows the language",
        )
    })
}

/// Reads trace files as runs, and says what was left out.
pub(super) fn traces(paths: &[PathBuf]) -> anyhow::Result<Vec<Run>> {
    let disk = Doors::real().disk;
    let mut all = Traces::default();
    for path in paths {
        let read = replay::traces::read_file(&*disk, path).map_err(|error| {
            let why = match &error {
                ReadTracesError::Unreadable { source, .. } => format!("{error}: {source}"),
                ReadTracesError::Malformed { .. } => error.to_string(),
            };
            Failure::usage(why, "give OTLP/JSON, OTLP protobuf (`.pb`), or the output of `ask trace --json`")
        })?;
        all.extend(read);
    }
    if all.rejected > 0 {
        terminal::say_aside(&format!("left out: {} spans or records without usable ids", all.rejected));
    }
    Ok(all.into_runs())
}

async fn fetch(url: &str, args: &cli::Gate) -> anyhow::Result<Vec<Run>> {
    let at = address(url)?;
    let ids = if args.trace_id.is_empty() {
        exemplars(at, args.since).await?
    } else {
        let parse = |text: &String| {
            text.parse::<TraceId>().map_err(|error| {
                Failure::usage(format!("`--trace-id`: {error}"), "`firstcause ask exemplars` lists trace ids")
            })
        };
        args.trace_id.iter().map(parse).collect::<anyhow::Result<Vec<_>>>()?
    };
    let mut runs = Vec::new();
    for trace_id in ids {
        let Table::Trace(rows) = ask(at, Ask::Trace { trace_id }).await?.table else { continue };
        runs.extend(split(replay::traces::spans_of(&rows), Vec::new()));
    }
    Ok(runs)
}

async fn exemplars(at: SocketAddr, since: u64) -> anyhow::Result<Vec<TraceId>> {
    let now = UnixNanos(Doors::real().clock.now_unix_nanos());
    let back = i64::try_from(since).unwrap_or(i64::MAX / 2_000_000_000);
    let window = Window::new(now.plus_seconds(-back), now);
    let answer = ask(at, Ask::Exemplars { window, scope: Scope::all(), limit: EXEMPLARS }).await?;
    let Table::Exemplars(rows) = answer.table else { return Ok(Vec::new()) };
    let mut ids: Vec<TraceId> = rows.iter().map(|row| row.trace_id).collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

async fn ask(at: SocketAddr, ask: Ask) -> anyhow::Result<Answer> {
    let not_before = UnixNanos(Doors::real().clock.now_unix_nanos());
    let question = Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before };
    remote::ask(at, &question).await.map_err(|error| match &error {
        AskServerError::Unreachable { .. } => {
            Failure::unreachable(error.to_string(), "is `firstcause serve` running? `--url` says where")
        }
        AskServerError::Refused { code, .. } => {
            Failure::usage(error.to_string(), remote::hint(code).unwrap_or("see `firstcause ask --help`"))
        }
    })
}

/// The address in `http://127.0.0.1:8080`; no names are looked up, but for this machine's own.
fn address(url: &str) -> anyhow::Result<SocketAddr> {
    let bare = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    bare.replace("localhost", "127.0.0.1").parse().map_err(|_| {
        Failure::usage(
            format!("`{url}` is no address of a Firstcause"),
            "for example http://127.0.0.1:8080; plain HTTP and a literal address",
        )
    })
}

/// What is reported line by line: each claim, and whether they make a regression test.
pub(super) fn cases(gate: &Gate) -> Vec<Case> {
    let case = |judged: &Judged| Case {
        name: judged.claim.clone(),
        line: judged.line,
        verdict: judged.verdict,
        detail: judged.detail.clone(),
    };
    let mut cases: Vec<Case> = gate.judged.iter().map(case).collect();
    if !gate.is_green && cases.iter().all(|case| case.verdict == Verdict::Pass) {
        let (name, detail) = ("regression test".to_owned(), gate.reason.clone());
        cases.push(Case { name, line: 1, verdict: Verdict::Fail, detail });
    }
    cases
}

/// Writes and prints the forms that were asked for, besides the main one.
pub(super) fn tell(forms: &VerdictForms, suite: &str, file: &Path, cases: &[Case]) -> anyhow::Result<()> {
    let file = file.display().to_string();
    if let Some(path) = &forms.junit {
        let document = replay::junit::document(suite, &file, cases);
        write_file(&*Doors::real().disk, path, document.as_bytes())?;
    }
    if forms.annotations.is_asked {
        for command in replay::annotations(&file, cases) {
            // With JSON on standard output, commands go where the runner reads them as well.
            if forms.json { terminal::say_aside(&command) } else { terminal::say(&command)? }
        }
    }
    Ok(())
}

pub(super) fn add_schema(document: &mut serde_json::Value, schema: &str) {
    if let Some(object) = document.as_object_mut() {
        object.insert("schema".to_owned(), schema.into());
    }
}

/// The verdict for people.
pub(super) fn render(gate: &Gate, runs: usize) -> String {
    let mut text = String::new();
    for judged in &gate.judged {
        let word = match judged.verdict {
            Verdict::Pass => "green",
            Verdict::Fail => "red",
            Verdict::Inconclusive => "open",
        };
        let (claim, detail) = (terminal::plain(&judged.claim), terminal::plain(&judged.detail));
        text += &format!("{word:<5}  line {:>3}  {claim} - {detail}\n", judged.line);
    }
    let flipped = gate
        .flipped
        .map(|flipped| format!("; {flipped} were red on the baseline and are green now"))
        .unwrap_or_default();
    let word = if gate.is_green { "green" } else { "red" };
    let why = if gate.reason.is_empty() { String::new() } else { format!(": {}", gate.reason) };
    text + &format!("gate {word}{why} ({} claims, {runs} runs{flipped})", gate.judged.len())
}
