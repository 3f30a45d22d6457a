//! The cause behind an open breaker, when too few of its calls are left for errors to be seen to begin there.
//!
//! It is the callee whose calls failed when it turned, or the last behind it that failed as well. Why it fails is not read
//! here: the breaker keeps its requests away.

use evidence::measures::open_breaker::OpenBreaker;
use incident::{ComponentKind, EvidenceKind, Fault, RootCause};

use super::root_cause;
use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};

/// Whom the first breaker that explains its caller's failures points at.
pub(super) fn behind(ledger: &mut Ledger, findings: &Findings) -> Option<RootCause> {
    let mut open = findings.breakers.iter();
    let open =
        open.find(|breaker| findings.breaker_of(&breaker.caller).is_some_and(|its| its == *breaker))?;
    let component = if open.is_instrumented { ComponentKind::Service } else { ComponentKind::Dependency };
    let trigger = root_cause::deployed(findings, &open.fails_at);
    let evidence = ledger.prove(Fact {
        kind: EvidenceKind::Structure,
        statement: calls_text(open),
        numbers: &open.numbers(),
        questions: &findings.breaker_questions(),
        window: Some(findings.views.bad),
        trace: None,
    })?;
    let seen_from = vec![open.caller.clone()];
    Some(RootCause {
        component,
        service: open.fails_at.clone(),
        seen_from: if open.is_instrumented { Vec::new() } else { seen_from },
        instances: Vec::new(),
        operation: String::new(),
        span: String::new(),
        resource: String::new(),
        fault: match (open.is_instrumented, open.is_failing()) {
            (false, _) => Fault::SlowDependency,
            (true, true) => Fault::ErrorOrigin,
            (true, false) => Fault::SlowWork,
        },
        statement: statement(open, &root_cause::since(trigger.as_ref())),
        trigger,
        factors: Vec::new(),
        evidence: vec![evidence],
    })
}

/// What became of the calls.
fn calls_text(open: &OpenBreaker) -> String {
    let (before, now) = open.calls_per_request;
    format!(
        "`{}` calls `{}` {now:.2} times a request instead of {before:.2} since {}",
        open.caller,
        open.callee,
        open.reason()
    )
}

fn statement(open: &OpenBreaker, since: &str) -> String {
    let at = if open.is_instrumented { "in" } else { "at or behind" };
    let way = if open.fails_at == open.callee {
        String::new()
    } else {
        format!(", which stands behind `{}`", open.callee)
    };
    let what = if open.is_failing() { "errors begin" } else { "time is lost" };
    format!(
        "{what} {at} `{}`{way}{since}: of the calls of `{}` from `{}`, {}; the caller then stopped calling and fails at once",
        open.fails_at,
        open.callee,
        open.caller,
        open.reason()
    )
}
