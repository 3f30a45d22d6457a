//! The back ends that are asked: which of its questions each answers, what it lacks for the others, how fresh its data are,
//! whether the clocks agree, and which conventions its spans follow.

use std::collections::BTreeSet;

use telemetry::answer::{Table, TraceRow};
use telemetry::time::SECOND_NS;
use telemetry::{
    Answer, Ask, AskError, Cancel, Limits, Question, QuestionId, Scope, Source, Space, UnixNanos, Window,
};

use super::Finding;
use crate::asked;
use crate::config::Asked;
use crate::wiring::Doors;

const CHECK: &str = "source";
/// How far back data are looked for.
const BACK_SECONDS: i64 = 300;
/// Age of the latest data from which they are called old: scrapes and exports come at least once a minute.
const OLD_SECONDS: i64 = 120;

/// How far ahead of this machine's clock a span may lie; NTP keeps clocks much closer.
const AHEAD_SECONDS: i64 = 2;
/// Attributes that were renamed when the conventions for HTTP (1.23) and databases (1.33) became stable, and new names.
const OLD_NAMES: [&str; 6] =
    ["db.statement", "db.system", "http.method", "http.status_code", "http.url", "net.peer.name"];
const NEW_NAMES: [&str; 4] =
    ["db.query.text", "db.system.name", "http.request.method", "http.response.status_code"];

/// What was found of each source.
pub(super) async fn check(asked: &Asked, doors: &Doors) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, settings) in &asked.sources {
        let alone = Asked { sources: [(name.clone(), settings.clone())].into(), ..Asked::default() };
        match asked::open(&alone, &[]) {
            Err(error) => findings.push(Finding::failed(CHECK, &error, "look at [sources.NAME]")),
            Ok(opened) => {
                let needs = settings.needs().unwrap_or("a source of a known kind");
                for source in opened {
                    findings.extend(one(&*source, needs, UnixNanos(doors.clock.now_unix_nanos())).await);
                }
            }
        }
    }
    findings
}

/// What is asked of a source, as far as it declares it: a few minutes of everything.
fn questions(source: &dyn Source, window: Window) -> Vec<Ask> {
    let scope = Scope::all;
    let half = Window::new(window.from, window.from.plus_seconds(BACK_SECONDS / 2));
    let bad = Window::new(half.to, window.to);
    let all = [
        Ask::Onset { window, scope: scope() },
        Ask::Exemplars { window, scope: scope(), limit: 1 },
        Ask::SelfTime { window: bad, scope: scope() },
        Ask::Edges { window: bad, scope: scope() },
        Ask::Paths { window: bad, scope: scope() },
        Ask::Compare { good: half, bad, scope: scope() },
        Ask::LogTemplates { window: bad, scope: scope() },
        Ask::SeriesChange { good: half, bad, scope: scope(), metrics: vec!["process.cpu.time".to_owned()] },
        Ask::Topology { window },
        Ask::State { window, scope: scope() },
        Ask::Changes { window, scope: scope() },
    ];
    all.into_iter().filter(|ask| source.can().answers(ask.name())).collect()
}

async fn answer(source: &dyn Source, ask: Ask, now: UnixNanos) -> Result<Answer, AskError> {
    let question = Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: now };
    source.ask(&question, Limits::default(), &Cancel::default()).await
}

/// Asks a source all that it declares; one finding over all, and one for each question that fails.
async fn one(source: &dyn Source, needs: &str, now: UnixNanos) -> Vec<Finding> {
    let (name, window) = (source.name(), Window::new(now.plus_seconds(-BACK_SECONDS), now));
    let (mut findings, mut answered, mut known) = (Vec::new(), Vec::new(), Vec::new());
    for ask in questions(source, window) {
        let asked = ask.name();
        match answer(source, ask, now).await {
            Ok(answer) => {
                answered.push(asked);
                known.extend(told(source, &answer.table, now).await);
            }
            Err(error @ AskError::LimitReached(_)) => findings.push(Finding::warning(
                CHECK,
                format!("`{name}` answers {asked} in part: {error}"),
                "ask it for less, raise its [budget], or count elsewhere",
            )),
            Err(error) => {
                let text = format!("`{name}` does not answer {asked}: {error}");
                let (says, hint) = text.split_once("; hint: ").unwrap_or((&text, needs));
                let is_alone = answered.is_empty() && findings.is_empty();
                findings.push(Finding::problem(CHECK, says, format!("{hint}; it needs: {needs}")));
                // Who is not there is not there for the other questions either.
                if is_alone && text.contains("is it running") {
                    return findings;
                }
            }
        }
    }
    if !answered.is_empty() {
        findings.insert(0, Finding::ok(CHECK, format!("`{name}` answers {}", answered.join(", "))));
    }
    findings.extend(known);
    findings
}

/// What an answer tells of the data: how fresh they are, whether the clocks agree, which conventions they follow.
async fn told(source: &dyn Source, table: &Table, now: UnixNanos) -> Option<Finding> {
    let name = source.name();
    match table {
        Table::Onset(rows) => {
            let services: BTreeSet<&str> = rows.iter().map(|row| row.subject.service.as_str()).collect();
            let Some(latest) = rows.iter().map(|row| row.second).max() else {
                let says = format!("`{name}` knows of no request in the last five minutes");
                return Some(Finding::warning(
                    CHECK,
                    says,
                    "`firstcause config sources` tells what is looked for",
                ));
            };
            let age = now.since(latest) / SECOND_NS;
            let says =
                format!("`{name}` knows requests of {} services, the latest {age} s ago", services.len());
            if age > OLD_SECONDS {
                return Some(Finding::warning(
                    CHECK,
                    says,
                    "do its data come late, or do the clocks differ?",
                ));
            }
            if services.contains("unknown_service") {
                let says = format!("{says}; some are of `unknown_service`");
                return Some(Finding::warning(CHECK, says, "OTEL_SERVICE_NAME for every process"));
            }
            Some(Finding::ok(CHECK, says))
        }
        Table::Exemplars(rows) => {
            let row = rows.iter().max_by_key(|row| row.start)?;
            if row.start.since(now) > AHEAD_SECONDS * SECOND_NS {
                let says = format!("`{name}` has spans of {} s from now", row.start.since(now) / SECOND_NS);
                return Some(Finding::warning(
                    CHECK,
                    says,
                    "the clocks differ: is NTP running on both sides?",
                ));
            }
            let Ok(Answer { table: Table::Trace(spans), .. }) =
                answer(source, Ask::Trace { trace_id: row.trace_id }, now).await
            else {
                return None;
            };
            conventions(&name.0, &spans)
        }
        _ => None,
    }
}

/// Which semantic conventions the spans of a trace follow.
fn conventions(name: &str, spans: &[TraceRow]) -> Option<Finding> {
    let keys: BTreeSet<&str> =
        spans.iter().flat_map(|span| &span.attributes).map(|(key, _)| key.as_str()).collect();
    let old: Vec<&str> = OLD_NAMES.iter().copied().filter(|key| keys.contains(key)).collect();
    let is_stable = NEW_NAMES.iter().any(|key| keys.contains(key));
    let says = match (old.as_slice(), is_stable) {
        ([], false) => return None,
        ([], true) => format!("`{name}` has spans by the stable semantic conventions (1.23 and later)"),
        (old, _) => format!("`{name}` has spans by older semantic conventions: {}", old.join(", ")),
    };
    Some(Finding::ok(CHECK, says))
}

#[cfg(test)]
mod tests {
    use telemetry::answer::Subject;
    use telemetry::{SpanId, SpanKind, StatusCode};

    use super::*;

    fn span(key: &str) -> TraceRow {
        let subject = Subject {
            service: "web".to_owned(),
            operation: "GET".to_owned(),
            instance: String::new(),
            version: String::new(),
        };
        TraceRow {
            span_id: SpanId([1; 8]),
            parent: None,
            subject,
            kind: SpanKind::Server,
            start: UnixNanos(0),
            duration_ns: 1,
            exclusive_ns: 1,
            edge_delay_ns: None,
            status: StatusCode::Ok,
            attributes: vec![(key.to_owned(), "x".to_owned())],
        }
    }

    #[test]
    fn conventions_are_told_by_the_names_of_attributes() {
        let says = |key: &str| conventions("t", &[span(key)]).map(|finding| finding.says);
        assert!(says("http.request.method").is_some_and(|says| says.contains("stable")));
        assert!(
            says("http.method").is_some_and(|says| says.contains("older") && says.contains("http.method"))
        );
        assert_eq!(says("own.key"), None);
    }
}
