//! Claims about the log records of a request.
//!
//! An exception that a span recorded counts as a record of level ERROR: many libraries write no other.

use telemetry::signal::attribute;

use super::judge::{Runs, fail, judged, open, pass};
use super::{Judged, Level, LogPattern, Run, Texts, Verdict};

/// Characters of a message shown.
const SHOWN_CHARS_MAX: usize = 120;

/// No record of the runs fits. Without any record at all nothing is proven.
pub(super) fn absent(line: usize, pattern: &LogPattern, runs: &Runs<'_>, texts: &dyn Texts) -> Judged {
    let all: Vec<_> = runs.runs.iter().flat_map(records).collect();
    let found = all.iter().find(|record| fits(record, pattern, texts));
    let outcome = match found {
        Some((level, text)) => {
            let level = level.map_or("no level", Level::name);
            fail(format!("{level}: {}", text.chars().take(SHOWN_CHARS_MAX).collect::<String>()))
        }
        None if all.is_empty() && !pattern.is_optional => no_records(),
        None => pass(format!("none of {} log records", all.len())),
    };
    let judged = judged(line, format!("log_absent {}", words(pattern)), all.len(), outcome);
    Judged { is_vacuous: all.is_empty(), ..judged }
}

/// Each run has a record that fits.
pub(super) fn present(line: usize, pattern: &LogPattern, runs: &Runs<'_>, texts: &dyn Texts) -> Judged {
    let has = |run: &&Run| records(run).iter().any(|record| fits(record, pattern, texts));
    let with = runs.runs.iter().filter(has).count();
    let detail = format!("{with} of {} runs have it", runs.runs.len());
    let is_met = with == runs.runs.len() && with > 0;
    let outcome = match (is_met, pattern.is_optional && with == 0) {
        (true, _) | (_, true) => pass(detail),
        _ => fail(detail),
    };
    let judged = judged(line, format!("log_present {}", words(pattern)), with, outcome);
    Judged { is_vacuous: with == 0, ..judged }
}

fn no_records() -> (Verdict, String) {
    open("no log record came with these traces, so their absence proves nothing")
}

fn words(pattern: &LogPattern) -> String {
    let level = pattern.level.map(|level| format!("level {}", level.name()));
    let message = pattern.message.as_ref().map(|message| format!("message /{message}/"));
    level.into_iter().chain(message).collect::<Vec<_>>().join(" ")
}

fn records(run: &Run) -> Vec<(Option<Level>, String)> {
    let written = run.logs.iter().map(|log| (Level::of(log.severity), log.body.render()));
    let events = run.spans.iter().flat_map(|span| &span.events);
    let thrown = events.filter(|event| &*event.name == "exception").map(|event| {
        let text = |key: &str| attribute(&event.attributes, key).map(telemetry::Value::render);
        let parts = [text("exception.type"), text("exception.message")];
        (Some(Level::Error), parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
    });
    written.chain(thrown).collect()
}

fn fits((level, text): &(Option<Level>, String), pattern: &LogPattern, texts: &dyn Texts) -> bool {
    pattern.level.is_none_or(|wanted| *level == Some(wanted))
        && pattern.message.as_ref().is_none_or(|message| texts.is_match(message, text))
}

/// The messages of level ERROR or above, for the derivation.
pub(super) fn errors(run: &Run) -> Vec<String> {
    let is_error = |level: &Option<Level>| matches!(level, Some(Level::Error | Level::Fatal));
    records(run).into_iter().filter(|(level, _)| is_error(level)).map(|(_, text)| text).collect()
}
