//! The candidates and their order: who is broken, how surely, and who is only cut short by another one.

use std::collections::{BTreeMap, BTreeSet};

use evidence::measures::error_lines::{self, Lines};
use evidence::measures::late_edges::{self, Vote};
use evidence::measures::lost_events::{self, Break};
use evidence::measures::request_metrics::{self, Rise};
use evidence::measures::saturation::{self, Usage};
use evidence::statistics::false_discovery;
use telemetry::answer::{
    EdgeRow, LogTemplateRow, PathEvent, PathEventKind, PathTable, SelfTimeTable, SeriesRow,
};

use super::late;
use super::work::{self, Figure, Work};
use crate::rules::excess_in_callee;
use crate::settings::Settings;

/// What shows that something is wrong.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    Break(Break),
    Usage(Usage),
    Late(Vote),
    Lines(Lines),
    Rise(Rise),
    Work(Work),
}

impl Shown {
    pub(super) fn p_value(&self) -> f64 {
        match self {
            Self::Break(one) => one.p_value,
            Self::Usage(one) => one.p_value,
            Self::Late(vote) => late::p_value(vote),
            Self::Lines(lines) => lines.p_value,
            Self::Rise(rise) => rise.usage.p_value,
            Self::Work(work) => work.q_value,
        }
    }

    /// What those that tell alike are ordered by: minus the decimal logarithm of the chance; of requests by their metrics
    /// the growth, because the slowness of one is added to all who wait for it.
    fn strength(&self) -> f64 {
        match self {
            Self::Rise(rise) => rise.usage.growth,
            _ => false_discovery::strength(self.p_value()),
        }
    }

    fn is_outcome(&self) -> bool {
        matches!(self, Self::Lines(_) | Self::Rise(_))
    }

    fn is_claimed(&self) -> bool {
        match self {
            Self::Break(one) => one.is_broken(),
            Self::Usage(one) => one.is_raised(),
            // Only what is claimed votes.
            Self::Late(_) => true,
            Self::Lines(lines) => lines.is_cause(),
            Self::Rise(rise) => rise.is_cause,
            Self::Work(work) => work.is_claimed,
        }
    }
}

/// A service with what speaks against it.
#[derive(Debug, Clone)]
pub(super) struct Suspected {
    pub(super) service: String,
    /// The surest, which names the place.
    pub(super) best: Shown,
    /// All of it, the surest first.
    pub(super) shown: Vec<Shown>,
    /// Minus the decimal logarithm of the chance of the surest.
    pub(super) strength: f64,
    /// Whether the surest is claimed over its whole family.
    pub(super) is_claimed: bool,
    /// The candidate behind it on its way, if there is one.
    pub(super) explained_by: Option<String>,
    /// The strength of that one.
    pub(super) strength_behind: f64,
    /// Whether that one is claimed: only then is this one ruled out.
    pub(super) is_explained_surely: bool,
}

impl Suspected {
    pub(super) fn is_cause(&self) -> bool {
        self.is_claimed && self.explained_by.is_none()
    }

    /// What the order of candidates goes by: what is explained by another one stands behind what is not. A path that
    /// is broken, a resource that is used up and a way that is late tell why; longer work and errors alone only where. Of
    /// services whose metrics alone are slow the cause stands before all that is not claimed.
    pub(super) fn score(&self) -> f64 {
        let base = self.strength / (1.0 + self.strength);
        if self.explained_by.is_some() {
            return base;
        }
        match &self.best {
            Shown::Lines(_) | Shown::Rise(_) if self.is_claimed => base + 1.5,
            Shown::Lines(_) | Shown::Rise(_) | Shown::Work(_) => base + 1.0,
            _ if self.is_claimed => base + 2.0,
            _ => base + 1.0,
        }
    }
}

/// What was answered, each before and now.
pub(super) struct Answers<'a> {
    pub(super) paths: (&'a PathTable, &'a PathTable),
    pub(super) edges: (&'a [EdgeRow], &'a [EdgeRow]),
    pub(super) self_time: (&'a SelfTimeTable, &'a SelfTimeTable),
    /// The same bad window against each part of the history.
    pub(super) series: &'a [&'a [SeriesRow]],
    /// The log lines of each part of the history, and of the bad window.
    pub(super) logs: (&'a [&'a [LogTemplateRow]], &'a [LogTemplateRow]),
}

/// Every candidate, the most suspicious first.
pub(super) fn rank(answers: &Answers<'_>, settings: &Settings) -> Vec<Suspected> {
    let at = &settings.thresholds;
    let ((good, bad), edges, series) = (answers.paths, answers.edges, answers.series);
    let breaks = settings.of(&lost_events::MEASURE, || lost_events::breaks(good, bad, at));
    let breaks = breaks.into_iter().filter(|one| !one.is_over).map(Shown::Break);
    let usages = settings.of(&saturation::MEASURE, || saturation::usages(series, at));
    let usages = usages.into_iter().filter(Usage::is_large).map(Shown::Usage);
    let late = settings.of(&late_edges::MEASURE, || late_edges::late_edges(edges.0, edges.1, at));
    let late = late_edges::votes(&late).into_iter().map(Shown::Late);
    let work = work::works(answers.self_time.0, answers.self_time.1, settings).into_iter().map(Shown::Work);
    let lines = lines(answers, settings);
    let all = breaks.chain(usages).chain(late).chain(work).chain(lines).chain(rises(answers, settings));
    let mut by_service: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
    for shown in all.filter(|shown| shown.p_value() <= at.listed_p_max) {
        let service = match &shown {
            Shown::Break(one) => &one.service,
            Shown::Usage(one) => &one.service,
            Shown::Late(vote) => &vote.service,
            Shown::Lines(lines) => &lines.service,
            Shown::Rise(rise) => &rise.usage.service,
            Shown::Work(work) => &work.service,
        };
        by_service.entry(service.clone()).or_default().push(shown);
    }
    let mut found: Vec<Suspected> = by_service.into_iter().filter_map(suspected).collect();
    if settings.is_on(excess_in_callee::RULE.id) {
        explain(&mut found, &ways(good, bad), at.explaining_min);
    }
    found.sort_by(|a, b| b.score().total_cmp(&a.score()).then_with(|| a.service.cmp(&b.service)));
    found
}

/// What log lines show of services whose lines carry no trace: where they do, the way of a request tells more.
fn lines(answers: &Answers<'_>, settings: &Settings) -> impl Iterator<Item = Shown> {
    let rows = answers.paths.0.rows.iter().chain(&answers.paths.1.rows);
    let is_log = |event: &PathEvent| event.kind == PathEventKind::Log;
    let traced: BTreeSet<&str> =
        rows.filter(|row| row.events.iter().any(is_log)).map(|row| row.service.as_str()).collect();
    let found = settings.of(&error_lines::MEASURE, || {
        error_lines::lines(answers.logs.0, answers.logs.1, &settings.thresholds)
    });
    let untraced: Vec<Lines> =
        found.into_iter().filter(|lines| !traced.contains(lines.service.as_str())).collect();
    untraced.into_iter().map(Shown::Lines)
}

/// What the metrics of requests show of services that emit no spans.
fn rises(answers: &Answers<'_>, settings: &Settings) -> impl Iterator<Item = Shown> {
    let rows = answers.self_time.0.rows.iter().chain(&answers.self_time.1.rows);
    let seen: BTreeSet<&str> = rows.map(|row| row.subject.service.as_str()).collect();
    let found = settings
        .of(&request_metrics::MEASURE, || request_metrics::rises(answers.series, &settings.thresholds));
    let unseen: Vec<Rise> =
        found.into_iter().filter(|rise| !seen.contains(rise.usage.service.as_str())).collect();
    unseen.into_iter().map(Shown::Rise)
}

fn suspected((service, mut shown): (String, Vec<Shown>)) -> Option<Suspected> {
    // Longer requests and errors in logs are told by what makes them so, where that is claimed.
    let has_why = shown.iter().any(|one| !one.is_outcome() && one.is_claimed());
    let order = |one: &Shown| has_why && one.is_outcome();
    // Stable: what was sorted by the measure stays so among equals.
    shown.sort_by(|a, b| order(a).cmp(&order(b)).then_with(|| a.p_value().total_cmp(&b.p_value())));
    let best = shown.first()?.clone();
    Some(Suspected {
        service,
        strength: best.strength(),
        is_claimed: best.is_claimed(),
        best,
        shown,
        explained_by: None,
        strength_behind: 0.0,
        is_explained_surely: false,
    })
}

/// Caller and callee, over any number of services between.
fn ways(good: &PathTable, bad: &PathTable) -> BTreeSet<(String, String)> {
    let rows = good.rows.iter().chain(&bad.rows);
    rows.flat_map(|row| row.callers.iter().map(|caller| (caller.clone(), row.service.clone())))
        .filter(|(caller, callee)| caller != callee)
        .collect()
}

/// Marks each candidate that breaks on the way to another one. A used-up resource is nobody's symptom here. Of two that
/// call each other the surer one explains the other. What explains another one must have `part_min` of its evidence (as
/// the logarithm of its chance): a callee is seen in a part of the requests only, and less data is less sure. Log lines have
/// another scale than the ways of requests, and whoever logs a failure need not have caused it: of them whatever is claimed
/// behind it is the cause.
fn explain(found: &mut [Suspected], ways: &BTreeSet<(String, String)>, part_min: f64) {
    // Longer work cuts no request short.
    let all: Vec<(String, f64, bool)> = found
        .iter()
        .filter(|one| !matches!(one.best, Shown::Rise(_)))
        .filter(|one| !matches!(&one.best, Shown::Work(work) if work.figure == Figure::Time))
        .map(|one| (one.service.clone(), one.strength, one.is_claimed))
        .collect();
    let calls = |caller: &str, callee: &str| ways.contains(&(caller.to_owned(), callee.to_owned()));
    for one in found.iter_mut().filter(|one| matches!(one.best, Shown::Break(_) | Shown::Lines(_))) {
        let is_logged = matches!(one.best, Shown::Lines(_));
        let behind = all.iter().filter(|(service, strength, is_claimed)| {
            calls(&one.service, service)
                && if is_logged { *is_claimed } else { *strength >= part_min * one.strength }
                && (!calls(service, &one.service) || *strength > one.strength)
        });
        let Some((service, strength, is_claimed)) = behind.max_by(|a, b| a.1.total_cmp(&b.1)) else {
            continue;
        };
        one.explained_by = Some(service.clone());
        (one.strength_behind, one.is_explained_surely) = (*strength, *is_claimed);
    }
}
