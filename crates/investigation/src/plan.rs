//! Which questions a diagnosis asks, and over which windows.
//!
//! The three views of the bad and the good window (exclusive times, edges, exemplars), the changes, the metric series
//! and what bad requests have in common are asked together, so that they run side by side and one failing source costs only its own answer.

use evidence::measures::computing;
use evidence::symptoms::START_SECONDS;
use incident::{Alert, AlertSignal, Onset};
use telemetry::time::{SECOND_NS, Window};
use telemetry::{Ask, Question, QuestionId, Scope, Space, TraceId, UnixNanos};

/// Seconds of bad data that the contrasts need.
const BAD_SECONDS_MIN: i64 = 5;
/// Seconds after a window until its traces are closed and quiet: two by definition, one for export delays.
const SETTLE_SECONDS: i64 = 3;
/// Exemplars of each choice.
const EXEMPLARS: u8 = 3;

/// Seconds before an alert that names nothing in which what it means is taken to have begun: rules of monitoring systems
/// look at one to five minutes.
const UNNAMED_SECONDS: i64 = 300;

/// Parts of the history of metrics: one that was an incident itself is outvoted by the others.
const HISTORY_PARTS: i64 = 4;

/// Seconds of good data that must be left without the start-up; else it is kept.
const GOOD_SECONDS_MIN: i64 = 8;

/// The history before the onset, without a start-up that falls into it.
fn good_window(alert: &Alert, onset: Onset, first: UnixNanos) -> Window {
    let to = onset.earliest.plus_seconds(-1);
    let warm = first.plus_seconds(START_SECONDS);
    let is_long = to.since(warm) >= GOOD_SECONDS_MIN * SECOND_NS;
    let from = if first > alert.history_from && is_long { warm } else { alert.history_from };
    Window::new(from, to)
}

/// Numbers the questions of one investigation.
#[derive(Debug)]
pub(crate) struct Plan {
    space: Space,
    asked: usize,
}

/// The questions of the second step.
#[derive(Debug, Clone)]
pub(crate) struct Views {
    pub(crate) good: Window,
    pub(crate) bad: Window,
    pub(crate) self_time: (QuestionId, QuestionId),
    pub(crate) edges: (QuestionId, QuestionId),
    /// Of failures: the edges from the last good moment on, with the seconds in which it turned.
    pub(crate) turn: Option<QuestionId>,
    pub(crate) exemplars: (QuestionId, QuestionId),
    pub(crate) changes: QuestionId,
    pub(crate) series: QuestionId,
    /// Bad requests of the symptom against good ones.
    pub(crate) compare: QuestionId,
}

/// The questions about everything.
#[derive(Debug, Clone)]
pub(crate) struct Whole {
    pub(crate) bad: Window,
    pub(crate) paths: (QuestionId, QuestionId),
    pub(crate) edges: (QuestionId, QuestionId),
    pub(crate) self_time: (QuestionId, QuestionId),
    /// One for each part of the history.
    pub(crate) series: Vec<QuestionId>,
    /// The log lines of each part of the history, and of the bad window.
    pub(crate) logs: (Vec<QuestionId>, QuestionId),
}

impl Plan {
    pub(crate) fn new(space: Space) -> Self {
        Self { space, asked: 0 }
    }

    pub(crate) fn ask(&mut self, ask: Ask, not_before: UnixNanos) -> Question {
        self.asked += 1;
        Question { id: QuestionId::numbered(self.asked), space: self.space.clone(), ask, not_before }
    }

    /// The series that the onset is found in.
    pub(crate) fn onset(&mut self, alert: &Alert) -> Question {
        let window = Window::new(alert.history_from, alert.at);
        self.ask(Ask::Onset { window, scope: Scope::all() }, alert.at)
    }

    /// Who calls whom, over the whole history.
    pub(crate) fn topology(&mut self, alert: &Alert) -> Question {
        let window = Window::new(alert.history_from, alert.at);
        self.ask(Ask::Topology { window }, alert.at)
    }

    /// Everything until `until` against its history, for an alert that names nothing: the ways of requests, the calls
    /// and the metrics.
    pub(crate) fn whole(&mut self, alert: &Alert, until: UnixNanos) -> (Whole, Vec<Question>) {
        let from = alert.at.plus_seconds(-UNNAMED_SECONDS).max(alert.history_from);
        let (good, bad) = (Window::new(alert.history_from, from), Window::new(from, until));
        let settled = bad.to.plus_seconds(SETTLE_SECONDS);
        let paths = |window| Ask::Paths { window, scope: Scope::all() };
        let part_ns = good.to.since(good.from) / HISTORY_PARTS;
        let parts: Vec<Window> = (0..HISTORY_PARTS)
            .map(|part| {
                let at = |part: i64| UnixNanos(good.from.0.saturating_add(part * part_ns));
                Window::new(at(part), at(part + 1))
            })
            .collect();
        let series =
            |good: &Window| Ask::SeriesChange { good: *good, bad, scope: Scope::all(), metrics: Vec::new() };
        let lines = |window: &Window| Ask::LogTemplates { window: *window, scope: Scope::all() };
        let edges = |window| Ask::Edges { window, scope: Scope::all() };
        let self_time = |window| Ask::SelfTime { window, scope: Scope::all() };
        let pairs = [paths(good), paths(bad), edges(good), edges(bad), self_time(good), self_time(bad)];
        let of_parts = parts.iter().map(series).chain(parts.iter().map(lines));
        let asks = pairs.into_iter().chain(of_parts).chain([lines(&bad)]);
        let questions: Vec<Question> = asks.map(|ask| self.ask(ask, settled)).collect();
        let ids = |from: usize| -> Vec<QuestionId> {
            questions.iter().skip(from).take(parts.len()).map(|question| question.id.clone()).collect()
        };
        let id = |question: Option<&Question>| {
            question.map_or_else(|| QuestionId::numbered(0), |question| question.id.clone())
        };
        let whole = Whole {
            bad,
            paths: (id(questions.first()), id(questions.get(1))),
            edges: (id(questions.get(2)), id(questions.get(3))),
            self_time: (id(questions.get(4)), id(questions.get(5))),
            series: ids(6),
            logs: (ids(6 + parts.len()), id(questions.last())),
        };
        (whole, questions)
    }

    /// Good against bad: exclusive times, edges, exemplars; and what changed.
    /// `first` is the second of the earliest data.
    pub(crate) fn views(
        &mut self,
        alert: &Alert,
        onset: Onset,
        first: UnixNanos,
        scope: &Scope,
    ) -> (Views, Vec<Question>) {
        let good = good_window(alert, onset, first);
        let bad_from = onset.latest;
        let bad = Window::new(bad_from, alert.at.max(bad_from.plus_seconds(BAD_SECONDS_MIN)));
        let settled = bad.to.plus_seconds(SETTLE_SECONDS);
        // Up to the moment of asking: a change that came too late to be the cause is ruled out by name.
        let whole = Window::new(alert.history_from, settled);
        let mut questions = Vec::new();
        for (window, not_before) in [(good, alert.at), (bad, settled)] {
            questions.push(self.ask(Ask::SelfTime { window, scope: Scope::all() }, not_before));
            questions.push(self.ask(Ask::Edges { window, scope: Scope::all() }, not_before));
            let scope = scope.clone();
            questions.push(self.ask(Ask::Exemplars { window, scope, limit: EXEMPLARS }, not_before));
        }
        questions.push(self.ask(Ask::Changes { window: whole, scope: Scope::all() }, settled));
        let metrics = computing::METRICS.map(str::to_owned).to_vec();
        questions.push(self.ask(Ask::SeriesChange { good, bad, scope: Scope::all(), metrics }, settled));
        questions.push(self.ask(Ask::Compare { good, bad, scope: scope.clone() }, settled));
        if alert.symptoms.first().is_some_and(|symptom| symptom.signal == AlertSignal::Errors) {
            let window = Window::new(good.to, bad.to);
            questions.push(self.ask(Ask::Edges { window, scope: Scope::all() }, settled));
        }
        let base = self.asked - questions.len();
        let id = |place: usize| QuestionId::numbered(base + place);
        let views = Views {
            good,
            bad,
            self_time: (id(1), id(4)),
            edges: (id(2), id(5)),
            turn: questions.get(9).map(|question| question.id.clone()),
            exemplars: (id(3), id(6)),
            changes: id(7),
            series: id(8),
            compare: id(9),
        };
        (views, questions)
    }

    /// One trace, to look at the cause in place.
    pub(crate) fn trace(&mut self, trace_id: TraceId, not_before: UnixNanos) -> Question {
        self.ask(Ask::Trace { trace_id }, not_before)
    }
}
