//! What the answers say, measured once: the facts that rules and hypotheses reason about.

use std::collections::{BTreeMap, BTreeSet};

use evidence::measures::attribute_contrast::{self, AttributeContrast};
use evidence::measures::changes::{self, Rollout, VersionContrast};
use evidence::measures::clock::{self, ClockSkew};
use evidence::measures::computing;
use evidence::measures::edge_delay::{self, EdgeContrast};
use evidence::measures::error_origination::{self, Origin};
use evidence::measures::exclusive_latency::{self, Contrast};
use evidence::measures::messages::{self, Flow};
use evidence::measures::open_breaker::{self, OpenBreaker, Ways};
use evidence::measures::structure::{self, Resends};
use evidence::measures::waiting::{self, Lane};
use evidence::series;
use incident::{Alert, AlertSignal, ComponentKind, Onset};
use telemetry::answer::{EdgeRow, OnsetRow, SelfTimeTable, SeriesRow, Subject, Table};
use telemetry::time::Window;
use telemetry::{QuestionId, SpanKind};

use crate::ledger::Ledger;
use crate::plan::Views;
use crate::settings::Settings;
use crate::suspects::{self, Suspect};

/// Extra work of one other component, as a part of the time spent on connecting, from which the connecting is its
/// symptom.
const WORK_OF_OTHERS_MIN: f64 = 0.5;

/// Values that bad requests have in common of which is told; what follows is mostly the same said otherwise.
const COMMON_MAX: usize = 3;

/// Everything measured.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) onset: Onset,
    pub(crate) onset_question: QuestionId,
    pub(crate) views: Views,
    /// Extra milliseconds in the bad window: what spans and edges show, and no less than what the symptom shows.
    pub(crate) excess_ms: f64,
    /// Whether exclusive times were there for both windows.
    pub(crate) has_self_time: bool,
    pub(crate) contrasts: Vec<Contrast>,
    pub(crate) suspects: Vec<Suspect>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) edges: Vec<EdgeContrast>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) resends: Vec<Resends>,
    pub(crate) breakers: Vec<OpenBreaker>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) skews: Vec<ClockSkew>,
    pub(crate) series: Vec<SeriesRow>,
    pub(crate) calls: BTreeSet<(String, String)>,
    pub(crate) rollouts: Vec<(Rollout, Option<VersionContrast>)>,
    pub(crate) load: Load,
    /// What bad requests have in common, the surest first.
    pub(crate) common: Vec<AttributeContrast>,
    /// Services with a symptom, as the alert names them.
    pub(crate) symptomatic: BTreeSet<String>,
    pub(crate) settings: Settings,
}

/// Entry requests per second of the symptomatic operation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) good_per_s: f64,
    pub(crate) bad_per_s: f64,
}

impl Findings {
    /// Share of the whole excess that `service`'s own work and queries explain.
    pub(crate) fn share_of(&self, service: &str) -> f64 {
        let suspects = self.suspects.iter().filter(|suspect| !self.connects_as_a_symptom(suspect));
        let own = suspects.filter(|s| s.component() == (ComponentKind::Service, service));
        // A fold, because the sum of no floats is minus zero.
        own.fold(0.0, |sum, suspect| sum + suspect.share)
    }

    /// Whether a suspect is time spent on connecting while somebody else works longer. Connections take long, and more
    /// are opened, wherever a callee or the whole host is overloaded: that is a symptom of whose work grew.
    pub(crate) fn connects_as_a_symptom(&self, suspect: &Suspect) -> bool {
        let is_connecting = |suspect: &Suspect| self.is_connecting(&suspect.span);
        if !is_connecting(suspect) {
            return false;
        }
        let mut work: BTreeMap<(ComponentKind, &str), f64> = BTreeMap::new();
        for other in self.suspects.iter().filter(|other| !is_connecting(other)) {
            *work.entry(other.component()).or_default() += other.share;
        }
        work.remove(&(ComponentKind::Service, suspect.service.as_str()));
        let own = self.suspects.iter().filter(|own| own.service == suspect.service && is_connecting(own));
        let connecting = own.fold(0.0, |sum, own| sum + own.share);
        work.values().any(|share| *share >= WORK_OF_OTHERS_MIN * connecting)
    }

    /// The breaker that explains why this service fails by itself, if one does: it is open, and no more fails than calls
    /// are missing.
    pub(crate) fn breaker_of(&self, service: &str) -> Option<&OpenBreaker> {
        let its_own = self.origins.iter().filter(|origin| origin.service == service && is_own(origin));
        let failures =
            its_own.filter(|origin| origin.is_raised()).fold(0.0, |sum, one| sum + one.new_origins());
        let mut its = self.breakers.iter().filter(|breaker| breaker.caller == service);
        its.find(|breaker| failures > 0.0 && breaker.explains(failures))
    }

    /// The questions that a breaker is seen by.
    pub(crate) fn breaker_questions(&self) -> Vec<&QuestionId> {
        let views = &self.views;
        let asked = [&views.self_time.0, &views.self_time.1, &views.edges.0, &views.edges.1];
        asked.into_iter().chain(&views.turn).collect()
    }

    /// Where errors begin, without what fails because a breaker is open.
    pub(crate) fn origins_behind_breakers(&self) -> Vec<Origin> {
        error_origination::without(&self.origins, |origin| {
            is_own(origin) && self.breaker_of(&origin.service).is_some()
        })
    }

    /// Whether a span of this name opens a connection, as far as the structure of calls is looked at.
    pub(crate) fn is_connecting(&self, span: &str) -> bool {
        self.settings.of(&structure::MEASURE, || structure::is_connecting(span))
    }

    /// Whether `caller` reaches `callee` over the calls seen.
    pub(crate) fn reaches(&self, caller: &str, callee: &str) -> bool {
        let (mut seen, mut open) = (BTreeSet::new(), vec![caller.to_owned()]);
        while let Some(service) = open.pop() {
            if !seen.insert(service.clone()) {
                continue;
            }
            let from_here = self.calls.range((service.clone(), String::new())..);
            open.extend(from_here.take_while(|(from, _)| *from == service).map(|(_, to)| to.clone()));
        }
        caller != callee && seen.contains(callee)
    }
}

/// Whether a service fails by itself there, and not in a call.
fn is_own(origin: &Origin) -> bool {
    origin.kind != SpanKind::Client
}

/// Measures the answers in `ledger`.
pub(crate) fn measure(
    alert: &Alert,
    ledger: &Ledger,
    onset: Onset,
    onset_question: &QuestionId,
    views: Views,
) -> Findings {
    let (good, bad) = (ledger.self_time(&views.self_time.0), ledger.self_time(&views.self_time.1));
    let (good_edges, bad_edges) = (edges(ledger, &views.edges.0), edges(ledger, &views.edges.1));
    let turn = views.turn.as_ref().filter(|id| ledger.table(id).is_some());
    let turn = turn.map_or(bad_edges, |id| edges(ledger, id));
    let ways = Ways { good: good_edges, bad: bad_edges, turn };
    let rows = match ledger.table(&views.changes) {
        Some(Table::Changes(rows)) => rows.clone(),
        _ => Vec::new(),
    };
    let settings = &ledger.settings;
    let at = &settings.thresholds;
    let rollouts = settings
        .of(&changes::MEASURE, || changes::rollouts(&rows))
        .into_iter()
        .map(|rollout| {
            let contrast = changes::version_contrast(good, bad, &rollout);
            (rollout, contrast)
        })
        .collect();
    let series = settings.of(&computing::MEASURE, || match ledger.table(&views.series) {
        Some(Table::SeriesChange(rows)) => rows.clone(),
        _ => Vec::new(),
    });
    let contrasts = settings.of(&exclusive_latency::MEASURE, || exclusive_latency::contrast(good, bad, at));
    let edges = settings.of(&edge_delay::MEASURE, || edge_delay::contrast(good_edges, bad_edges, at));
    let raised_spans: f64 = contrasts.iter().filter(|c| c.is_raised()).map(|c| c.excess_ms).sum();
    let raised_edges: f64 = edges.iter().filter(|edge| edge.is_raised()).map(|edge| edge.excess_ms).sum();
    let symptom = symptom_excess_ms(alert, ledger, onset_question, &views, bad);
    let lanes = settings.of(&waiting::MEASURE, || waiting::lanes(good, bad));
    let in_a_row: f64 = lanes.iter().map(Lane::serialised_ms).sum();
    let excess_ms = (raised_spans + raised_edges + in_a_row).max(symptom);
    Findings {
        suspects: suspects::suspects(&contrasts, excess_ms),
        contrasts,
        lanes,
        resends: settings.of(&structure::MEASURE, || structure::resends(good_edges, bad_edges)),
        breakers: settings.of(&open_breaker::MEASURE, || open_breaker::open((good, bad), ways)),
        flows: settings.of(&messages::MEASURE, || messages::flows(good_edges, bad_edges)),
        skews: settings.of(&clock::MEASURE, || clock::skews(good_edges)),
        series,
        excess_ms,
        has_self_time: good.traces > 0 && bad.traces > 0,
        origins: settings.of(&error_origination::MEASURE, || error_origination::origins(good, bad, at)),
        edges,
        calls: bad_edges.iter().map(|row| (row.caller.clone(), row.callee.clone())).collect(),
        rollouts,
        load: load(alert, ledger, onset_question, &views),
        common: settings.of(&attribute_contrast::MEASURE, || common(ledger, &views.compare)),
        symptomatic: alert.symptoms.iter().map(|symptom| symptom.service.clone()).collect(),
        settings: settings.clone(),
        onset,
        onset_question: onset_question.clone(),
        views,
    }
}

/// What is claimed of the requests, a few of it.
fn common(ledger: &Ledger, id: &QuestionId) -> Vec<AttributeContrast> {
    let Some(Table::Compare(table)) = ledger.table(id) else { return Vec::new() };
    let claimed = attribute_contrast::contrasts(table).into_iter().filter(AttributeContrast::is_claimed);
    claimed.take(COMMON_MAX).collect()
}

fn edges<'a>(ledger: &'a Ledger, id: &QuestionId) -> &'a [EdgeRow] {
    match ledger.table(id) {
        Some(Table::Edges(rows)) => rows,
        _ => &[],
    }
}

/// What the worst latency symptom itself shows: the rise of its mean times the calls whose traces were looked at. A
/// suspect is held against this, too, so that a trifle is not "all of the extra time" when most of it went unseen.
fn symptom_excess_ms(
    alert: &Alert,
    ledger: &Ledger,
    id: &QuestionId,
    views: &Views,
    bad: &SelfTimeTable,
) -> f64 {
    let symptom = alert.symptoms.iter().find(|symptom| symptom.signal == AlertSignal::Latency);
    let (Some(symptom), Some(Table::Onset(seconds))) = (symptom, ledger.table(id)) else { return 0.0 };
    let is_it = |subject: &Subject| symptom.is_of(&subject.service, &subject.operation);
    let series = series::of(seconds, |row| is_it(&row.subject));
    let mean_ms = |window: Window| {
        let (count, sum_ns) = series::within(&series, window)
            .fold((0, 0.0), |(count, sum_ns), (_, second)| {
                (count + second.count, sum_ns + second.sum_ns as f64)
            });
        (count > 0).then(|| sum_ns / count as f64 / series::MS_NS)
    };
    // A caller's client span often has the name of its own entry span: only entries are requests.
    let is_entry = |kind: SpanKind| matches!(kind, SpanKind::Server | SpanKind::Consumer);
    let rows = bad.rows.iter().filter(|row| is_entry(row.kind) && is_it(&row.subject));
    let calls: u64 = rows.map(|row| row.count).sum();
    match (mean_ms(views.good), mean_ms(views.bad)) {
        (Some(before), Some(now)) => (now - before) * calls as f64,
        _ => 0.0,
    }
}

fn load(alert: &Alert, ledger: &Ledger, id: &QuestionId, views: &Views) -> Load {
    let rows: &[OnsetRow] = match ledger.table(id) {
        Some(Table::Onset(rows)) => rows,
        _ => &[],
    };
    let Some(symptom) = alert.symptoms.first() else {
        return Load { good_per_s: 0.0, bad_per_s: 0.0 };
    };
    let series = series::of(rows, |row| symptom.is_of(&row.subject.service, &row.subject.operation));
    let rate = |window: Window| {
        // Seconds without a request count: an idle second is load, too. The first answered second bounds it.
        let first = series.keys().next().copied().unwrap_or(window.from);
        let window = Window::new(window.from.max(first), window.to.min(alert.at));
        let requests: u64 = series::within(&series, window).map(|(_, second)| second.count).sum();
        requests as f64 / window.seconds().max(1.0)
    };
    Load { good_per_s: rate(views.good), bad_per_s: rate(views.bad) }
}
