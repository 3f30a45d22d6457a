//! An alert that names nothing: who is blamed for a lost step or a used-up resource, who is ruled out, and when nobody is.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

#[path = "../switched/mod.rs"]
mod switched;
mod without_spans;

use std::collections::BTreeMap;
use std::sync::Arc;

use incident::{Alert, Conclusion, ConclusionKind, EvidenceKind, Fault, HypothesisStatus};
use investigation::{Diagnosis, Settings};
use telemetry::answer::{
    Answer, Block, EdgeRow, LogTemplateRow, SelfTimeRow, SelfTimeTable, SeriesFigures, SeriesKind, SeriesRow,
    Subject, Table,
};
use telemetry::time::SECOND_NS;
use telemetry::{
    Answered, Ask, AskError, Inquiry, LogRecord, Next, Question, Resource, SourceName, Space, Span, SpanId,
    SpanKind, StatusCode, TraceId, UnixNanos, Value, Window,
};

/// Seconds of the data, and when the fault begins.
const END: i64 = 1200;
const ONSET: i64 = 1000;

/// front calls back: `back` writes two lines, and `front` a line before and one after the call.
#[derive(Clone, Copy, Default)]
struct World {
    /// `back` throws after its first line, and front never gets behind the call.
    throws: bool,
    /// Only every so many seconds a request comes in; 1 when zero.
    every: i64,
    /// The computing time of `back` rises to all there is.
    is_busy: bool,
    /// Calls of `back` are on their way for a third of a second.
    is_far: bool,
    /// No source knows anything.
    is_mute: bool,
    /// Spans of `back` fail, and those of `front` with them.
    fails: bool,
    /// `back` takes thirty times as long itself.
    is_slow: bool,
    /// Log lines carry no trace, and `front` writes of every failed call.
    is_untraced: bool,
    /// When the alert fires; at the end when zero.
    alerted: i64,
    /// Until when there are requests; to the end when zero.
    until: i64,
}

struct Data {
    spans: Vec<Span>,
    logs: Vec<LogRecord>,
}

impl World {
    fn data(self) -> Data {
        let mut data = Data { spans: Vec::new(), logs: Vec::new() };
        let until = if self.until == 0 { END } else { self.until };
        for second in (0..until).step_by(self.every.max(1) as usize) {
            let is_bad = self.throws && second >= ONSET;
            let trace = TraceId((second as u128 + 1).to_be_bytes());
            data.span(trace, (1, None), "front", "GET /cart", second);
            data.span(trace, (2, Some(1)), "back", "prices", second);
            if self.is_untraced {
                continue;
            }
            data.log(trace, 1, "front", second, (9, "web.Cart#10 asks"));
            data.log(trace, 2, "back", second, (9, "Prices#20 looked up"));
            if is_bad {
                data.log(trace, 2, "back", second, (17, "Prices#29 no price"));
                data.log(trace, 1, "front", second, (17, "web.Errors#1 failed"));
            } else {
                data.log(trace, 2, "back", second, (9, "Prices#25 found"));
                data.log(trace, 1, "front", second, (9, "web.Cart#15 answers"));
            }
        }
        data
    }

    fn series(self, good: Window, bad: Window) -> Vec<SeriesRow> {
        let row = |service: &str, is_busy: bool| {
            let figures = |window: Window| {
                let points = window.from.0 / (15 * SECOND_NS)..window.to.0 / (15 * SECOND_NS);
                let values: Vec<f64> = points
                    .map(|point| if is_busy && point * 15 >= ONSET { 99.0 } else { 4.0 + (point % 3) as f64 })
                    .collect();
                SeriesFigures::of(&values)
            };
            SeriesRow {
                service: service.to_owned(),
                instance: format!("{service}-1"),
                version: String::new(),
                metric: "CpuUsage".to_owned(),
                unit: "%".to_owned(),
                attributes: Vec::new(),
                kind: SeriesKind::Gauge,
                good: figures(good),
                bad: figures(bad),
            }
        };
        vec![row("back", self.is_busy), row("front", false)]
    }

    /// Calls by minute; delays vary a little.
    fn edges(self, window: Window) -> Vec<EdgeRow> {
        let minutes = window.from.0.div_euclid(60 * SECOND_NS)..window.to.0.div_euclid(60 * SECOND_NS);
        let edge = |caller: &str, callee: &str| {
            let delay_ms = |minute: i64| match self.is_far && callee == "back" && minute * 60 >= ONSET {
                true => 300 + minute % 7,
                false => 2 + (minute * 5) % 7,
            };
            let block = |minute: i64| Block {
                second: UnixNanos(minute * 60 * SECOND_NS),
                count: 1,
                sum_ns: delay_ms(minute) * 1_000_000,
            };
            EdgeRow {
                caller: caller.to_owned(),
                callee: callee.to_owned(),
                is_instrumented: true,
                count: 1,
                errors: 0,
                client_sum_ns: 0,
                server_sum_ns: 0,
                delay_p50_ns: 0,
                clock_offset_p50_ns: 0,
                blocks: minutes.clone().map(block).collect(),
                resends: 0,
                queue: None,
            }
        };
        vec![edge("door", "front"), edge("front", "back"), edge("front", "other")]
    }

    /// Exclusive times of both services: `front` waits for `back`, which is no time of its own.
    fn self_time(self, window: Window) -> SelfTimeTable {
        let row = |service: &str, ms: &dyn Fn(i64) -> i64| {
            let seconds = (window.from.0 / SECOND_NS)..(window.to.0 / SECOND_NS);
            let blocks: Vec<Block> = seconds
                .clone()
                .step_by(5)
                .map(|second| Block {
                    second: UnixNanos(second * SECOND_NS),
                    count: 1,
                    sum_ns: ms(second) * 1_000_000,
                })
                .collect();
            let bad = blocks.iter().filter(|block| block.second.0 >= ONSET * SECOND_NS).count() as u64;
            let errors = if self.fails { bad } else { 0 };
            SelfTimeRow {
                subject: Subject {
                    service: service.to_owned(),
                    operation: "GET".to_owned(),
                    instance: String::new(),
                    version: String::new(),
                },
                entry: "GET".to_owned(),
                kind: SpanKind::Server,
                resource: String::new(),
                database: String::new(),
                count: blocks.len() as u64,
                error_origins: if service == "back" { errors } else { 0 },
                errors,
                sum_ns: blocks.iter().map(|block| block.sum_ns).sum(),
                p50_ns: 0,
                p95_ns: 0,
                lead_ns: 0,
                blocks,
            }
        };
        let back = |second: i64| if self.is_slow && second >= ONSET { 60 } else { 2 + second % 3 };
        let rows = vec![row("back", &back), row("front", &|second| 3 + second % 2)];
        SelfTimeTable { traces: 1, rows, lanes: Vec::new() }
    }

    fn answer(self, data: &Data, question: &Question) -> Result<Answer, AskError> {
        match &question.ask {
            Ask::Paths { window, scope } if !self.is_mute => {
                Ok(telemetry::paths::of(&data.spans, &data.logs, *window, scope))
            }
            Ask::Edges { window, .. } if !self.is_mute => {
                Ok(Answer::exact(Table::Edges(self.edges(*window))))
            }
            Ask::SeriesChange { good, bad, .. } if !self.is_mute => {
                Ok(Answer::exact(Table::SeriesChange(self.series(*good, *bad))))
            }
            Ask::SelfTime { window, .. } if !self.is_mute => {
                Ok(Answer::exact(Table::SelfTime(self.self_time(*window))))
            }
            Ask::LogTemplates { window, .. } if self.is_untraced => {
                Ok(Answer::exact(Table::LogTemplates(self.lines(*window))))
            }
            // Every line is told as its template, too: what carries a trace is told better by the paths.
            Ask::LogTemplates { window, .. } if !self.is_mute => {
                Ok(Answer::exact(Table::LogTemplates(data.templates(*window))))
            }
            other => Err(AskError::Unsupported(other.name().to_owned())),
        }
    }

    /// What `front` writes: a line a second, and another one for every call that failed.
    fn lines(self, window: Window) -> Vec<LogTemplateRow> {
        let seconds = |from: i64| (window.to.0 / SECOND_NS - (window.from.0 / SECOND_NS).max(from)).max(0);
        let failed = if self.fails { seconds(ONSET) } else { 0 };
        let row = |severity, text: &str, count: i64| template("front", (severity, text), count as u64);
        [row(9, "served", seconds(0)), row(17, "no answer from back", failed)]
            .into_iter()
            .filter(|row| row.count > 0)
            .collect()
    }

    fn diagnose(self) -> Conclusion {
        self.diagnose_with(Settings::default())
    }

    fn diagnose_with(self, settings: Settings) -> Conclusion {
        let data = self.data();
        let at = if self.alerted == 0 { END } else { self.alerted };
        diagnose(at, settings, |question| self.answer(&data, question))
    }
}

/// What an alert at second `at` that names nothing is told to come from, when `answer` is asked.
fn diagnose(
    at: i64,
    settings: Settings,
    answer: impl Fn(&Question) -> Result<Answer, AskError>,
) -> Conclusion {
    let alert = Alert {
        space: Space::default(),
        origin: "test".to_owned(),
        at: UnixNanos(at * SECOND_NS),
        history_from: UnixNanos(0),
        dedupe_key: "test".to_owned(),
        symptoms: Vec::new(),
    };
    let mut machine = Diagnosis::with(alert, settings);
    let mut answers = Vec::new();
    for _ in 0..8 {
        match machine.step(&answers).next {
            Next::Done(conclusion) => return conclusion,
            Next::Ask(questions) => {
                let answered = |question: &Question| Answered {
                    question: question.id.clone(),
                    source: SourceName("tables".into()),
                    result: answer(question),
                };
                answers = questions.iter().map(answered).collect();
            }
        }
    }
    panic!("the diagnosis does not end")
}

/// So many lines of a service.
fn template(service: &str, (severity, text): (u8, &str), count: u64) -> LogTemplateRow {
    LogTemplateRow {
        service: service.to_owned(),
        severity,
        template: text.to_owned(),
        count,
        first: UnixNanos(ONSET * SECOND_NS),
        third: UnixNanos(ONSET * SECOND_NS),
        example: text.to_owned(),
        attributes: Vec::new(),
    }
}

impl Data {
    /// The lines of a window by service and text.
    fn templates(&self, window: Window) -> Vec<LogTemplateRow> {
        let mut counts: BTreeMap<(&str, u8, &str), u64> = BTreeMap::new();
        for log in self.logs.iter().filter(|log| window.contains(log.at)) {
            let text = log.body.as_text().unwrap();
            *counts.entry((&log.resource.service, log.severity as u8, text)).or_default() += 1;
        }
        let row = |((service, severity, text), count)| template(service, (severity, text), count);
        counts.into_iter().map(row).collect()
    }

    fn resource(service: &str) -> Arc<Resource> {
        Arc::new(Resource { service: Arc::from(service), ..Resource::default() })
    }

    fn span(
        &mut self,
        trace_id: TraceId,
        (id, parent): (u8, Option<u8>),
        service: &str,
        name: &str,
        second: i64,
    ) {
        self.spans.push(Span {
            trace_id,
            span_id: SpanId([id; 8]),
            parent: parent.map(|id| SpanId([id; 8])),
            name: Arc::from(name),
            kind: SpanKind::Server,
            start: UnixNanos(second * SECOND_NS),
            end: UnixNanos(second * SECOND_NS + 1000),
            status: StatusCode::Unset,
            message: Arc::from(""),
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            resource: Self::resource(service),
        });
    }

    fn log(&mut self, trace: TraceId, span: u8, service: &str, second: i64, (severity, text): (i32, &str)) {
        let place = self.logs.len() as i64 % 100;
        self.logs.push(LogRecord {
            at: UnixNanos(second * SECOND_NS + place),
            trace_id: Some(trace),
            span_id: Some(SpanId([span; 8])),
            severity,
            body: Value::Text(Arc::from(text)),
            attributes: Vec::new(),
            resource: Self::resource(service),
        });
    }
}

#[test]
fn the_deepest_lost_step_is_the_cause_and_the_caller_that_is_cut_short_is_ruled_out() {
    let conclusion = World { throws: true, every: 5, ..World::default() }.diagnose();
    let cause = conclusion.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::LostStep));
    assert_eq!(cause.span, "Prices#20 -> Prices#25");
    assert!(cause.statement.contains("Prices#29"), "the error is told: {}", cause.statement);
    assert!(!cause.evidence.is_empty());
    assert!(cause.evidence.iter().all(|id| conclusion.evidence.iter().any(|item| item.id == *id)));
    let ruled_out = conclusion.ruled_out.first().expect("front is ruled out");
    assert_eq!(ruled_out.candidate.service, "front");
    let onset = conclusion.onset.expect("an onset");
    assert!(onset.earliest.0 <= ONSET * SECOND_NS && ONSET * SECOND_NS <= onset.latest.0, "{onset:?}");
}

#[test]
fn a_resource_in_full_use_is_the_cause_where_no_path_is_broken() {
    let conclusion = World { is_busy: true, every: 5, ..World::default() }.diagnose();
    let cause = conclusion.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.resource.as_str()), ("back", "CpuUsage(%)"));
    assert_eq!((cause.fault, cause.instances), (Fault::ResourceExhausted, vec!["back-1".to_owned()]));
}

#[test]
fn a_service_that_is_far_away_is_the_cause_and_not_the_one_that_waits_for_it() {
    let conclusion = World { is_far: true, every: 5, ..World::default() }.diagnose();
    let cause = conclusion.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::SlowEdge), "{}", cause.statement);
    assert!(cause.statement.contains("`front` to `back`"), "{}", cause.statement);
    assert!(cause.evidence.iter().all(|id| conclusion.evidence.iter().any(|item| item.id == *id)));
}

#[test]
fn errors_are_the_cause_where_they_begin_and_longer_work_where_it_is_done() {
    let failing = World { fails: true, every: 5, ..World::default() }.diagnose();
    let cause = failing.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
    let slow = World { is_slow: true, every: 5, ..World::default() }.diagnose();
    let cause = slow.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::SlowWork), "{}", cause.statement);
    assert!(cause.evidence.iter().all(|id| slow.evidence.iter().any(|item| item.id == *id)));
    // What tells why stands before it.
    let both = World { is_slow: true, throws: true, every: 5, ..World::default() }.diagnose();
    assert_eq!(both.root_cause.expect("a cause").fault, Fault::LostStep);
}

#[test]
fn who_logs_that_its_callee_failed_is_not_blamed_for_it() {
    let world = World { fails: true, is_untraced: true, ..World::default() };
    let conclusion = world.diagnose();
    let cause = conclusion.root_cause.as_ref().expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
    let front = conclusion.hypotheses.iter().find(|one| one.candidate.service == "front").expect("it logs");
    assert!(front.statement.contains("no answer from back"), "{}", front.statement);
    assert_eq!(front.status, HypothesisStatus::Refuted);
    assert!(conclusion.ruled_out[0].why.contains("on the way to `back`"), "{:?}", conclusion.ruled_out);
}

#[test]
fn lines_that_carry_their_trace_are_told_by_the_ways_of_requests_alone() {
    let conclusion = World { throws: true, ..World::default() }.diagnose();
    assert_eq!(conclusion.root_cause.expect("a cause").fault, Fault::LostStep);
    let of_lines = conclusion.evidence.iter().filter(|item| item.kind == EvidenceKind::ErrorLines);
    assert_eq!(of_lines.count(), 0);
}

#[test]
fn nobody_is_blamed_for_nothing_or_for_what_may_be_chance() {
    let healthy = World { every: 5, ..World::default() }.diagnose();
    assert_eq!(healthy.kind, ConclusionKind::Insufficient);
    assert!(healthy.hypotheses.is_empty() && healthy.root_cause.is_none());
    // Four requests before and one since: lost is lost, but that may be chance.
    let rare = World { throws: true, every: 250, ..World::default() }.diagnose();
    assert_eq!(rare.kind, ConclusionKind::Insufficient);
    assert!(rare.hypotheses.iter().all(|one| one.status != HypothesisStatus::Supported));
    let mute = World { is_mute: true, every: 5, ..World::default() }.diagnose();
    assert_eq!(mute.kind, ConclusionKind::Insufficient);
    assert!(mute.gaps.iter().any(|gap| gap.missing.contains("paths")), "{:?}", mute.gaps);
}

#[test]
fn what_may_be_chance_at_the_alert_is_looked_at_again_a_minute_later() {
    let early = World { throws: true, every: 20, alerted: ONSET + 10, ..World::default() };
    let conclusion = early.diagnose();
    let cause = conclusion.root_cause.expect("three more requests went the same way");
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::LostStep));
    let ids: Vec<_> = conclusion.evidence.iter().map(|item| &item.id).collect();
    assert!(cause.evidence.iter().all(|id| ids.contains(&id)), "nothing of the first look is cited");
    // When nothing more comes, the one request stays what it was.
    let over = World { until: ONSET + 10, ..early }.diagnose();
    assert_eq!(over.kind, ConclusionKind::Insufficient);
}

#[test]
fn the_same_answers_give_the_same_conclusion() {
    let conclusion = || World { throws: true, every: 5, ..World::default() }.diagnose();
    assert_eq!(conclusion(), conclusion());
}

#[test]
fn a_measure_or_rule_that_is_switched_off_says_nothing() {
    let run = |world: World| move |settings| world.diagnose_with(settings);
    let has_cause = |conclusion: &Conclusion| conclusion.root_cause.is_some();
    let throws = World { throws: true, every: 5, ..World::default() };
    switched::check("lost_events", run(throws), has_cause);
    switched::check("saturation", run(World { is_busy: true, every: 5, ..World::default() }), has_cause);
    switched::check("late_edges", run(World { is_far: true, every: 5, ..World::default() }), has_cause);
    switched::check("excess_in_callee", run(throws), switched::rules_out("excess_in_callee"));
}
