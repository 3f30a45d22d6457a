//! An alert that names nothing, and no spans: who is blamed by metrics of requests or by log lines, and when nobody is.
use incident::{Conclusion, ConclusionKind, Fault};
use investigation::Settings;
use telemetry::answer::{Answer, LogTemplateRow, SeriesFigures, SeriesKind, SeriesRow, Table};
use telemetry::time::SECOND_NS;
use telemetry::{Ask, AskError, Question, Window};

use super::{END, ONSET, diagnose, switched, template};

/// `front` waits for `order`, and `order` for `stock`; nobody tells.
#[derive(Clone, Copy, Default)]
struct World {
    /// `stock` takes this many milliseconds longer, and whoever waits for it.
    slower_ms: f64,
    /// Its computing time rises to all there is.
    is_busy: bool,
    /// It logs an error once a second.
    throws: bool,
}

impl World {
    fn series(self, good: Window, bad: Window) -> Vec<SeriesRow> {
        let row = |service: &str, (metric, unit): (&str, &str), level: &dyn Fn(i64) -> f64| {
            let figures = |window: Window| {
                let seconds = window.from.0 / SECOND_NS..window.to.0 / SECOND_NS;
                // Varies by a tenth and more in a rhythm of its own.
                let values: Vec<f64> = seconds
                    .step_by(5)
                    .map(|second| level(second) * (1.0 + (second * 7 % 11) as f64 / 100.0))
                    .collect();
                SeriesFigures::of(&values)
            };
            SeriesRow {
                service: service.to_owned(),
                instance: String::new(),
                version: String::new(),
                metric: metric.to_owned(),
                unit: unit.to_owned(),
                attributes: Vec::new(),
                kind: SeriesKind::Gauge,
                good: figures(good),
                bad: figures(bad),
            }
        };
        let more = |second: i64| if second >= ONSET { self.slower_ms } else { 0.0 };
        let time = ("request.latency", "ms");
        let cpu = |second: i64| if self.is_busy && second >= ONSET { 90.0 } else { 9.0 };
        vec![
            row("front", time, &|second| 90.0 + more(second)),
            row("order", time, &|second| 50.0 + more(second)),
            row("stock", time, &|second| 8.0 + more(second)),
            row("other", time, &|_| 20.0),
            row("stock", ("cpu.usage", "%"), &cpu),
            row("order", ("cpu.usage", "%"), &|_| 20.0),
        ]
    }

    fn lines(self, window: Window) -> Vec<LogTemplateRow> {
        let row = |service: &str, severity, text: &str, from: i64| {
            let (first, last) = ((window.from.0 / SECOND_NS).max(from), window.to.0 / SECOND_NS);
            let count = u64::try_from(last - first).unwrap_or(0);
            (count > 0).then(|| template(service, (severity, text), count))
        };
        let thrown = row("stock", 17, "no such column: <*>", if self.throws { ONSET } else { END * 9 });
        let always =
            [row("stock", 9, "served", 0), row("order", 9, "served", 0), row("order", 17, "late", 0)];
        always.into_iter().chain([thrown]).flatten().collect()
    }

    fn answer(self, question: &Question) -> Result<Answer, AskError> {
        match &question.ask {
            Ask::SeriesChange { good, bad, .. } => {
                Ok(Answer::exact(Table::SeriesChange(self.series(*good, *bad))))
            }
            Ask::LogTemplates { window, .. } => Ok(Answer::exact(Table::LogTemplates(self.lines(*window)))),
            other => Err(AskError::Unsupported(other.name().to_owned())),
        }
    }

    fn diagnose_with(self, settings: Settings) -> Conclusion {
        diagnose(END, settings, |question| self.answer(question))
    }

    fn diagnose(self) -> Conclusion {
        self.diagnose_with(Settings::default())
    }
}

#[test]
fn of_services_that_wait_for_each_other_the_one_that_grew_most_is_the_cause() {
    let conclusion = World { slower_ms: 150.0, ..World::default() }.diagnose();
    let cause = conclusion.root_cause.clone().expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("stock", Fault::SlowWork), "{}", cause.statement);
    assert!(cause.statement.contains("by its metrics alone: request.latency(ms)"), "{}", cause.statement);
    assert!(!cause.evidence.is_empty());
    assert!(cause.evidence.iter().all(|id| conclusion.evidence.iter().any(|item| item.id == *id)));
    let order: Vec<&str> = conclusion.hypotheses.iter().map(|one| one.candidate.service.as_str()).collect();
    assert_eq!(order, ["stock", "order", "front"]);
}

#[test]
fn what_makes_it_slow_is_told_before_that_it_is() {
    let conclusion = World { slower_ms: 150.0, is_busy: true, ..World::default() }.diagnose();
    let cause = conclusion.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("stock", Fault::ResourceExhausted));
}

#[test]
fn an_error_that_was_never_logged_before_is_the_cause_where_nothing_else_is_seen() {
    let conclusion = World { throws: true, ..World::default() }.diagnose();
    let cause = conclusion.root_cause.expect("a cause");
    assert_eq!((cause.service.as_str(), cause.fault), ("stock", Fault::ErrorOrigin), "{}", cause.statement);
    assert!(cause.statement.contains("`no such column: <*>`"), "{}", cause.statement);
}

#[test]
fn nobody_is_blamed_for_nothing() {
    let conclusion = World::default().diagnose();
    assert_eq!(conclusion.kind, ConclusionKind::Insufficient);
    assert!(conclusion.hypotheses.is_empty(), "{:?}", conclusion.hypotheses);
}

#[test]
fn a_measure_that_is_switched_off_says_nothing() {
    let slow = |settings| World { slower_ms: 150.0, ..World::default() }.diagnose_with(settings);
    switched::check("request_metrics", slow, |said: &Conclusion| said.root_cause.is_some());
    let throwing = |settings| World { throws: true, ..World::default() }.diagnose_with(settings);
    switched::check("error_lines", throwing, |said: &Conclusion| said.root_cause.is_some());
}
