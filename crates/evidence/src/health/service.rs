//! The health of a service over a window: the worst of its operations, dependencies and error budgets (AG-10, AG-30).
//!
//! Every condition is looked at, in no order, and each that holds is told; the source's first match hid the worse one.
//! Too few requests are not judged, and a service without any is unknown, never healthy. Only what is in the
//! window counts (W-05).

use telemetry::Window;
use telemetry::answer::{EdgeRow, HealthRow};

use super::baseline::{self, Baseline};
use super::declared::{Declared, Operation};
use super::deviation::{self, Deviation};
use super::figures::{self, Figures};
use super::slo::SloState;
use super::{Part, settings::Settings};

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Nothing, or too little, was measured.
    Unknown,
    /// Nothing is wrong.
    Healthy,
    /// Something is wrong.
    Degraded,
    /// Much is wrong.
    Critical,
}

impl Status {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Critical => "critical",
        }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationHealth {
    /// Its span name.
    pub operation: String,
    /// Its figures.
    pub figures: Figures,
    /// By its failure rate, which needs enough requests.
    pub status: Status,
    /// What is usual.
    pub baseline: Baseline,
    /// How far its median latency lies from that.
    pub deviation: Deviation,
    /// What was declared of it.
    pub declared: Option<Operation>,
}

/// One dependency, as the service's calls see it.
#[derive(Debug, Clone, PartialEq)]
pub struct DependencyHealth {
    /// What it is known by.
    pub name: String,
    /// Calls.
    pub count: u64,
    /// Failed calls.
    pub errors: u64,
    /// Failure rate, 0 to 1.
    pub failure_rate: f64,
    /// Mean duration of a call, milliseconds.
    pub mean_ms: f64,
    /// By its failure rate, which needs enough calls.
    pub status: Status,
}

/// Why a service is not healthy.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What that makes of it.
    pub status: Status,
    /// What: an operation, a dependency or an objective.
    pub subject: String,
    /// The figure that shows it: a failure rate or what is left of a budget, 0 to 1.
    pub value: f64,
    /// The bound it passed.
    pub bound: f64,
}

/// The health of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceHealth {
    /// Which.
    pub service: String,
    /// When.
    pub window: Window,
    /// The worst of all.
    pub status: Status,
    /// Why, worst first.
    pub reasons: Vec<Reason>,
    /// Its operations, the most requests first.
    pub operations: Vec<OperationHealth>,
    /// What it calls, by name.
    pub dependencies: Vec<DependencyHealth>,
    /// Its objectives, as declared.
    pub slos: Vec<SloState>,
}

/// What is known of a service.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Which.
    pub service: &'a str,
    /// The window looked at.
    pub window: Window,
    /// Its requests in the window.
    pub rows: &'a [HealthRow],
    /// Its requests before, in parts: what a rolling baseline is made of.
    pub before: &'a [Part<'a>],
    /// Its calls in the window.
    pub edges: &'a [EdgeRow],
    /// Its objectives.
    pub slos: &'a [SloState],
    /// What was declared.
    pub declared: &'a Declared,
}

/// The health of a service.
#[must_use]
pub fn of(known: &Known<'_>) -> ServiceHealth {
    let settings = &known.declared.settings;
    let operations = operations(known);
    let dependencies = dependencies(known.edges, known.service, settings);
    let mut reasons: Vec<Reason> = Vec::new();
    for operation in operations.iter().filter(|operation| operation.status > Status::Healthy) {
        let bound = match operation.status {
            Status::Critical => settings.critical_failure_rate,
            _ => settings.degraded_failure_rate,
        };
        let (subject, value) = (operation.operation.clone(), operation.figures.failure_rate());
        reasons.push(Reason { status: operation.status, subject, value, bound });
    }
    for dependency in dependencies.iter().filter(|dependency| dependency.status > Status::Healthy) {
        let (subject, value) = (dependency.name.clone(), dependency.failure_rate);
        reasons.push(Reason {
            status: dependency.status,
            subject,
            value,
            bound: settings.dependency_failure_rate,
        });
    }
    reasons.extend(known.slos.iter().filter_map(|slo| budget_reason(slo, settings)));
    reasons.sort_by(|a, b| b.status.cmp(&a.status).then_with(|| a.subject.cmp(&b.subject)));
    let is_judged = operations.iter().any(|operation| operation.status != Status::Unknown)
        || known.slos.iter().any(|slo| slo.budget_left.is_some());
    let at_best = if is_judged { Status::Healthy } else { Status::Unknown };
    ServiceHealth {
        service: known.service.to_owned(),
        window: known.window,
        status: reasons.iter().map(|reason| reason.status).max().unwrap_or(at_best),
        reasons,
        operations,
        dependencies,
        slos: known.slos.to_vec(),
    }
}

fn operations(known: &Known<'_>) -> Vec<OperationHealth> {
    let settings = &known.declared.settings;
    let mut operations: Vec<OperationHealth> = figures::by_operation(known.rows, known.service)
        .into_iter()
        .map(|(operation, figures)| {
            let declared = known.declared.operation(known.service, &operation);
            let who = (known.service, operation.as_str());
            let rolling = baseline::rolling(known.before, known.window, who, settings);
            let baseline = baseline::choose(declared.as_ref(), rolling, settings);
            let deviation = deviation::of(&figures, &baseline, settings);
            OperationHealth {
                status: status(&figures, settings),
                operation,
                figures,
                baseline,
                deviation,
                declared,
            }
        })
        .collect();
    operations
        .sort_by(|a, b| b.figures.count.cmp(&a.figures.count).then_with(|| a.operation.cmp(&b.operation)));
    operations
}

/// How an operation is by its failure rate.
#[must_use]
pub fn status(figures: &Figures, settings: &Settings) -> Status {
    let rate = figures.failure_rate();
    if figures.count == 0 || figures.count < settings.requests_min {
        Status::Unknown
    } else if rate > settings.critical_failure_rate {
        Status::Critical
    } else if rate > settings.degraded_failure_rate {
        Status::Degraded
    } else {
        Status::Healthy
    }
}

/// The dependencies of `service`, by name.
#[must_use]
pub fn dependencies(edges: &[EdgeRow], service: &str, settings: &Settings) -> Vec<DependencyHealth> {
    let judged = |count: u64, rate: f64| {
        if count == 0 || count < settings.calls_min {
            Status::Unknown
        } else if rate > settings.dependency_failure_rate {
            Status::Degraded
        } else {
            Status::Healthy
        }
    };
    figures::by_dependency(edges, service)
        .into_iter()
        .map(|(name, (count, errors, sum_ms))| {
            let calls = count.max(1) as f64;
            let failure_rate = errors as f64 / calls;
            let status = judged(count, failure_rate);
            DependencyHealth { name, count, errors, failure_rate, mean_ms: sum_ms / calls, status }
        })
        .collect()
}

fn budget_reason(slo: &SloState, settings: &Settings) -> Option<Reason> {
    let left = slo.budget_left?;
    let (status, bound) = if left < settings.critical_budget {
        (Status::Critical, settings.critical_budget)
    } else if left < settings.degraded_budget {
        (Status::Degraded, settings.degraded_budget)
    } else {
        return None;
    };
    Some(Reason { status, subject: slo.name.clone(), value: left, bound })
}

#[cfg(test)]
#[path = "service/tests.rs"]
mod tests;
