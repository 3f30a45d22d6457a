//! Causes that are not a matter of slow work: retries that feed themselves, and messages that do not arrive.
//!
//! Where errors begin is the business of `diagnosis::errors`.

use evidence::measures::error_origination::Origin;
use evidence::measures::messages::{Flow, Trouble};
use evidence::measures::structure::Resends;
use incident::{AlertSignal, ComponentKind, EvidenceKind, Fault, RootCause, Symptom};

use super::causes::Blame;
use super::mechanism::Shown;
use super::root_cause;
use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};

/// Milliseconds that a request must wait longer for somebody to give up on it.
const LATE_MS_MIN: f64 = 20.0;

/// Whether the errors are the time-outs of a caller: what is late stands behind the service in which they begin.
pub(super) fn times_out_behind(findings: &Findings, blame: &Blame<'_>) -> bool {
    let origin = findings.origins.iter().find(|origin| origin.is_raised());
    // A trifle behind a service that fails is no reason to give up on it.
    let is_late = blame.suspects.first().is_some_and(|suspect| {
        let (good, bad) = (suspect.worst.good.ms_per_request, suspect.worst.bad.ms_per_request);
        bad > 2.0 * good && bad - good >= LATE_MS_MIN
    });
    if !is_late {
        return false;
    }
    match (origin, blame.component) {
        (Some(origin), ComponentKind::Dependency) => blame.suspects.iter().any(|suspect| {
            suspect.service == origin.service || findings.reaches(&origin.service, &suspect.service)
        }),
        (Some(origin), _) => findings.reaches(&origin.service, &blame.name),
        (None, _) => false,
    }
}

/// The queue in which messages stop, when the symptom is one of its taker.
pub(super) fn queue(ledger: &mut Ledger, findings: &Findings, symptom: &Symptom) -> Option<RootCause> {
    let (flow, trouble) = findings.flows.iter().find_map(|flow| {
        let is_its = symptom.service == flow.taker
            || (flow.taker.is_empty() && symptom.signal == AlertSignal::Throughput);
        let trouble = flow.trouble().filter(|_| is_its)?;
        // A taker that works slower, or fails, leaves a backlog: then the messages are late and not lost.
        let is_backlog = findings.suspects.iter().any(|suspect| suspect.service == flow.taker)
            || findings.origins.iter().any(|origin| origin.is_raised() && origin.service == flow.taker);
        (trouble == Trouble::Stuck || !is_backlog).then_some((flow, trouble))
    })?;
    let taker = if flow.taker.is_empty() { "nobody" } else { &flow.taker };
    let trigger = root_cause::deployed(findings, &flow.taker);
    let since = root_cause::since(trigger.as_ref());
    let (fault, statement) = match trouble {
        Trouble::Lost => (
            Fault::MessageLoss,
            format!(
                "messages stop in queue `{}`{since}: {} of {} that `{}` sent were never processed by `{taker}`, \
                 {} of {} before",
                flow.queue, flow.bad.0, flow.bad.1, flow.sender, flow.good.0, flow.good.1
            ),
        ),
        Trouble::Stuck => (
            Fault::MessageStuck,
            format!(
                "queue `{}` is stuck{since}: `{taker}` was given one message {} times and failed each time, while {} \
                 of {} messages of `{}` wait",
                flow.queue, flow.deliveries_max, flow.bad.0, flow.bad.1, flow.sender
            ),
        ),
    };
    let shown = Shown { kind: EvidenceKind::QueueFlow, statement: statement.clone(), numbers: numbers(flow) };
    let evidence = root_cause::prove_shown(ledger, findings, &shown).into_iter().collect();
    Some(RootCause {
        component: ComponentKind::Queue,
        service: flow.queue.clone(),
        seen_from: [&flow.sender, &flow.taker].into_iter().filter(|name| !name.is_empty()).cloned().collect(),
        instances: Vec::new(),
        operation: symptom.operation.clone(),
        span: symptom.operation.clone(),
        resource: flow.queue.clone(),
        fault,
        statement,
        trigger,
        factors: Vec::new(),
        evidence,
    })
}

fn numbers(flow: &Flow) -> Vec<(&'static str, f64)> {
    vec![
        ("unprocessed_before", flow.good.0 as f64),
        ("sent_before", flow.good.1 as f64),
        ("unprocessed_now", flow.bad.0 as f64),
        ("sent_now", flow.bad.1 as f64),
        ("deliveries_now", flow.deliveries as f64),
        ("deliveries_of_one_message", flow.deliveries_max as f64),
        ("p_value", flow.p_value),
    ]
}

/// Repetitions a first attempt from which they are a storm even where nothing brought them in: more than the three
/// attempts that many clients make of a call that fails.
const UNPROVOKED_MIN: f64 = 3.0;

/// The caller whose retries are most of the load of its callee. A callee that fails by itself is no storm: then the
/// retries are a symptom.
pub(super) fn storm(ledger: &mut Ledger, findings: &Findings) -> Option<RootCause> {
    let fails_itself = |callee: &str| {
        let behind = findings.origins.iter().filter(|origin| {
            let is_its = origin.service == callee && !is_call(origin);
            origin.is_raised() && (is_its || findings.reaches(callee, &origin.service))
        });
        behind.fold(0.0, |sum, origin| sum + origin.share) >= findings.settings.thresholds.share_min
    };
    // Calls that fail over to a sibling because an instance cut them off are repetitions, too. Without a deployment
    // that could have brought the repeating in, only more repetitions than that can be are a storm.
    let is_storm = |edge: &&Resends| {
        let is_brought_in = root_cause::deployed(findings, &edge.caller).is_some();
        edge.is_storm() && (is_brought_in || Resends::rate(edge.bad) >= UNPROVOKED_MIN)
    };
    let found = findings.resends.iter().find(|edge| is_storm(edge) && !fails_itself(&edge.callee))?;
    let trigger = root_cause::deployed(findings, &found.caller);
    let since = root_cause::since(trigger.as_ref());
    let (before, now) = (Resends::rate(found.good), Resends::rate(found.bad));
    let statement = format!(
        "`{}` repeats its calls of `{}`{since}: {now:.1} repetitions for each first attempt, {before:.1} before; the \
         repetitions keep `{}` overloaded, whatever set them off",
        found.caller, found.callee, found.callee
    );
    let views = &findings.views;
    let numbers = [
        ("resends_before", found.good.0 as f64),
        ("first_attempts_before", found.good.1 as f64),
        ("resends_now", found.bad.0 as f64),
        ("first_attempts_now", found.bad.1 as f64),
    ];
    let evidence = ledger.prove(Fact {
        kind: EvidenceKind::Structure,
        statement: statement.clone(),
        numbers: &numbers,
        questions: &[&views.edges.0, &views.edges.1],
        window: Some(views.bad),
        trace: None,
    });
    Some(RootCause {
        component: ComponentKind::Service,
        service: found.caller.clone(),
        seen_from: Vec::new(),
        instances: Vec::new(),
        operation: String::new(),
        span: String::new(),
        resource: found.callee.clone(),
        fault: Fault::RetryStorm,
        statement,
        trigger,
        factors: Vec::new(),
        evidence: evidence.into_iter().collect(),
    })
}

fn is_call(origin: &Origin) -> bool {
    origin.kind == telemetry::SpanKind::Client
}
