//! Keeps the fix as a test: traces from when it failed and from after the fix, and the expectations between them.
//!
//! Both come out of the store by the question `exemplars`; nothing is made up, and what cannot be derived or does not
//! hold is said. The gate judges the files as they were written, the way continuous integration would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use evidence::expectations::{Expectations, Run, derive, gate, split, to_yaml};
use incident::{Report, Verdict};
use replay::traces::{spans_of, to_otlp_json};
use store::Store;
use telemetry::answer::{Choice, TraceRow};
use telemetry::{
    Answerer, Ask, Cancel, Limits, Question, QuestionId, Scope, Table, TraceId, UnixNanos, Window,
};

use crate::wiring::{Doors, write_file};

/// Traces of each side.
const TRACES_MAX: usize = 5;
/// Exemplars asked for, of which those of one request are kept.
const EXEMPLARS: u8 = 10;

/// Writes the test of a fix that was proven, and says what it is worth; nothing when no fix was.
pub(super) fn keep(report: &Report, store: &Store, doors: &Doors, folder: &Path) -> Option<String> {
    let windows = windows(report)?;
    Some(match write(&windows, store, doors, folder) {
        Ok(said) => said,
        Err(error) => format!("      test  not kept: {error:#}"),
    })
}

/// Where to look for failing and for fixed requests.
struct Windows {
    scope: Scope,
    failing: Window,
    fixed: Window,
}

fn windows(report: &Report) -> Option<Windows> {
    let cause = report.root_cause.as_ref()?;
    let trial = report.resolution.as_ref()?.verifications.last()?;
    if trial.verdict != Verdict::Effective {
        return None;
    }
    let symptom = report.diagnosis.symptoms.iter().find(|symptom| symptom.operation == cause.operation);
    let failing = symptom.or(report.diagnosis.symptoms.first())?.observed_window;
    let scope = Scope { operation: Some(cause.operation.clone()), ..Scope::service(&trial.trial.service) };
    Some(Windows { scope, failing, fixed: trial.after })
}

fn write(windows: &Windows, store: &Store, doors: &Doors, folder: &Path) -> anyhow::Result<String> {
    let failing = traces(store, windows, windows.failing, &[Choice::Worst])?;
    // The slowest healthy requests make the limits robust, unless one of them was an outlier.
    let sides = [&[Choice::Typical, Choice::Worst][..], &[Choice::Typical]]
        .map(|of| traces(store, windows, windows.fixed, of));
    let mut derived = None;
    for fixed in sides {
        let Some((failing, fixed)) = same_request(&failing, &fixed?) else { continue };
        let (bad, good) = (runs(&failing), runs(&fixed));
        let expectations = derive(&bad, &good, &replay::Patterns::default());
        if !expectations.items.is_empty() {
            derived = Some((failing, fixed, expectations));
            break;
        }
    }
    let Some((failing, fixed, expectations)) = derived else {
        bail!("nothing that is so in every failing trace is otherwise in every fixed one");
    };
    let files = Files::in_folder(folder);
    files.write(doors, (&failing, &fixed), &expectations)?;
    files.judge(doors)
}

/// The traces of a window that were chosen for one of `choices`, those by turns.
fn traces(
    store: &Store,
    windows: &Windows,
    window: Window,
    choices: &[Choice],
) -> anyhow::Result<Vec<Vec<TraceRow>>> {
    let exemplars = Ask::Exemplars { window, scope: windows.scope.clone(), limit: EXEMPLARS };
    let Table::Exemplars(rows) = ask(store, exemplars)? else { bail!("the store answered something else") };
    let of = |choice: &Choice| -> Vec<TraceId> {
        rows.iter().filter(|row| row.choice == *choice).map(|row| row.trace_id).collect()
    };
    let chosen: Vec<Vec<TraceId>> = choices.iter().map(of).collect();
    // By turns, so that each choice is among the few that are kept.
    let turns =
        (0..usize::from(EXEMPLARS)).flat_map(|turn| chosen.iter().filter_map(move |ids| ids.get(turn)));
    let mut ids: Vec<TraceId> = Vec::new();
    for id in turns {
        if !ids.contains(id) {
            ids.push(*id);
        }
    }
    let mut found = Vec::new();
    for trace_id in ids {
        if let Table::Trace(rows) = ask(store, Ask::Trace { trace_id })? {
            found.push(rows);
        }
    }
    Ok(found)
}

fn ask(store: &Store, ask: Ask) -> anyhow::Result<Table> {
    let id = QuestionId::numbered(1);
    let question = Question { id, space: telemetry::Space::default(), ask, not_before: UnixNanos(0) };
    let answer = store.answer(&question, &Limits::default(), &Cancel::default());
    Ok(answer.context("failed to ask the store")?.table)
}

type Side = Vec<Vec<TraceRow>>;

/// Of the request with the most failing traces, at most [`TRACES_MAX`] of each side; nothing when no request has both.
fn same_request(failing: &Side, fixed: &Side) -> Option<(Side, Side)> {
    let by_root = |side: &Side| {
        let mut all: BTreeMap<String, Side> = BTreeMap::new();
        for rows in side {
            if let Some(root) = rows.iter().find(|row| row.parent.is_none()) {
                let name = format!("{} {}", root.subject.service, root.subject.operation);
                all.entry(name).or_default().push(rows.clone());
            }
        }
        all
    };
    let (bad, mut good) = (by_root(failing), by_root(fixed));
    let (name, mut bad) =
        bad.into_iter().filter(|(name, _)| good.contains_key(name)).max_by_key(|(_, side)| side.len())?;
    let mut good = good.remove(&name)?;
    bad.truncate(TRACES_MAX);
    good.truncate(TRACES_MAX);
    Some((bad, good))
}

fn runs(side: &Side) -> Vec<Run> {
    side.iter().flat_map(|rows| split(spans_of(rows), Vec::new())).collect()
}

/// The three files of the test.
struct Files {
    failing: PathBuf,
    fixed: PathBuf,
    expectations: PathBuf,
}

impl Files {
    fn in_folder(folder: &Path) -> Self {
        Self {
            failing: folder.join("failing.otlp.json"),
            fixed: folder.join("fixed.otlp.json"),
            expectations: folder.join("expectations.yaml"),
        }
    }

    fn write(&self, doors: &Doors, sides: (&Side, &Side), expectations: &Expectations) -> anyhow::Result<()> {
        for (side, path) in [(sides.0, &self.failing), (sides.1, &self.fixed)] {
            let lines: String = side.iter().map(|rows| to_otlp_json(&spans_of(rows), &[])).collect();
            write_file(&*doors.disk, path, lines.as_bytes())?;
        }
        write_file(&*doors.disk, &self.expectations, to_yaml(expectations).as_bytes())
    }

    /// Judges the files as they stand on the disk.
    fn judge(&self, doors: &Doors) -> anyhow::Result<String> {
        let text = doors.disk.read(&self.expectations).context("failed to read the expectations again")?;
        let file = replay::expectations::read(&String::from_utf8_lossy(&text))
            .context("failed to read the expectations again")?;
        let read = |path: &Path| -> anyhow::Result<Vec<Run>> {
            Ok(replay::traces::read_file(&*doors.disk, path)?.into_runs())
        };
        let (failing, fixed) = (read(&self.failing)?, read(&self.fixed)?);
        let on_failing = gate(&file.expectations, &failing, None, &file.patterns);
        let on_fixed = gate(&file.expectations, &fixed, Some(&failing), &file.patterns);
        let word = |is_green: bool| if is_green { "green" } else { "red" };
        let worth = if on_fixed.is_green && !on_failing.is_green {
            String::new()
        } else {
            format!("; not a test worth keeping: {}", on_fixed.reason)
        };
        Ok(format!(
            "      test  {} claims, {} on {} failing traces, {} on {} fixed ones{worth}\n            firstcause gate \
             --trace {} --baseline {} {}",
            on_fixed.judged.len(),
            word(on_failing.is_green),
            failing.len(),
            word(on_fixed.is_green),
            fixed.len(),
            self.fixed.display(),
            self.failing.display(),
            self.expectations.display()
        ))
    }
}
