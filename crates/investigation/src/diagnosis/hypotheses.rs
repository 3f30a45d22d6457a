//! Ranked hypotheses: what each candidate predicts, and how it fared.

use evidence::measures::{changes, counterfactual};
use incident::{
    Candidate, CandidateKind, ComponentKind, EvidenceId, EvidenceKind, Fault, Hypothesis, HypothesisStatus,
    Prediction, PredictionOutcome, RootCause, RuledOut, Trigger,
};
use telemetry::answer::{ChangeKind, Table};
use telemetry::number::Num;
use telemetry::time::SECOND_NS;
use telemetry::{QuestionId, TraceId};

use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};
use crate::suspects::Suspect;

/// Hypotheses of suspects that are listed; further ones explain next to nothing.
pub(super) const SUSPECTS_MAX: usize = 5;

/// All hypotheses, best first; those ruled out come last with their rule's evidence.
pub(super) fn rank(
    findings: &Findings,
    causes: &[&RootCause],
    ruled_out: &[RuledOut],
    ledger: &Ledger,
) -> Vec<Hypothesis> {
    let is_of = |cause: &RootCause, suspect: &Suspect| {
        cause.service == suspect.component().1
            && cause.span == suspect.span
            && (suspect.resource.is_empty() || suspect.resource == cause.resource)
    };
    let suspects = || findings.suspects.iter().take(SUSPECTS_MAX);
    let unlisted = causes.iter().filter(|cause| !suspects().any(|suspect| is_of(cause, suspect)));
    let mut ranked: Vec<Hypothesis> = unlisted.map(|cause| of_cause(cause)).collect();
    for suspect in suspects() {
        let cause = causes.iter().find(|cause| is_of(cause, suspect));
        ranked.push(of_suspect(findings, suspect, cause.copied(), ledger));
    }
    for excluded in ruled_out {
        ranked.push(Hypothesis {
            candidate: excluded.candidate.clone(),
            statement: excluded.why.clone(),
            predictions: vec![Prediction {
                statement: refuted_prediction(&excluded.rule).to_owned(),
                outcome: PredictionOutcome::Failed,
            }],
            status: HypothesisStatus::Refuted,
            score: Num::new(0.0),
            evidence: excluded.evidence.clone(),
        });
    }
    ranked
}

fn refuted_prediction(rule: &str) -> &'static str {
    match rule {
        "breaker_open" => "it fails although it calls whom it called before",
        "cause_after_onset" => "it took effect before the onset",
        "change_without_effect" => "spans of the new version do slower work than spans of the old one",
        "edge_unchanged" => "calls on this way take longer than the callee explains",
        "load_steady" => "there are more requests than before",
        _ => "the service's own work takes longer",
    }
}

/// A cause that is no group of slow spans: messages, repetitions, errors, time that no span owns.
fn of_cause(cause: &RootCause) -> Hypothesis {
    let (kind, prediction) = match (cause.component, cause.fault) {
        (ComponentKind::Queue, _) => {
            (CandidateKind::Queue, "more of the messages sent are not processed than before")
        }
        (ComponentKind::Edge, _) => {
            (CandidateKind::Edge, "calls on this way take longer than the callee explains")
        }
        (_, Fault::RetryStorm) => (
            CandidateKind::Service,
            "repetitions are most of the calls, and the callee fails no call by itself",
        ),
        (ComponentKind::Dependency, _) => {
            (CandidateKind::Resource, "calls of it fail, and nothing behind them in the system does")
        }
        (ComponentKind::Service, _) => {
            (CandidateKind::Service, "errors or waiting begin here, and at nothing that it calls")
        }
    };
    Hypothesis {
        candidate: Candidate { kind, service: cause.service.clone(), name: cause.span.clone() },
        statement: cause.statement.clone(),
        predictions: vec![Prediction { statement: prediction.to_owned(), outcome: PredictionOutcome::Held }],
        status: HypothesisStatus::Supported,
        score: Num::new(1.0),
        evidence: cause.evidence.clone(),
    }
}

fn of_suspect(
    findings: &Findings,
    suspect: &Suspect,
    cause: Option<&RootCause>,
    ledger: &Ledger,
) -> Hypothesis {
    let is_cause = cause.is_some();
    let (component, name) = suspect.component();
    let is_service = component == ComponentKind::Service;
    let others: f64 =
        findings.suspects.iter().filter(|s| s.service != suspect.service).map(|s| s.share).sum();
    let seen = |is_seen: bool| {
        if is_seen { PredictionOutcome::Held } else { PredictionOutcome::Failed }
    };
    let predictions = vec![
        Prediction {
            statement: format!("{} explains at least half of the extra time", suspect.work()),
            outcome: seen(suspect.share >= 0.5),
        },
        Prediction {
            statement: "services that call it do no slower work of their own".to_owned(),
            outcome: seen(others < 0.5),
        },
        Prediction {
            statement: "spans of the version deployed before the onset are slower than spans of the old one"
                .to_owned(),
            outcome: version_outcome(findings, &suspect.service),
        },
    ];
    let removal = counterfactual::removal(suspect.excess_ms, findings.excess_ms);
    let is_removed = findings.settings.is_on(counterfactual::MEASURE.name);
    let predictions = predictions
        .into_iter()
        .chain(is_removed.then(|| Prediction {
            statement: format!(
                "had it taken as long as before, {:.0} % of the extra time would remain, at most half",
                removal.remaining_share * 100.0
            ),
            outcome: seen(removal.is_clearing()),
        }))
        .collect();
    let rank_evidence = ledger.evidence.iter().filter(|item| item.statement == suspect.text());
    Hypothesis {
        candidate: Candidate {
            kind: if suspect.is_own_work() { CandidateKind::Service } else { CandidateKind::Resource },
            service: name.to_owned(),
            name: match (is_service, suspect.is_own_work()) {
                (true, true) => suspect.span.clone(),
                (true, false) => suspect.resource.clone(),
                (false, _) => String::new(),
            },
        },
        statement: suspect.text(),
        predictions,
        status: if is_cause { HypothesisStatus::Supported } else { HypothesisStatus::Inconclusive },
        score: Num::new(suspect.share),
        evidence: match cause {
            Some(cause) => cause.evidence.clone(),
            None => rank_evidence.map(|item| item.id.clone()).collect(),
        },
    }
}

fn version_outcome(findings: &Findings, service: &str) -> PredictionOutcome {
    let mut contrasts = findings
        .rollouts
        .iter()
        .filter(|(rollout, _)| rollout.first.service == *service)
        .filter_map(|(_, contrast)| contrast.as_ref())
        .peekable();
    if contrasts.peek().is_none() {
        return PredictionOutcome::Unknown;
    }
    if contrasts.any(changes::VersionContrast::is_raised) {
        PredictionOutcome::Held
    } else {
        PredictionOutcome::Failed
    }
}

/// The change that set the cause in `service` off: before the onset, and its new version does slower work.
pub(super) fn trigger(
    ledger: &mut Ledger,
    findings: &Findings,
    service: &str,
    evidence: &mut Vec<EvidenceId>,
) -> Option<Trigger> {
    let (rollout, contrast) = findings
        .rollouts
        .iter()
        .filter(|(rollout, _)| rollout.first.service == service && rollout.first.kind == ChangeKind::Deploy)
        .filter(|(rollout, _)| changes::precedes(&rollout.first, findings.onset.latest))
        .filter_map(|(rollout, contrast)| Some((rollout, contrast.as_ref().filter(|c| c.is_raised())?)))
        .next_back()?;
    let before_onset_ns = findings.onset.at.since(rollout.first.at);
    let trigger = Trigger { change: rollout.first.clone(), before_onset_ns };
    let views = &findings.views;
    evidence.extend(ledger.prove(Fact {
        kind: EvidenceKind::VersionContrast,
        statement: format!(
            "`{service}` {}: {} {:.2} ms ({} calls); {}: {:.2} ms ({} calls)",
            rollout.first.before,
            contrast.subject(),
            contrast.old_ms,
            contrast.old_calls,
            rollout.first.after,
            contrast.new_ms,
            contrast.new_calls
        ),
        numbers: &[
            ("old_version_ms_per_call", contrast.old_ms),
            ("new_version_ms_per_call", contrast.new_ms),
            ("old_version_calls", contrast.old_calls as f64),
            ("new_version_calls", contrast.new_calls as f64),
            ("p_value", contrast.p_value),
            ("old_version_error_origins", contrast.old_origins as f64),
            ("new_version_error_origins", contrast.new_origins as f64),
            ("seconds_before_onset", before_onset_ns as f64 / SECOND_NS as f64),
        ],
        questions: &[&views.changes, &views.self_time.0, &views.self_time.1],
        window: None,
        trace: None,
    }));
    Some(trigger)
}

/// A trigger as a sentence.
pub(super) fn trigger_text(trigger: &Trigger) -> String {
    let change = &trigger.change;
    format!(
        "`{}` went from {} to {} at {} UTC, {}",
        change.service,
        change.before,
        change.after,
        change.at.clock(),
        trigger.lead()
    )
}

/// The suspect's share of one bad trace.
pub(super) fn seen_in_trace(
    ledger: &mut Ledger,
    suspect: &Suspect,
    trace: TraceId,
    question: &QuestionId,
) -> Option<EvidenceId> {
    let Some(Table::Trace(rows)) = ledger.table(question) else {
        return None;
    };
    let whole_ns = rows.iter().map(|row| row.duration_ns).max()?;
    let own: Vec<i64> = rows
        .iter()
        .filter(|row| row.subject.service == suspect.service && row.subject.operation == suspect.span)
        .map(|row| row.exclusive_ns)
        .collect();
    let own_ns: i64 = own.iter().sum();
    let (own_ms, whole_ms) = (own_ns as f64 / 1e6, whole_ns as f64 / 1e6);
    let statement = format!(
        "in trace {trace}, {} of `{}` takes {own_ms:.1} of {whole_ms:.1} ms",
        suspect.work(),
        suspect.service
    );
    ledger.prove(Fact {
        kind: EvidenceKind::ExemplarTrace,
        statement,
        numbers: &[("own_ms", own_ms), ("trace_ms", whole_ms), ("spans", own.len() as f64)],
        questions: &[question],
        window: None,
        trace: Some(trace),
    })
}
