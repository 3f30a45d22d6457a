//! What exclusive times and failures of spans show: whose own work takes longer, and where errors begin.
//!
//! Of each service the groups of spans that speak of it are taken together. It is claimed that it is the cause when it
//! has at least half of what all services show too much; below that it is a hypothesis. What a callee shows is never
//! its caller's: exclusive times leave it out, and an error above a failed callee is no origin.

use std::collections::BTreeMap;

use evidence::measures::{error_origination, exclusive_latency};
use incident::{ComponentKind, EvidenceId, EvidenceKind, Fault};
use telemetry::answer::SelfTimeTable;

use crate::ledger::{Fact, Ledger};
use crate::plan::Whole;
use crate::settings::Settings;
use crate::suspects;

/// Chance over all spans at which longer work is more than the mix of requests brings: without a symptom that it could
/// be held against, it takes a tenth of what is enough with one.
const TIME_Q_MAX: f64 = 0.001;
/// Milliseconds of a request below which nobody is paged for longer work: schedulers and clocks speak.
const RISE_MS_MIN: f64 = 1.0;

/// What one component shows too much, over all spans that speak of it.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) component: ComponentKind,
    pub(super) service: String,
    /// Who calls it, where it emits no spans itself.
    pub(super) seen_from: Vec<String>,
    pub(super) figure: Figure,
    /// The group of spans with the largest part.
    pub(super) operation: String,
    pub(super) span: String,
    pub(super) resource: String,
    pub(super) instances: Vec<String>,
    /// Milliseconds a call of that group, or failed spans and spans, before and now.
    pub(super) before: (f64, f64),
    pub(super) now: (f64, f64),
    /// Its part of what all components show too much.
    pub(super) share: f64,
    /// The least false discovery rate of its groups.
    pub(super) q_value: f64,
    /// Whether it has at least half of everything.
    pub(super) is_claimed: bool,
}

/// Which figure of the spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    /// Exclusive time.
    Time,
    /// Errors that begin there.
    Errors,
}

/// Every component that works longer by more than trifles, or in which errors begin, largest part of each figure first.
pub(super) fn works(good: &SelfTimeTable, bad: &SelfTimeTable, settings: &Settings) -> Vec<Work> {
    let mut all = slow(good, bad, settings);
    all.extend(failing(good, bad, settings));
    all
}

fn slow(good: &SelfTimeTable, bad: &SelfTimeTable, settings: &Settings) -> Vec<Work> {
    let at = &settings.thresholds;
    let contrasts = settings.of(&exclusive_latency::MEASURE, || exclusive_latency::contrast(good, bad, at));
    let whole = contrasts.iter().filter(|one| one.is_raised()).fold(0.0, |sum, one| sum + one.excess_ms);
    let found = suspects::suspects(&contrasts, whole.max(f64::MIN_POSITIVE));
    let works = found.iter().map(|suspect| {
        let (component, service) = suspect.component();
        let levels = (&suspect.worst.good, &suspect.worst.bad);
        Work {
            component,
            service: service.to_owned(),
            seen_from: seen_from(component, &suspect.service),
            figure: Figure::Time,
            operation: suspect.entry.clone(),
            span: suspect.span.clone(),
            resource: suspect.resource.clone(),
            instances: suspect.instances.clone(),
            before: (levels.0.ms_per_request, levels.0.count as f64),
            now: (levels.1.ms_per_request, levels.1.count as f64),
            share: suspect.share,
            q_value: suspect.worst.q_value,
            is_claimed: false,
        }
    });
    together(works, at.share_min)
}

fn failing(good: &SelfTimeTable, bad: &SelfTimeTable, settings: &Settings) -> Vec<Work> {
    let at = &settings.thresholds;
    let origins = settings.of(&error_origination::MEASURE, || error_origination::origins(good, bad, at));
    let works = origins.iter().filter(|origin| origin.is_raised()).map(|origin| {
        let (component, service) =
            suspects::component(&origin.service, &origin.resource, &origin.database, origin.kind);
        Work {
            component,
            service: service.to_owned(),
            seen_from: seen_from(component, &origin.service),
            figure: Figure::Errors,
            operation: origin.entry.clone(),
            span: origin.span.clone(),
            resource: origin.resource.clone(),
            instances: Vec::new(),
            before: (origin.good.0 as f64, origin.good.1 as f64),
            now: (origin.bad.0 as f64, origin.bad.1 as f64),
            share: origin.share,
            q_value: origin.q_value,
            is_claimed: false,
        }
    });
    together(works, at.share_min)
}

fn seen_from(component: ComponentKind, caller: &str) -> Vec<String> {
    if component == ComponentKind::Dependency { vec![caller.to_owned()] } else { Vec::new() }
}

/// The parts of each component in one: the largest of them names the place.
fn together(works: impl Iterator<Item = Work>, share_min: f64) -> Vec<Work> {
    let mut found: BTreeMap<(ComponentKind, String), Work> = BTreeMap::new();
    for work in works {
        match found.get_mut(&(work.component, work.service.clone())) {
            None => {
                found.insert((work.component, work.service.clone()), work);
            }
            Some(known) => {
                known.share += work.share;
                known.q_value = known.q_value.min(work.q_value);
                known.seen_from.extend(work.seen_from);
                known.seen_from.sort();
                known.seen_from.dedup();
            }
        }
    }
    let mut all: Vec<Work> = found.into_values().filter(Work::is_large).collect();
    all.iter_mut().for_each(|work| work.is_claimed = work.share >= share_min);
    all.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.service.cmp(&b.service)));
    all
}

impl Work {
    /// Whether it is more than chance and trifles bring.
    fn is_large(&self) -> bool {
        self.figure == Figure::Errors
            || (self.q_value <= TIME_Q_MAX && self.now.0 - self.before.0 >= RISE_MS_MIN)
    }

    /// What kind of fault it is.
    pub(super) fn fault(&self) -> Fault {
        match (self.component, self.figure) {
            (ComponentKind::Dependency, _) => Fault::SlowDependency,
            (_, Figure::Errors) => Fault::ErrorOrigin,
            (_, Figure::Time) => Fault::SlowWork,
        }
    }

    /// In one sentence.
    pub(super) fn text(&self) -> String {
        let share = self.share * 100.0;
        let whose = match self.component {
            ComponentKind::Dependency => format!("at or behind `{}` (not instrumented), ", self.service),
            _ => format!("in `{}`, ", self.service),
        };
        match self.figure {
            Figure::Time => format!(
                "{whose}span `{}` itself takes {:.1} ms a request instead of {:.1} ms; it is {share:.0} % of all extra time",
                self.span, self.now.0, self.before.0
            ),
            Figure::Errors => format!(
                "{whose}errors begin in span `{}`: {} of {} fail with no failed callee, {} of {} before; it is {share:.0} % of all new errors",
                self.span, self.now.0, self.now.1, self.before.0, self.before.1
            ),
        }
    }

    /// Seals it.
    pub(super) fn prove(&self, ledger: &mut Ledger, whole: &Whole) -> Option<EvidenceId> {
        let (kind, names) = match self.figure {
            Figure::Time => (
                EvidenceKind::ExclusiveLatency,
                ["ms_per_request_before", "spans_before", "ms_per_request_now", "spans_now"],
            ),
            Figure::Errors => (
                EvidenceKind::ErrorOrigination,
                ["origins_before", "spans_before", "origins_now", "spans_now"],
            ),
        };
        let values = [self.before.0, self.before.1, self.now.0, self.now.1];
        let mut numbers: Vec<(&str, f64)> = names.into_iter().zip(values).collect();
        numbers.extend([("share", self.share), ("q_value", self.q_value)]);
        ledger.prove(Fact {
            kind,
            statement: self.text(),
            numbers: &numbers,
            questions: &[&whole.self_time.0, &whole.self_time.1],
            window: Some(whole.bad),
            trace: None,
        })
    }
}
