//! What stands beside a cause: what contributes to its effect, and what keeps that up.
//!
//! Told apart from the cause and from its trigger. It blames nobody, and it is only said of causes that were found
//! otherwise.

use evidence::measures::structure::Resends;
use incident::{EvidenceKind, Factor, FactorRole, Fault, RootCause};

use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};
use crate::rules::load_steady;

/// Adds to each cause what stands beside it.
pub(super) fn tell(causes: &mut [RootCause], ledger: &mut Ledger, findings: &Findings) {
    for cause in causes {
        let all =
            [retries(ledger, findings, cause), open_breaker(ledger, findings, cause), load(ledger, findings)];
        cause.factors = all.into_iter().flatten().collect();
    }
}

/// Whether a call of `callee` leads to the cause.
fn leads_to(findings: &Findings, callee: &str, cause: &RootCause) -> bool {
    callee == cause.service || findings.reaches(callee, &cause.service)
}

/// Calls that are repeated because they fail are load that lasts as long as they fail.
fn retries(ledger: &mut Ledger, findings: &Findings, cause: &RootCause) -> Option<Factor> {
    let is_its = |edge: &&Resends| {
        cause.fault != Fault::RetryStorm && edge.is_storm() && leads_to(findings, &edge.callee, cause)
    };
    let edge = findings.resends.iter().find(is_its)?;
    let (before, now) = (Resends::rate(edge.good), Resends::rate(edge.bad));
    let statement = format!(
        "`{}` repeats its calls of `{}` while they fail: {now:.1} repetitions for each first attempt, {before:.1} \
         before",
        edge.caller, edge.callee
    );
    let numbers = [
        ("resends_before", edge.good.0 as f64),
        ("first_attempts_before", edge.good.1 as f64),
        ("resends_now", edge.bad.0 as f64),
        ("first_attempts_now", edge.bad.1 as f64),
    ];
    structure(ledger, findings, statement, &numbers)
}

/// Requests go on failing until the breaker lets calls pass, whatever its callee does meanwhile.
fn open_breaker(ledger: &mut Ledger, findings: &Findings, cause: &RootCause) -> Option<Factor> {
    let open = findings.breakers.iter().find(|breaker| leads_to(findings, &breaker.callee, cause))?;
    let (before, now) = open.calls_per_request;
    let statement = format!(
        "`{}` no longer calls `{}`: {now:.2} calls a request instead of {before:.2}; its requests fail or go without \
         until it does",
        open.caller, open.callee
    );
    structure(ledger, findings, statement, &open.numbers())
}

fn structure(
    ledger: &mut Ledger,
    findings: &Findings,
    statement: String,
    numbers: &[(&str, f64)],
) -> Option<Factor> {
    let evidence = ledger.prove(Fact {
        kind: EvidenceKind::Structure,
        statement: statement.clone(),
        numbers,
        questions: &findings.breaker_questions(),
        window: Some(findings.views.bad),
        trace: None,
    })?;
    Some(Factor { role: FactorRole::Sustaining, statement, evidence: vec![evidence] })
}

/// More requests than before make any shortage worse.
fn load(ledger: &mut Ledger, findings: &Findings) -> Option<Factor> {
    let load = findings.load;
    if load.good_per_s <= 0.0 || load.bad_per_s < load_steady::GROWTH_MIN * load.good_per_s {
        return None;
    }
    let (before, now) = (load.good_per_s * 60.0, load.bad_per_s * 60.0);
    let statement = format!("requests grew from {before:.0} to {now:.0} a minute");
    let evidence = ledger.prove(Fact {
        kind: EvidenceKind::Load,
        statement: statement.clone(),
        numbers: &[("requests_per_minute_before", before), ("requests_per_minute_now", now)],
        questions: &[&findings.onset_question],
        window: None,
        trace: None,
    })?;
    Some(Factor { role: FactorRole::Contributing, statement, evidence: vec![evidence] })
}
