//! The coverage map: which services that were seen in calls tell something of themselves, and which kinds of telemetry
//! told anything at all.
//!
//! Read off what was asked and answered; asks nothing. A kind that nobody was asked for is not part of the map.

use std::collections::BTreeSet;

use telemetry::answer::{Answer, PathEventKind, Table};

/// The kinds, sorted, each with the questions that it answers.
const KINDS: [(&str, &[&str]); 4] = [
    ("changes", &["changes"]),
    ("logs", &["log_templates", "paths"]),
    ("metrics", &["series_change"]),
    ("traces", &["exemplars", "paths", "self_time", "trace"]),
];

/// What a silent part of the services takes off: the cause lies there or where it was looked for, and nothing tells which.
const SILENT_WEIGHT: f64 = 0.5;
/// What a missing part of the kinds takes off: half as much, since the others still speak of the same services.
const UNTOLD_WEIGHT: f64 = 0.25;

/// How much of a system could be seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Services that were seen in calls.
    pub services: usize,
    /// Those of them that tell nothing of themselves.
    pub silent: usize,
    /// Kinds of telemetry that were asked for.
    pub asked: usize,
    /// Those of them that told nothing, sorted.
    pub untold: Vec<&'static str>,
}

impl Coverage {
    /// The map of what was asked, by the names of questions, and of what was answered.
    pub(crate) fn of<'a>(asked: &BTreeSet<&'static str>, answers: impl Iterator<Item = &'a Answer>) -> Self {
        let mut seen = Seen::default();
        answers.for_each(|answer| seen.add(answer));
        let mut coverage = Self {
            services: seen.in_calls.len(),
            silent: seen.in_calls.difference(&seen.telling).count(),
            ..Self::default()
        };
        for (kind, questions) in KINDS {
            let has_told = seen.told.contains(kind);
            if has_told || questions.iter().any(|question| asked.contains(question)) {
                coverage.asked += 1;
                coverage.untold.extend((!has_told).then_some(kind));
            }
        }
        coverage
    }

    /// The share of the kinds asked for that told something; one when none was asked for.
    #[must_use]
    pub fn told(&self) -> f64 {
        1.0 - share(self.untold.len(), self.asked)
    }

    /// The most that a confidence may be.
    #[must_use]
    pub fn cap(&self) -> f64 {
        let silent = SILENT_WEIGHT * share(self.silent, self.services);
        let untold = UNTOLD_WEIGHT * share(self.untold.len(), self.asked);
        (1.0 - silent) * (1.0 - untold)
    }

    /// `probability`, and no more than what is unseen leaves.
    #[must_use]
    pub fn capped(&self, probability: f64) -> f64 {
        probability.min(self.cap())
    }

    /// What is not seen, in words.
    pub(super) fn missing(&self) -> String {
        let silent = (self.silent > 0).then(|| {
            format!(
                "{} of {} services that call or are called tell nothing of themselves",
                self.silent, self.services
            )
        });
        let untold =
            (!self.untold.is_empty()).then(|| format!("no {} were to be had", self.untold.join(", no ")));
        let parts: Vec<String> = silent.into_iter().chain(untold).collect();
        parts.join("; ")
    }
}

fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// What answers show.
#[derive(Debug, Default)]
struct Seen<'a> {
    in_calls: BTreeSet<&'a str>,
    telling: BTreeSet<&'a str>,
    told: BTreeSet<&'static str>,
}

impl<'a> Seen<'a> {
    fn add(&mut self, answer: &'a Answer) {
        match &answer.table {
            // That nothing was changed is told, too.
            Table::Changes(_) => _ = self.told.insert("changes"),
            Table::Edges(rows) => {
                for row in rows.iter().filter(|row| row.queue.is_none()) {
                    self.in_calls.extend([row.caller.as_str(), &row.callee]);
                    self.telling.insert(&row.caller);
                    self.telling.extend(row.is_instrumented.then_some(row.callee.as_str()));
                }
            }
            Table::Topology(table) => {
                let ends = |call: &'a telemetry::answer::CallRow| [call.caller.as_str(), &call.callee];
                self.in_calls.extend(table.calls.iter().flat_map(ends));
            }
            Table::LogTemplates(rows) => self.tell("logs", rows.iter().map(|row| row.service.as_str())),
            Table::SeriesChange(rows) => self.tell("metrics", rows.iter().map(|row| row.service.as_str())),
            Table::SelfTime(table) => {
                self.tell("traces", table.rows.iter().map(|row| row.subject.service.as_str()));
            }
            Table::Trace(rows) => self.tell("traces", rows.iter().map(|row| row.subject.service.as_str())),
            Table::Exemplars(rows) if !rows.is_empty() => _ = self.told.insert("traces"),
            Table::Onset(rows) => {
                let is_measured = |service: &&str| answer.from_metrics.iter().any(|other| other == service);
                let services: BTreeSet<&str> = rows.iter().map(|row| row.subject.service.as_str()).collect();
                let (measured, traced): (Vec<&str>, Vec<&str>) = services.into_iter().partition(is_measured);
                self.tell("metrics", measured.into_iter());
                self.tell("traces", traced.into_iter());
            }
            Table::Paths(table) => {
                self.tell("traces", table.rows.iter().map(|row| row.service.as_str()));
                let events = table.rows.iter().flat_map(|row| &row.events);
                if events.into_iter().any(|event| event.kind == PathEventKind::Log) {
                    self.told.insert("logs");
                }
            }
            _ => {}
        }
    }

    fn tell(&mut self, kind: &'static str, services: impl Iterator<Item = &'a str>) {
        for service in services {
            self.told.insert(kind);
            self.telling.insert(service);
        }
    }
}
