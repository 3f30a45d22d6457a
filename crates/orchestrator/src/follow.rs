//! From one identifier to what it touched, over all sources: lines that hold it, the traces that those name, the instances
//! that worked on them, and what was deployed there.
//!
//! The next identifier is always one that an answer gave: a line's trace id, a span's service and instance, a pod's name.
//! Nothing is guessed from how an identifier looks, but for a trace id, which is told by its form. Concludes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use platform::clock::Clock;
use serde::Serialize;
use telemetry::answer::{ChangeRow, LogRow, MessageRow, StateKind, StateRow, Table, TraceRow};
use telemetry::{Ask, AskError, Question, QuestionId, Scope, Space, StatusCode, TraceId, UnixNanos, Window};

use crate::sources::Sources;

/// Traces that are looked up, lines and services that are gone on with.
const TRACES_MAX: usize = 5;
const LINES_MAX: usize = 20;
const SERVICES_MAX: usize = 10;
/// Seconds before the window in which the deploy is looked for that was in force.
const DEPLOYS_BACK: i64 = 7 * 86_400;

/// What was found, in the order in which one led to the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Followed {
    /// What was followed.
    pub id: String,
    /// The steps.
    pub steps: Vec<Step>,
    /// Who could not be asked what, and why.
    pub gaps: Vec<String>,
}

/// One thing that an identifier led to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `line`, `message`, `trace`, `instance`, `pod`, `deploy`.
    pub kind: &'static str,
    /// What it is known by.
    pub id: String,
    /// The identifier that led to it.
    pub by: String,
    /// What is known of it.
    pub text: String,
    /// Who told it.
    pub source: String,
    /// When it was, or since when it is.
    pub at: UnixNanos,
}

/// Follows `id` through what `sources` know of `window`.
pub async fn follow(sources: &Sources, clock: &Arc<dyn Clock>, id: &str, window: Window) -> Followed {
    let mut following =
        Following { sources, clock, found: Followed { id: id.to_owned(), ..Followed::default() } };
    let traces = following.traces(id, window).await;
    let instances = following.instances(traces).await;
    following.homes(instances, window).await;
    following.found
}

/// Who worked on it: service, and the instances and pods of it with when they were first seen.
type Instances = BTreeMap<String, BTreeMap<String, UnixNanos>>;

struct Following<'a> {
    sources: &'a Sources,
    clock: &'a Arc<dyn Clock>,
    found: Followed,
}

impl Following<'_> {
    /// Asks everybody; the rows of each who answered.
    async fn ask<T>(&mut self, asks: Vec<Ask>, rows: fn(Table) -> Option<Vec<T>>) -> Vec<(String, Vec<T>)> {
        let names: BTreeSet<&str> = asks.iter().map(Ask::name).collect();
        let what = names.into_iter().collect::<Vec<_>>().join(", ");
        let question = |(place, ask)| Question {
            id: QuestionId::numbered(place + 1),
            space: Space::default(),
            ask,
            not_before: UnixNanos(0),
        };
        let questions: Vec<Question> = asks.into_iter().enumerate().map(question).collect();
        let mut answered = Vec::new();
        for one in self.sources.ask(&questions, self.clock).await {
            match one.result {
                Ok(answer) => answered.extend(rows(answer.table).map(|rows| (one.source.0, rows))),
                Err(AskError::Unsupported(_)) => self.gap(format!("nobody answers `{what}`")),
                Err(error) => self.gap(format!("{}: {error}", one.source.0)),
            }
        }
        answered
    }

    fn gap(&mut self, gap: String) {
        if !self.found.gaps.contains(&gap) {
            self.found.gaps.push(gap);
        }
    }

    fn step(
        &mut self,
        kind: &'static str,
        (id, by): (&str, &str),
        text: String,
        (source, at): (&str, UnixNanos),
    ) {
        let step = Step { kind, id: id.to_owned(), by: by.to_owned(), text, source: source.to_owned(), at };
        if !self.found.steps.contains(&step) {
            self.found.steps.push(step);
        }
    }

    /// The traces that lines or messages with this identifier belong to, and those that it is.
    async fn traces(&mut self, id: &str, window: Window) -> Vec<TraceId> {
        let mut traces: Vec<TraceId> = id.parse().into_iter().collect();
        let ask = Ask::LogSearch { window, scope: Scope::all(), text: id.to_owned() };
        let lines = self.ask(vec![ask], |table| match table {
            Table::LogSearch(rows) => Some(rows),
            _ => None,
        });
        for (source, rows) in lines.await {
            for row in rows.into_iter().take(LINES_MAX) {
                traces.extend(row.trace_id);
                let by = id.to_owned();
                self.line(&source, &by, &row);
            }
        }
        let ask = Ask::Message { message_id: id.to_owned() };
        let messages = self.ask(vec![ask], |table| match table {
            Table::Message(rows) => Some(rows),
            _ => None,
        });
        for (source, rows) in messages.await {
            for MessageRow { at, step, subject, queue, trace_id, .. } in rows {
                traces.push(trace_id);
                let text = format!("{step:?} by {} on `{queue}`", subject.service).to_lowercase();
                self.step("message", (&trace_id.to_string(), id), text, (&source, at));
            }
        }
        let mut seen = BTreeSet::new();
        traces.retain(|trace| seen.insert(*trace));
        if traces.len() > TRACES_MAX {
            self.gap(format!("{} more traces are not followed", traces.len() - TRACES_MAX));
            traces.truncate(TRACES_MAX);
        }
        traces
    }

    fn line(&mut self, source: &str, by: &str, row: &LogRow) {
        let trace = row.trace_id.map(|trace| format!(" (trace {trace})")).unwrap_or_default();
        self.step("line", (&row.service, by), format!("{}{trace}", row.body), (source, row.at));
    }

    /// Who worked on these traces.
    async fn instances(&mut self, traces: Vec<TraceId>) -> Instances {
        let mut instances = Instances::new();
        for trace_id in traces {
            let told = self.ask(vec![Ask::Trace { trace_id }], |table| match table {
                Table::Trace(rows) => Some(rows),
                _ => None,
            });
            for (source, rows) in told.await {
                self.trace(&source, trace_id, &rows, &mut instances);
            }
        }
        instances
    }

    fn trace(&mut self, source: &str, trace_id: TraceId, rows: &[TraceRow], instances: &mut Instances) {
        let Some(first) = rows.iter().map(|row| row.start).min() else { return };
        let id = trace_id.to_string();
        let failed = rows.iter().filter(|row| row.status == StatusCode::Error).count();
        let text = format!("{} spans, {failed} of them failed", rows.len());
        let by = self.found.id.clone();
        self.step("trace", (&id, &by), text, (source, first));
        for row in rows {
            let subject = &row.subject;
            let known = instances.entry(subject.service.clone()).or_default();
            known.entry(subject.instance.clone()).or_insert(row.start);
            let version = if subject.version.is_empty() { "unknown" } else { &subject.version };
            let text = format!("{} in version {version}", subject.service);
            let name = if subject.instance.is_empty() { &subject.service } else { &subject.instance };
            self.step("instance", (name, &id), text, (source, first));
        }
    }

    /// Where those ran, and what was deployed there by then.
    async fn homes(&mut self, mut instances: Instances, window: Window) {
        let services = instances.len();
        if services > SERVICES_MAX {
            self.gap(format!("{} more services are not followed", services - SERVICES_MAX));
            instances = instances.into_iter().take(SERVICES_MAX).collect();
        }
        if instances.is_empty() {
            return;
        }
        let scopes = || instances.keys().map(|service| Scope::service(service));
        let states = scopes().map(|scope| Ask::State { window, scope }).collect();
        let states = self.ask(states, |table| match table {
            Table::State(rows) => Some(rows),
            _ => None,
        });
        for (source, rows) in states.await {
            rows.iter().for_each(|row| self.pod(&source, row, &instances));
        }
        let earlier = Window::new(window.from.plus_seconds(-DEPLOYS_BACK), window.to);
        let changes = scopes().map(|scope| Ask::Changes { window: earlier, scope }).collect();
        let changes = self.ask(changes, |table| match table {
            Table::Changes(rows) => Some(rows),
            _ => None,
        });
        let told = changes.await;
        for (service, known) in &instances {
            let Some(first) = known.values().min() else { continue };
            let in_force =
                told.iter().filter_map(|(source, rows)| Some((source, latest(rows, service, *first)?)));
            for (source, row) in in_force.collect::<Vec<_>>() {
                let before =
                    if row.before.is_empty() { String::new() } else { format!(", before it {}", row.before) };
                let commit =
                    row.detail.as_ref().map(|detail| detail.commit.as_str()).filter(|id| !id.is_empty());
                let commit = commit.map(|id| format!(", commit {id}")).unwrap_or_default();
                let text = format!("{service} was changed to {}{before}{commit}", row.after);
                self.step("deploy", (&row.after, service), text, (source, row.at));
            }
        }
    }

    fn pod(&mut self, source: &str, row: &StateRow, instances: &Instances) {
        let is_its = instances.get(&row.service).is_some_and(|known| {
            known.keys().any(|instance| !instance.is_empty() && row.name.split('/').next() == Some(instance))
        });
        if !is_its || !matches!(row.kind, StateKind::Pod | StateKind::Container) {
            return;
        }
        let told =
            |name: &str| row.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let parts =
            ["node", "image"].into_iter().filter_map(|name| Some(format!(", {name} {}", told(name)?)));
        let text = format!("{}{}", row.status, parts.collect::<String>());
        self.step("pod", (&row.name, &row.service), text, (source, row.since.unwrap_or(row.at)));
    }
}

/// The last change of a service that was in force at a moment.
fn latest<'a>(rows: &'a [ChangeRow], service: &str, at: UnixNanos) -> Option<&'a ChangeRow> {
    let its = rows.iter().filter(|row| row.service == service && row.kind.takes_effect() && row.at <= at);
    its.max_by_key(|row| row.at)
}

#[cfg(test)]
mod tests {
    use platform::clock::SystemClock;
    use telemetry::answer::{ChangeKind, Subject};
    use telemetry::{Answer, Answerer, Cancel, Capabilities, Limits, Source, SpanId, SpanKind};

    use super::*;
    use crate::sources::Blocking;

    const TRACE: TraceId = TraceId([7; 16]);

    /// A source that answers one question from a table.
    #[derive(Clone)]
    struct Told(&'static str, fn() -> Result<Table, AskError>);

    impl Answerer for Told {
        fn can(&self) -> Capabilities {
            Capabilities { questions: vec![self.0.to_owned()] }
        }

        fn answer(&self, _: &Question, _: &Limits, _: &Cancel) -> Result<Answer, AskError> {
            (self.1)().map(Answer::exact)
        }
    }

    fn at(second: i64) -> UnixNanos {
        UnixNanos(0).plus_seconds(second)
    }

    fn line() -> Result<Table, AskError> {
        Ok(Table::LogSearch(vec![LogRow {
            at: at(101),
            service: "orders".to_owned(),
            instance: String::new(),
            severity: 17,
            body: "order A-77 was not written".to_owned(),
            trace_id: Some(TRACE),
            span_id: None,
            attributes: Vec::new(),
        }]))
    }

    fn trace() -> Result<Table, AskError> {
        let span = |number: u8, service: &str, status: StatusCode| TraceRow {
            span_id: SpanId([number; 8]),
            parent: None,
            subject: Subject {
                service: service.to_owned(),
                operation: "POST /".to_owned(),
                instance: format!("{service}-7d9c"),
                version: "2.0".to_owned(),
            },
            kind: SpanKind::Server,
            start: at(100),
            duration_ns: 1,
            exclusive_ns: 1,
            edge_delay_ns: None,
            status,
            attributes: Vec::new(),
        };
        Ok(Table::Trace(vec![span(1, "web", StatusCode::Ok), span(2, "orders", StatusCode::Error)]))
    }

    fn state() -> Result<Table, AskError> {
        let row = |name: &str, service: &str| StateRow {
            at: at(90),
            since: Some(at(50)),
            kind: StateKind::Pod,
            service: service.to_owned(),
            name: name.to_owned(),
            status: "Running".to_owned(),
            text: String::new(),
            figures: Vec::new(),
            attributes: vec![("node".to_owned(), "n1".to_owned())],
        };
        Ok(Table::State(vec![row("orders-7d9c", "orders"), row("orders-other", "orders")]))
    }

    fn deploys() -> Result<Table, AskError> {
        let deploy = |second: i64, before: &str, after: &str| ChangeRow {
            at: at(second),
            kind: ChangeKind::Deploy,
            service: "orders".to_owned(),
            instance: String::new(),
            before: before.to_owned(),
            after: after.to_owned(),
            detail: None,
        };
        Ok(Table::Changes(vec![
            deploy(10, "1.8", "1.9"),
            deploy(60, "1.9", "2.0"),
            deploy(130, "2.0", "2.1"),
        ]))
    }

    fn source(name: &str, told: Told) -> Arc<dyn Source> {
        Arc::new(Blocking::new(name, told))
    }

    async fn followed(sources: Vec<Arc<dyn Source>>, id: &str) -> Followed {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        follow(&Sources::new(sources), &clock, id, Window::new(at(0), at(200))).await
    }

    // covers: AW-18
    #[tokio::test]
    async fn a_number_in_a_line_leads_over_four_sources_to_the_deploy_that_was_in_force() {
        let sources = vec![
            source("lines", Told("log_search", line)),
            source("traces", Told("trace", trace)),
            source("cluster", Told("state", state)),
            source("deploys", Told("changes", deploys)),
        ];
        let found = followed(sources, "A-77").await;
        let steps: Vec<(&str, &str, &str)> =
            found.steps.iter().map(|step| (step.kind, &*step.id, &*step.source)).collect();
        let trace = TRACE.to_string();
        let expected = [
            ("line", "orders", "lines"),
            ("trace", &*trace, "traces"),
            ("instance", "web-7d9c", "traces"),
            ("instance", "orders-7d9c", "traces"),
            ("pod", "orders-7d9c", "cluster"),
            ("deploy", "2.0", "deploys"),
        ];
        assert_eq!(steps, expected, "{found:#?}");
        assert_eq!(found.steps[1].text, "2 spans, 1 of them failed");
        assert_eq!(found.gaps, ["nobody answers `message`"]);
    }

    #[tokio::test]
    async fn who_fails_is_a_gap_and_what_nobody_knows_leads_nowhere() {
        let fails = || Err(AskError::Unavailable("connection refused".to_owned()));
        let empty = || Ok(Table::LogSearch(Vec::new()));
        let sources =
            vec![source("lines", Told("log_search", empty)), source("traces", Told("trace", fails))];
        let found = followed(sources, "A-77").await;
        assert!(found.steps.is_empty(), "{found:#?}");
        // A trace id is one by its form, whoever holds it.
        let sources = vec![source("traces", Told("trace", fails))];
        let found = followed(sources, &TRACE.to_string()).await;
        assert!(
            found.gaps.iter().any(|gap| gap == "traces: source unavailable: connection refused"),
            "{found:#?}"
        );
    }
}
