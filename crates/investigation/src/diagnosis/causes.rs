//! Weighs the suspects: which component the extra time belongs to, and whether there is more than one.
//!
//! Grown edges vote: an edge belongs to the end whose own work grew, else to the end with most grown edges, else it
//! is a component of its own. Calls that stand in a row because their process is blocked count for the process. A
//! component must explain half of the extra time, or two of them most of it; below
//! that nothing is blamed.

use std::collections::BTreeMap;

use evidence::measures::changes;
use incident::ComponentKind;
use telemetry::answer::ChangeKind;

use crate::findings::Findings;
use crate::suspects::Suspect;

/// Share that two causes must explain together.
const TOGETHER_MIN: f64 = 0.6;
/// Growth of its work from which a second component is a cause of its own and not a bystander of the first: on a host
/// that the first one overloads, work takes up to twice and a little more of its time.
const GROWTH_MIN: f64 = 3.0;
/// A smaller share is enough where the work grew this much, and by this many milliseconds a request: calls that run
/// side by side count each with its whole time, and push the share of all others down.
const SMALL_PART_MIN: f64 = 0.03;
const LARGE_GROWTH_MIN: f64 = 5.0;
const LARGE_RISE_MS_MIN: f64 = 10.0;

/// A component and what speaks against it.
#[derive(Debug, Clone)]
pub(super) struct Blame<'a> {
    pub(super) component: ComponentKind,
    pub(super) name: String,
    pub(super) share: f64,
    /// Largest first.
    pub(super) suspects: Vec<&'a Suspect>,
}

/// The components to blame, largest first: none when the evidence does not suffice.
pub(super) fn causes(findings: &Findings) -> Vec<Blame<'_>> {
    let blames = weigh(findings);
    let Some(first) = blames.first() else { return Vec::new() };
    let further: Vec<Blame<'_>> =
        blames.iter().skip(1).filter(|blame| stands_alone(findings, first, blame)).cloned().collect();
    let together = first.share + further.first().map_or(0.0, |blame| blame.share);
    let at = &findings.settings.thresholds;
    let suffices = first.share >= at.share_min
        || (!further.is_empty() && first.share >= at.part_min && together >= TOGETHER_MIN);
    if !suffices {
        return Vec::new();
    }
    std::iter::once(first.clone()).chain(further.into_iter().take(1)).collect()
}

/// Whether `other` is a cause beside `first`: a dependency of its own, or a service whose work grew with a new
/// version that was there before the onset (what comes later is an effect, or a decoy). Slower work without either is what a busy machine does to bystanders.
fn stands_alone(findings: &Findings, first: &Blame<'_>, other: &Blame<'_>) -> bool {
    let Some(worst) = other.suspects.first() else { return false };
    let (good, bad) = (worst.worst.good.ms_per_request, worst.worst.bad.ms_per_request);
    let has_grown = bad > GROWTH_MIN * good;
    let is_large = bad > LARGE_GROWTH_MIN * good && bad - good >= LARGE_RISE_MS_MIN;
    let part_min = if is_large { SMALL_PART_MIN } else { findings.settings.thresholds.part_min };
    let is_deployed = findings.rollouts.iter().any(|(rollout, contrast)| {
        rollout.first.kind == ChangeKind::Deploy
            && rollout.first.service == other.name
            && changes::precedes(&rollout.first, findings.onset.latest)
            && contrast.as_ref().is_some_and(|contrast| contrast.is_slower())
    });
    let is_apart = first.component != ComponentKind::Dependency || first.name != other.name;
    is_apart
        && other.share >= part_min
        && has_grown
        && (other.component == ComponentKind::Dependency || is_deployed)
}

type Blames<'a> = BTreeMap<(ComponentKind, String), Blame<'a>>;

/// The blame of this component, made when it is not there yet.
fn of<'a, 'b>(blames: &'b mut Blames<'a>, component: ComponentKind, name: &str) -> &'b mut Blame<'a> {
    blames.entry((component, name.to_owned())).or_insert_with(|| Blame {
        component,
        name: name.to_owned(),
        share: 0.0,
        suspects: Vec::new(),
    })
}

/// Every component with its share of the excess, largest first.
fn weigh(findings: &Findings) -> Vec<Blame<'_>> {
    let mut blames = Blames::new();
    for suspect in findings.suspects.iter().filter(|suspect| !findings.connects_as_a_symptom(suspect)) {
        let (component, name) = suspect.component();
        let blamed = of(&mut blames, component, name);
        blamed.share += suspect.share;
        blamed.suspects.push(suspect);
    }
    let share_of = |excess_ms: f64| excess_ms / findings.excess_ms.max(1e-6);
    for lane in findings.lanes.iter().filter(|lane| lane.serialised_ms() > 0.0) {
        of(&mut blames, ComponentKind::Service, &lane.service).share += share_of(lane.serialised_ms());
    }
    for edge in findings.edges.iter().filter(|edge| edge.is_raised()) {
        let share = share_of(edge.excess_ms);
        let blamed = match owner(findings, &edge.caller, &edge.callee) {
            Some(service) => of(&mut blames, ComponentKind::Service, &service),
            None => of(&mut blames, ComponentKind::Edge, &format!("{} -> {}", edge.caller, edge.callee)),
        };
        blamed.share += share;
    }
    let mut ranked: Vec<Blame<'_>> = blames.into_values().collect();
    ranked.sort_by(|a, b| {
        b.share.total_cmp(&a.share).then_with(|| (a.component, &a.name).cmp(&(b.component, &b.name)))
    });
    ranked
}

/// The end of a grown edge that it belongs to, if one of them stands out.
fn owner(findings: &Findings, caller: &str, callee: &str) -> Option<String> {
    let is_blocked =
        |service: &str| findings.lanes.iter().any(|lane| lane.service == service && lane.is_blocked());
    if let Some(blocked) = [callee, caller].into_iter().find(|service| is_blocked(service)) {
        return Some(blocked.to_owned());
    }
    let own = |service: &str| findings.share_of(service);
    let incident = |service: &str| {
        let raised = findings.edges.iter().filter(|edge| edge.is_raised());
        raised.filter(|edge| edge.caller == service || edge.callee == service).count()
    };
    let (at_callee, at_caller) = (own(callee), own(caller));
    if at_callee.max(at_caller) >= 0.05 {
        return Some(if at_callee >= at_caller { callee } else { caller }.to_owned());
    }
    match (incident(callee), incident(caller)) {
        (callees, callers) if callees >= 2 && callees > callers => Some(callee.to_owned()),
        (callees, callers) if callers >= 2 && callers > callees => Some(caller.to_owned()),
        _ => None,
    }
}
