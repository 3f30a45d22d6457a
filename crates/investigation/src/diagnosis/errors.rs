//! Where errors begin, as a root cause.
//!
//! Does not say why they do: what an error message says is not read here.

use evidence::measures::error_origination::Origin;
use incident::{ComponentKind, EvidenceKind, Fault, RootCause};

use super::{breaker, hypotheses};
use crate::findings::Findings;
use crate::ledger::{Fact, Ledger};
use crate::suspects;

/// The component in which errors begin.
struct Beginning {
    component: ComponentKind,
    name: String,
    /// Its largest group of failing spans, with the figures of all of them.
    origin: Origin,
    /// Groups of failing spans besides the largest.
    further: usize,
}

/// The component in which most of the new errors begin. It may fail in several operations, of which none has half of
/// the errors; and where several statements of one database fail, the database is what they have in common.
fn beginning(findings: &Findings) -> Option<Beginning> {
    let share_min = findings.settings.thresholds.share_min;
    let origins = findings.origins_behind_breakers();
    if let Some(origin) = origins.first().filter(|origin| origin.share >= share_min) {
        let (component, name) = component(origin);
        return Some(Beginning { component, name: name.to_owned(), origin: origin.clone(), further: 0 });
    }
    let raised: Vec<&Origin> = origins.iter().filter(|origin| origin.is_raised()).collect();
    together(&raised, share_min, database)
        .or_else(|| together(&raised, share_min, |origin| Some(component(origin))))
}

fn database(origin: &Origin) -> Option<(ComponentKind, &str)> {
    (!origin.database.is_empty()).then_some((ComponentKind::Dependency, origin.database.as_str()))
}

fn component(origin: &Origin) -> (ComponentKind, &str) {
    suspects::component(&origin.service, &origin.resource, &origin.database, origin.kind)
}

/// The first of the components that `of` names whose origins together are at least half of all.
fn together<'a>(
    origins: &[&'a Origin],
    share_min: f64,
    of: impl Fn(&'a Origin) -> Option<(ComponentKind, &'a str)>,
) -> Option<Beginning> {
    origins.iter().filter_map(|origin| of(origin)).find_map(|(component, name)| {
        let mut parts = origins.iter().filter(|origin| of(origin) == Some((component, name)));
        let mut origin: Origin = (**parts.next()?).clone();
        let mut further = 0;
        for part in parts {
            further += 1;
            origin.good = (origin.good.0 + part.good.0, origin.good.1 + part.good.1);
            origin.bad = (origin.bad.0 + part.bad.0, origin.bad.1 + part.bad.1);
            origin.share += part.share;
            origin.never_succeeded &= part.never_succeeded;
        }
        (origin.share >= share_min).then(|| Beginning { component, name: name.to_owned(), origin, further })
    })
}

/// The component in which errors begin.
pub(super) fn origin(ledger: &mut Ledger, findings: &Findings) -> Option<RootCause> {
    let Some(Beginning { component, name, origin, further }) = beginning(findings) else {
        return breaker::behind(ledger, findings);
    };
    let span = match further {
        0 => origin.span.clone(),
        _ => format!("{} and {further} more", origin.span),
    };
    let statement = match (component, origin.never_succeeded) {
        (ComponentKind::Dependency, _) => format!(
            "at or behind `{name}` (not instrumented): {} of {} calls from `{}` fail, {} of {} before",
            origin.bad.0, origin.bad.1, origin.service, origin.good.0, origin.good.1
        ),
        (_, true) => format!(
            "`{}` {} has never succeeded: {} of {} requests fail with no failed callee",
            origin.service, span, origin.bad.0, origin.bad.1
        ),
        _ => format!(
            "errors begin in `{}` {}: {} of {} spans fail with no failed callee, {} of {} before",
            origin.service, span, origin.bad.0, origin.bad.1, origin.good.0, origin.good.1
        ),
    };
    let views = &findings.views;
    let mut evidence: Vec<_> = ledger
        .prove(Fact {
            kind: EvidenceKind::ErrorOrigination,
            statement: statement.clone(),
            numbers: &[
                ("origins_now", origin.bad.0 as f64),
                ("spans_now", origin.bad.1 as f64),
                ("origins_before", origin.good.0 as f64),
                ("spans_before", origin.good.1 as f64),
                ("share_of_new_origins", origin.share),
                ("q_value", origin.q_value),
            ],
            questions: &[&views.self_time.0, &views.self_time.1],
            window: Some(views.bad),
            trace: None,
        })
        .into_iter()
        .collect();
    let is_service = component == ComponentKind::Service;
    let trigger = if is_service { hypotheses::trigger(ledger, findings, &name, &mut evidence) } else { None };
    Some(RootCause {
        component,
        service: name,
        seen_from: if is_service { Vec::new() } else { vec![origin.service.clone()] },
        instances: Vec::new(),
        operation: origin.entry.clone(),
        span: origin.span.clone(),
        resource: origin.resource.clone(),
        fault: match (component, origin.never_succeeded) {
            (ComponentKind::Dependency, _) => Fault::SlowDependency,
            (_, true) => Fault::NeverSucceeded,
            _ => Fault::ErrorOrigin,
        },
        statement,
        trigger,
        factors: Vec::new(),
        evidence,
    })
}
