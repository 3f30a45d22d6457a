//! What kind of fault a component has: how its extra time comes about.
//!
//! Each kind has a signature that the others do not share: a process that stands still during its calls, time spent
//! on connecting, more calls, a query, idle time in front of queries that run at their limit, computing, or an even
//! wait for nothing. What has none of them is slow work: "none of these" is an answer.

use evidence::measures::computing;
use incident::{ComponentKind, EvidenceKind, Fault};
use telemetry::SpanKind;

use super::causes::Blame;
use crate::findings::Findings;
use crate::suspects::Suspect;

/// Computing time gained, as a share of the extra time, from which a process is said to compute.
const COMPUTING_MIN: f64 = 0.3;
/// The same share up to which it is said to be idle.
const IDLE_MAX: f64 = 0.2;
/// Growth of the computing of a request, and seconds of it, from which a process computes more.
const COMPUTING_GROWTH_MIN: f64 = 1.5;
const COMPUTING_S_MIN: f64 = 0.005;
/// Share of a service's own extra time that must stand in front of its queries for a pool to be the reason.
const LEAD_MIN: f64 = 0.5;
/// An injected delay is the same for all: the 95th percentile rises at most by this factor more than the median. A
/// wait for chance things (a lock, a queue: exponential) has 4.3; the rest is what a busy machine adds.
const EVEN_MAX: f64 = 2.2;
/// Milliseconds by which the median must rise for a delay.
const DELAY_MS_MIN: f64 = 5.0;

/// A fault with what shows it: a sentence and its numbers.
#[derive(Debug, Clone)]
pub(super) struct Mechanism {
    pub(super) fault: Fault,
    /// What waits or is used, when the suspect does not name it.
    pub(super) resource: Option<String>,
    pub(super) shown_by: Option<Shown>,
}

/// The fact that shows a mechanism.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub(super) kind: EvidenceKind,
    pub(super) statement: String,
    pub(super) numbers: Vec<(&'static str, f64)>,
}

impl Mechanism {
    fn plain(fault: Fault) -> Self {
        Self { fault, resource: None, shown_by: None }
    }
}

/// How the extra time of `blame` comes about.
pub(super) fn of(findings: &Findings, blame: &Blame<'_>) -> Mechanism {
    match blame.component {
        ComponentKind::Dependency => return Mechanism::plain(Fault::SlowDependency),
        ComponentKind::Edge => return Mechanism::plain(Fault::SlowEdge),
        ComponentKind::Queue | ComponentKind::Service => {}
    }
    if let Some(blocked) = blocked(findings, blame) {
        return blocked;
    }
    let Some(worst) = blame.suspects.first() else {
        return Mechanism::plain(Fault::SlowEdge);
    };
    if findings.is_connecting(&worst.span) {
        // As many connections as before that take longer are an overloaded callee, and so are those of a caller that
        // gives up and connects anew.
        let gives_up = findings.origins.iter().any(|origin| {
            origin.is_raised() && origin.service == blame.name && origin.kind == SpanKind::Client
        });
        let is_churn = worst.worst.is_by_number() && !gives_up;
        return if is_churn { connecting(worst) } else { Mechanism::plain(Fault::SlowEdge) };
    }
    if worst.worst.is_by_number() && !worst.is_own_work() {
        return more_calls(worst);
    }
    if !worst.database.is_empty() {
        return Mechanism::plain(Fault::SlowQuery);
    }
    pool(findings, blame)
        .or_else(|| delay(findings, blame, worst))
        .unwrap_or_else(|| Mechanism::plain(Fault::SlowWork))
}

/// Computing time that `service` gained, as a share of its extra time; nothing when it does not report it.
fn computing_share(findings: &Findings, service: &str, excess_ms: f64) -> Option<f64> {
    let cpu = computing::cpu(&findings.series, service)?;
    let extra_per_s = excess_ms / 1000.0 / findings.views.bad.seconds().max(1.0);
    (extra_per_s > 0.0).then(|| (cpu.bad - cpu.good) / extra_per_s)
}

/// Whether a request takes clearly more computing than before. Where requests wait for the processor the computing is a
/// small part of their time, however much of it there is.
fn computes_more(findings: &Findings, service: &str, worst: &Suspect) -> bool {
    let Some(cpu) = computing::cpu(&findings.series, service) else { return false };
    let views = &findings.views;
    let a_request = |cpu: f64, seconds: f64, requests: u64| cpu * seconds / requests.max(1) as f64;
    let before = a_request(cpu.good, views.good.seconds(), worst.worst.good.requests);
    let now = a_request(cpu.bad, views.bad.seconds(), worst.worst.bad.requests);
    now > COMPUTING_GROWTH_MIN * before && now - before >= COMPUTING_S_MIN
}

fn own_excess_ms(blame: &Blame<'_>) -> f64 {
    blame.suspects.iter().filter(|suspect| suspect.is_own_work()).fold(0.0, |sum, s| sum + s.excess_ms)
}

/// The process stands still while it makes certain calls.
fn blocked(findings: &Findings, blame: &Blame<'_>) -> Option<Mechanism> {
    let mut lanes: Vec<_> =
        findings.lanes.iter().filter(|lane| lane.service == blame.name && lane.is_blocked()).collect();
    lanes.sort_by(|a, b| {
        b.bad
            .busy
            .total_cmp(&a.bad.busy)
            .then_with(|| (&a.target, &a.operation).cmp(&(&b.target, &b.operation)))
    });
    let lane = lanes.first()?;
    // A thread that computes stands still as well; its calls are not what holds it up.
    let excess_ms = blame.share * findings.excess_ms;
    if computing_share(findings, &blame.name, excess_ms).is_some_and(|share| share >= COMPUTING_MIN) {
        return None;
    }
    let (good, bad) = (&lane.good, &lane.bad);
    let statement = format!(
        "while `{}` waits for `{}` nothing else in the process begins or ends: {:.0} starts and ends inside these \
         calls where {:.0} are expected ({:.0} of {:.0} before); the calls take {:.0} % of the time",
        lane.service,
        lane.target,
        bad.inside,
        bad.expected,
        good.inside,
        good.expected,
        bad.busy * 100.0
    );
    let numbers = vec![
        ("events_inside_now", bad.inside),
        ("events_expected_now", bad.expected),
        ("events_inside_before", good.inside),
        ("events_expected_before", good.expected),
        ("busy_share_now", bad.busy),
        ("calls_at_once_now", bad.at_once),
    ];
    Some(Mechanism {
        fault: Fault::BlockedExecutor,
        resource: Some(lane.target.clone()),
        shown_by: Some(Shown { kind: EvidenceKind::Waiting, statement, numbers }),
    })
}

fn connecting(worst: &Suspect) -> Mechanism {
    let (good, bad) = (worst.worst.good.calls_per_request(), worst.worst.bad.calls_per_request());
    let statement = format!(
        "`{}` opens {bad:.2} connections a request instead of {good:.2}, {:.1} ms each",
        worst.service, worst.worst.bad.ms_per_call
    );
    let numbers = vec![
        ("connections_per_request_before", good),
        ("connections_per_request_now", bad),
        ("connecting_ms_now", worst.worst.bad.ms_per_call),
    ];
    Mechanism {
        fault: Fault::ConnectionChurn,
        resource: None,
        shown_by: Some(Shown { kind: EvidenceKind::Structure, statement, numbers }),
    }
}

fn more_calls(worst: &Suspect) -> Mechanism {
    let (good, bad) = (worst.worst.good.calls_per_request(), worst.worst.bad.calls_per_request());
    let statement = format!(
        "{} of `{}` is made {bad:.1} times a request instead of {good:.1}; one takes {:.1} ms, {:.1} ms before",
        worst.work(),
        worst.service,
        worst.worst.bad.ms_per_call,
        worst.worst.good.ms_per_call
    );
    let numbers = vec![("calls_per_request_before", good), ("calls_per_request_now", bad)];
    Mechanism {
        fault: Fault::MoreCalls,
        resource: None,
        shown_by: Some(Shown { kind: EvidenceKind::Structure, statement, numbers }),
    }
}

/// Requests stand idle in front of queries that run at their limit.
fn pool(findings: &Findings, blame: &Blame<'_>) -> Option<Mechanism> {
    let own_ms = own_excess_ms(blame);
    let lead_ms = findings
        .contrasts
        .iter()
        .filter(|contrast| contrast.group.service == blame.name && !contrast.group.database.is_empty())
        .map(|contrast| {
            let (good, bad) = (&contrast.good, &contrast.bad);
            (bad.lead_ms_per_request - good.lead_ms_per_request) * bad.requests as f64
        })
        .fold(0.0, |sum, lead_ms| sum + lead_ms);
    let full = findings.lanes.iter().find(|lane| lane.service == blame.name && lane.is_full());
    let pending = computing::waiting_for_connection(&findings.series, &blame.name);
    let computes = blame.suspects.first().is_some_and(|worst| computes_more(findings, &blame.name, worst));
    if computes || lead_ms < LEAD_MIN * own_ms || (full.is_none() && pending.is_none()) {
        return None;
    }
    let lane = full.or_else(|| findings.lanes.iter().find(|l| l.service == blame.name && l.is_database))?;
    let waiting =
        pending.map_or(String::new(), |most| format!("; up to {most:.0} wait for a connection at once"));
    let statement = format!(
        "`{}` waits before its queries: {:.0} % of its extra time stands right in front of them, and at most {} run \
         at once, {:.0} % of the time{waiting}",
        blame.name,
        100.0 * (lead_ms / own_ms).min(1.0),
        lane.bad.most_at_once,
        lane.bad.busy * 100.0
    );
    let numbers = vec![
        ("share_in_front_of_queries", (lead_ms / own_ms).min(1.0)),
        ("queries_at_once_most", lane.bad.most_at_once as f64),
        ("queries_busy_share", lane.bad.busy),
        ("waiting_at_once_most", pending.unwrap_or_default()),
    ];
    Some(Mechanism {
        fault: Fault::PoolWait,
        resource: Some(lane.target.clone()),
        shown_by: Some(Shown { kind: EvidenceKind::Waiting, statement, numbers }),
    })
}

/// The service waits for an even time, for nothing, and computes no more than before. Without figures of its
/// computing this cannot be told from slow work.
fn delay(findings: &Findings, blame: &Blame<'_>, worst: &Suspect) -> Option<Mechanism> {
    let (good, bad) = (&worst.worst.good, &worst.worst.bad);
    let (median, upper) = (bad.p50_ms - good.p50_ms, bad.p95_ms - good.p95_ms);
    let is_even = median >= DELAY_MS_MIN && upper <= EVEN_MAX * median;
    let computing = computing_share(findings, &blame.name, own_excess_ms(blame))?;
    let is_even = is_even && upper >= 0.5 * median;
    if !is_even || computing > IDLE_MAX || computes_more(findings, &blame.name, worst) {
        return None;
    }
    let statement = format!(
        "`{}` waits in `{}` for an even {median:.0} ms (95th percentile {upper:.0} ms more) and computes for {:.0} % \
         of it: in no call, in no queue",
        blame.name,
        worst.span,
        (computing * 100.0).max(0.0)
    );
    let numbers = vec![
        ("median_rise_ms", median),
        ("p95_rise_ms", upper),
        ("computing_share_of_extra_time", computing),
    ];
    Some(Mechanism {
        fault: Fault::InjectedDelay,
        resource: None,
        shown_by: Some(Shown { kind: EvidenceKind::Saturation, statement, numbers }),
    })
}
