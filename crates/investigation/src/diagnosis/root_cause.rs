//! From measured findings to root causes, largest first: what failed, what is stuck, or what takes the extra time.

use incident::{Alert, AlertSignal, ComponentKind, EvidenceId, EvidenceKind, Fault, RootCause, Trigger};
use telemetry::answer::ChangeKind;
use telemetry::time::SECOND_NS;
use telemetry::{QuestionId, TraceId};

use super::causes::{self, Blame};
use super::mechanism::{self, Mechanism, Shown};
use super::{errors, failures, hypotheses};
use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};
use crate::suspects::Suspect;

/// Seconds before the onset within which a deployment is taken to have set off what no contrast of versions can show:
/// a process that stands still, messages that are lost, retries that feed themselves.
const RECENT_SECONDS: i64 = 10;

/// The root causes, or none when the evidence does not suffice.
pub(super) fn all(
    alert: &Alert,
    ledger: &mut Ledger,
    findings: &Findings,
    bad: Option<&(TraceId, QuestionId)>,
) -> Vec<RootCause> {
    let Some(symptom) = alert.symptoms.first() else { return Vec::new() };
    if let Some(queue) = failures::queue(ledger, findings, symptom) {
        return vec![queue];
    }
    if let Some(storm) = failures::storm(ledger, findings) {
        return vec![storm];
    }
    let blames = causes::causes(findings);
    let is_late_behind = blames.first().is_some_and(|blame| failures::times_out_behind(findings, blame));
    if symptom.signal == AlertSignal::Errors && !is_late_behind {
        return errors::origin(ledger, findings).into_iter().collect();
    }
    blames.iter().map(|blame| of_blame(alert, ledger, findings, blame, bad)).collect()
}

/// The root cause that a blamed component is.
fn of_blame(
    alert: &Alert,
    ledger: &mut Ledger,
    findings: &Findings,
    blame: &Blame<'_>,
    bad: Option<&(TraceId, QuestionId)>,
) -> RootCause {
    let mechanism = mechanism::of(findings, blame);
    let mut evidence: Vec<EvidenceId> = Vec::new();
    for suspect in blame.suspects.iter().take(2) {
        evidence.extend(prove_suspect(ledger, findings, suspect));
    }
    evidence.extend(edge_facts(ledger, findings, blame));
    if let Some(shown) = &mechanism.shown_by {
        evidence.extend(prove_shown(ledger, findings, shown));
    }
    let worst = blame.suspects.first().copied();
    if let (Some(suspect), Some((trace, question))) = (worst, bad) {
        evidence.extend(hypotheses::seen_in_trace(ledger, suspect, *trace, question));
    }
    let trigger = trigger(ledger, findings, blame, &mechanism, &mut evidence);
    // Where no span takes longer by itself the symptom says whose requests suffer.
    let symptom = alert.symptoms.iter().find(|symptom| symptom.service == blame.name);
    let operation = worst.map(|suspect| suspect.entry.clone());
    let mut instances: Vec<String> =
        blame.suspects.iter().flat_map(|s| s.instances.iter().cloned()).collect();
    instances.sort();
    instances.dedup();
    RootCause {
        component: blame.component,
        service: blame.name.clone(),
        seen_from: seen_from(blame),
        instances: if blame.component == ComponentKind::Service { instances } else { Vec::new() },
        operation: operation.or(symptom.map(|symptom| symptom.operation.clone())).unwrap_or_default(),
        span: worst.map(|suspect| suspect.span.clone()).unwrap_or_default(),
        resource: match &mechanism.resource {
            Some(resource) => resource.clone(),
            None => worst.map(|suspect| suspect.resource.clone()).unwrap_or_default(),
        },
        fault: mechanism.fault,
        statement: statement(findings, blame, &mechanism, trigger.as_ref()),
        trigger,
        factors: Vec::new(),
        evidence,
    }
}

/// What set the cause off: a deployment whose spans do slower work; or, where it shows in how calls lie in time and
/// not in their work, the deployment of the service right before the onset.
fn trigger(
    ledger: &mut Ledger,
    findings: &Findings,
    blame: &Blame<'_>,
    mechanism: &Mechanism,
    evidence: &mut Vec<EvidenceId>,
) -> Option<Trigger> {
    if blame.component != ComponentKind::Service {
        return None;
    }
    hypotheses::trigger(ledger, findings, &blame.name, evidence).or_else(|| {
        let is_shown = mechanism.fault == Fault::BlockedExecutor;
        deployed(findings, &blame.name).filter(|_| is_shown)
    })
}

/// The callers of something that emits no telemetry.
fn seen_from(blame: &Blame<'_>) -> Vec<String> {
    if blame.component != ComponentKind::Dependency {
        return Vec::new();
    }
    let mut callers: Vec<String> = blame.suspects.iter().map(|suspect| suspect.service.clone()).collect();
    callers.sort();
    callers.dedup();
    callers
}

/// Seals what is known of the candidates that are listed, so that each can be looked up.
pub(super) fn prove_candidates(ledger: &mut Ledger, findings: &Findings) {
    for suspect in findings.suspects.iter().take(hypotheses::SUSPECTS_MAX) {
        prove_suspect(ledger, findings, suspect);
    }
}

fn prove_suspect(ledger: &mut Ledger, findings: &Findings, suspect: &Suspect) -> Option<EvidenceId> {
    let views = &findings.views;
    let (good, bad) = (&suspect.worst.good, &suspect.worst.bad);
    ledger.prove(Fact {
        kind: EvidenceKind::ExclusiveLatency,
        statement: suspect.text(),
        numbers: &[
            ("before_ms_per_call", good.ms_per_call),
            ("now_ms_per_call", bad.ms_per_call),
            ("before_ms_per_request", good.ms_per_request),
            ("now_ms_per_request", bad.ms_per_request),
            ("calls_before", suspect.good_count as f64),
            ("calls_now", suspect.bad_count as f64),
            ("share_of_excess", suspect.share),
            ("q_value", suspect.worst.q_value),
        ],
        questions: &[&views.self_time.0, &views.self_time.1],
        window: Some(views.bad),
        trace: None,
    })
}

/// The grown edges at the component.
fn edge_facts(ledger: &mut Ledger, findings: &Findings, blame: &Blame<'_>) -> Vec<EvidenceId> {
    let views = &findings.views;
    let is_at = |caller: &str, callee: &str| match blame.component {
        ComponentKind::Service => caller == blame.name || callee == blame.name,
        ComponentKind::Edge => blame.name == format!("{caller} -> {callee}"),
        ComponentKind::Dependency | ComponentKind::Queue => false,
    };
    let raised = findings.edges.iter().filter(|edge| edge.is_raised() && is_at(&edge.caller, &edge.callee));
    let facts = raised.take(3).map(|edge| {
        let statement = format!(
            "the way from `{}` to `{}` takes {:.1} ms a call instead of {:.1} ms ({} calls)",
            edge.caller, edge.callee, edge.bad_ms, edge.good_ms, edge.count
        );
        let numbers = [
            ("delay_before_ms", edge.good_ms),
            ("delay_now_ms", edge.bad_ms),
            ("calls", edge.count as f64),
            ("q_value", edge.q_value),
        ];
        (statement, numbers)
    });
    facts
        .filter_map(|(statement, numbers)| {
            ledger.prove(Fact {
                kind: EvidenceKind::EdgeDelay,
                statement,
                numbers: &numbers,
                questions: &[&views.edges.0, &views.edges.1],
                window: Some(views.bad),
                trace: None,
            })
        })
        .collect()
}

/// Seals the fact that shows a mechanism.
pub(super) fn prove_shown(ledger: &mut Ledger, findings: &Findings, shown: &Shown) -> Option<EvidenceId> {
    let views = &findings.views;
    let questions: Vec<&QuestionId> = match shown.kind {
        EvidenceKind::QueueFlow => vec![&views.edges.0, &views.edges.1],
        EvidenceKind::Saturation => vec![&views.series, &views.self_time.0, &views.self_time.1],
        _ => vec![&views.self_time.0, &views.self_time.1],
    };
    ledger.prove(Fact {
        kind: shown.kind,
        statement: shown.statement.clone(),
        numbers: &shown.numbers,
        questions: &questions,
        window: Some(views.bad),
        trace: None,
    })
}

/// The last deployment of `service` right before the onset, whatever its spans say.
pub(super) fn deployed(findings: &Findings, service: &str) -> Option<Trigger> {
    let mut before = findings.rollouts.iter().filter(|(rollout, _)| {
        rollout.first.service == service
            && rollout.first.kind == ChangeKind::Deploy
            && evidence::measures::changes::precedes(&rollout.first, findings.onset.latest)
    });
    let trigger = before.next_back().map(|(rollout, _)| Trigger {
        change: rollout.first.clone(),
        before_onset_ns: findings.onset.at.since(rollout.first.at),
    });
    trigger.filter(|trigger| trigger.before_onset_ns <= RECENT_SECONDS * SECOND_NS)
}

/// " since version ... " of a trigger.
pub(super) fn since(trigger: Option<&Trigger>) -> String {
    match trigger {
        Some(trigger) if !trigger.change.before.is_empty() => {
            format!(" since version {} replaced {}", trigger.change.after, trigger.change.before)
        }
        Some(trigger) => format!(" since version {} started", trigger.change.after),
        None => String::new(),
    }
}

fn statement(
    findings: &Findings,
    blame: &Blame<'_>,
    mechanism: &Mechanism,
    trigger: Option<&Trigger>,
) -> String {
    let share = format!("it explains {:.0} % of the extra time", (blame.share * 100.0).min(100.0));
    let since = since(trigger);
    let name = &blame.name;
    if mechanism.fault == Fault::BlockedExecutor {
        let target = mechanism.resource.as_deref().unwrap_or_default();
        return format!(
            "`{name}` is blocked by its calls of `{target}`{since}: nothing else in the process begins or ends \
             meanwhile; {share}"
        );
    }
    let Some(worst) = blame.suspects.first() else {
        return format!("calls wait at `{name}`{since}, on neither side's work; {share}");
    };
    let (good, bad) = (&worst.worst.good, &worst.worst.bad);
    let per_call = format!("{:.1} ms a call instead of {:.1} ms", bad.ms_per_call, good.ms_per_call);
    match mechanism.fault {
        Fault::SlowDependency => {
            let is_dark = !findings.lanes.iter().any(|lane| lane.service == *name);
            let note = if is_dark { " (not instrumented)" } else { "" };
            format!("at or behind `{name}`{note}: {} take {per_call}; {share}", calls_of(blame))
        }
        Fault::ConnectionChurn => format!(
            "`{name}` opens {:.1} connections a request instead of {:.1}{since}; {share}",
            bad.calls_per_request(),
            good.calls_per_request()
        ),
        Fault::PoolWait => format!(
            "requests of `{name}` wait for a connection to `{}`{since}: {} of its own waiting {per_call}; {share}",
            mechanism.resource.as_deref().unwrap_or_default(),
            worst.work()
        ),
        Fault::InjectedDelay => format!(
            "`{name}`: {} waits for nothing, {per_call}{since}: a delay that someone put there; {share}",
            worst.work()
        ),
        Fault::MoreCalls => format!(
            "`{name}`: {} is made {:.1} times a request instead of {:.1}{since}; {share}",
            worst.work(),
            bad.calls_per_request(),
            good.calls_per_request()
        ),
        _ => format!("`{name}`: {} takes {per_call}{since}; {share}", worst.work()),
    }
}

fn calls_of(blame: &Blame<'_>) -> String {
    let callers: Vec<String> = seen_from(blame).into_iter().map(|caller| format!("`{caller}`")).collect();
    format!("calls from {}", callers.join(" and "))
}
