//! The first stage: the symptom in words and the onset with its interval.

use evidence::change_point;
use evidence::series::{self, Series};
use incident::{Alert, AlertSignal, EvidenceKind, Onset, Symptom};
use telemetry::answer::Table;
use telemetry::time::SECOND_NS;
use telemetry::{Note, NoteKind, QuestionId, Stage, UnixNanos, Window};

use crate::ledger::{Fact, Ledger};
use crate::rules::load_steady;

/// Seconds of the longest window that the watch looks at.
const WATCHED_SECONDS_MAX: f64 = 20.0;
/// Seconds of which something must be seen for it to be called wrong.
const SEEN_SECONDS_MIN: i64 = 4;

/// A symptom as a sentence.
pub(super) fn symptom_note(symptom: &Symptom) -> Note {
    Note::new(Stage::Detect, NoteKind::Learned, symptom_text(symptom))
}

pub(super) fn symptom_text(symptom: &Symptom) -> String {
    let (before, now) = (symptom.baseline.value.get(), symptom.observed.value.get());
    match symptom.signal {
        AlertSignal::Latency => format!(
            "`{}` {} is slow: median {before:.1} ms -> {now:.1} ms (x{:.1}, {} requests)",
            symptom.service,
            symptom.operation,
            now / before.max(0.1),
            symptom.observed.count
        ),
        AlertSignal::Throughput => format!(
            "`{}` {} takes fewer messages: {before:.1} -> {now:.1} a second",
            symptom.service, symptom.operation
        ),
        AlertSignal::Errors if symptom.baseline.count == 0 => format!(
            "`{}` {} is new and fails: {:.1} % of its first {} requests",
            symptom.service,
            symptom.operation,
            now * 100.0,
            symptom.observed.count
        ),
        AlertSignal::Errors => format!(
            "`{}` {} fails: {:.1} % -> {:.1} % of requests ({} requests)",
            symptom.service,
            symptom.operation,
            before * 100.0,
            now * 100.0,
            symptom.observed.count
        ),
    }
}

/// The onset of the worst symptom, from the change point of its series.
///
/// # Errors
/// Says why it cannot be told: too little is known, or what the alert says is not there.
pub(super) fn onset(alert: &Alert, ledger: &mut Ledger, question: &QuestionId) -> Result<Onset, String> {
    let short = || "the series of the alert is too short to tell when it began".to_owned();
    let symptom = alert.symptoms.first().ok_or_else(short)?;
    let Some(Table::Onset(rows)) = ledger.table(question) else {
        return Err(short());
    };
    let series = series::of(rows, |row| symptom.is_of(&row.subject.service, &row.subject.operation));
    let points = points(&series, symptom, alert);
    let found = change_point::find_rise(&points, not_after(symptom)).ok_or_else(short)?;
    let onset = Onset { at: found.at, earliest: found.earliest, latest: found.latest };
    ledger.prove(Fact {
        kind: EvidenceKind::ChangePoint,
        statement: format!(
            "`{}` {} changed level at {} ({:.1} -> {:.1})",
            symptom.service,
            symptom.operation,
            onset.at.clock(),
            found.before,
            found.after
        ),
        numbers: &[
            ("level_before", found.before),
            ("level_after", found.after),
            ("seconds_of_data", points.len() as f64),
            ("interval_seconds", (found.latest.since(found.earliest) / SECOND_NS) as f64),
        ],
        questions: &[question],
        window: Some(Window::new(alert.history_from, alert.at)),
        trace: None,
    });
    let is_there = found.after >= RISE_MIN * found.before || has_more_requests(&series, onset);
    if symptom.signal == AlertSignal::Latency && !is_there {
        return Err(format!(
            "`{}` {} takes {:.1} ms since {} and {:.1} ms before: what the alert says is hardly there, or began before what \
             was looked at",
            symptom.service,
            symptom.operation,
            found.after,
            onset.at.clock(),
            found.before
        ));
    }
    Ok(onset)
}

/// Whether more is asked of it since then: load is an answer of its own, whatever a request takes.
fn has_more_requests(series: &Series, onset: Onset) -> bool {
    let rate = |is_meant: &dyn Fn(UnixNanos) -> bool| {
        let counts: Vec<u64> = series
            .iter()
            .filter(|(second, _)| is_meant(**second))
            .map(|(_, figures)| figures.count)
            .collect();
        counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64
    };
    let before = rate(&|second| second < onset.earliest);
    before > 0.0 && rate(&|second| second >= onset.latest) >= load_steady::GROWTH_MIN * before
}

/// Growth of a latency below which nobody is blamed for it: so much a busy minute does.
const RISE_MIN: f64 = 1.1;

/// The second in which it began at the latest. Of the short windows that the watch looks at four seconds in five are
/// bad, so it began in the second one at the latest. A longer window is that of an alert rule of somebody else, whose
/// figure is of the window as a whole: it may have begun anywhere within.
fn not_after(symptom: &Symptom) -> UnixNanos {
    let window = symptom.observed_window;
    if window.seconds() > WATCHED_SECONDS_MAX {
        window.to.plus_seconds(-SEEN_SECONDS_MIN)
    } else {
        window.from.plus_seconds(1)
    }
}

/// The series whose rise is the onset, second by second.
fn points(series: &Series, symptom: &Symptom, alert: &Alert) -> Vec<(UnixNanos, f64)> {
    let of_second = |second: &UnixNanos, figures: &series::Second| match symptom.signal {
        AlertSignal::Latency => (*second, figures.mean_ms()),
        // One failure in a hundred as the floor: a rate of zero has no logarithm.
        AlertSignal::Errors => (*second, 0.01 + figures.errors as f64 / figures.count.max(1) as f64),
        AlertSignal::Throughput => (*second, 1.0 / (1.0 + figures.count as f64)),
    };
    let is_dense = symptom.signal == AlertSignal::Latency || symptom.baseline.count > 0;
    if is_dense && symptom.signal != AlertSignal::Throughput {
        return series.iter().map(|(second, figures)| of_second(second, figures)).collect();
    }
    // What is missing, and what is new, shows in the seconds without a request as well.
    let first = match symptom.signal {
        AlertSignal::Throughput => series.keys().next().copied().unwrap_or(alert.history_from),
        _ => alert.history_from,
    };
    let seconds = alert.at.since(first).max(0) / SECOND_NS;
    (0..seconds)
        .map(|offset| first.floor_second().plus_seconds(offset))
        .map(|second| of_second(&second, &series.get(&second).copied().unwrap_or_default()))
        .collect()
}

pub(super) fn onset_text(onset: Onset) -> String {
    let early = onset.at.since(onset.earliest) / SECOND_NS;
    let late = onset.latest.since(onset.at) / SECOND_NS;
    format!("it began at {} UTC (-{early} s, +{late} s)", onset.at.clock())
}
