//! Answers `coverage`: which signals exist for which services, and who is only seen in the calls of others.
//!
//! Counts are of the seconds that begin inside the window. Callees without spans are read off complete traces, as
//! `edges` does; one whose name is that of a service with signals has no row of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use telemetry::answer::CoverageRow;
use telemetry::rows::Unanswered;
use telemetry::{Answer, AskError, Table, Window};

use super::Asking;
use super::select::Selected;
use crate::kept::Parts;
use crate::presence::{EVIDENCE, Signals};

/// What each service sent in the window.
pub(super) type Sent = BTreeMap<Arc<str>, Signals>;

pub(super) fn sent(parts: &Parts<'_>, window: Window, asking: &Asking<'_>) -> Result<Sent, AskError> {
    let mut sent = Sent::new();
    for services in parts.presence(window) {
        asking.look_at(services.len() as u64)?;
        for (service, signals) in services {
            sent.entry(Arc::clone(service)).or_default().add(signals);
        }
    }
    Ok(sent)
}

pub(super) fn answer(sent: Sent, selected: Selected, asking: &Asking<'_>) -> Result<Answer, AskError> {
    let mut unanswered = Unanswered::default();
    let (_, left_out) = selected.each_complete(asking, |trace, _| unanswered.take(trace))?;
    let mut rows: Vec<CoverageRow> = unanswered
        .into_calls()
        .into_iter()
        .filter(|(callee, _)| !sent.contains_key(callee.as_str()))
        .map(|(callee, calls)| row(callee, false, &Signals::default(), calls))
        .collect();
    rows.extend(sent.iter().map(|(service, signals)| row(service.to_string(), true, signals, 0)));
    rows.sort_by(|a, b| a.service.cmp(&b.service));
    Ok(Answer { left_out, ..asking.exact(rows, Table::Coverage) })
}

fn row(service: String, is_instrumented: bool, signals: &Signals, unanswered_calls: u64) -> CoverageRow {
    let evidence = EVIDENCE.iter().zip(signals.sampled).filter(|(_, spans)| *spans > 0);
    CoverageRow {
        service,
        is_instrumented,
        spans: signals.spans,
        entry_spans: signals.entry_spans,
        logs: signals.logs,
        points: signals.points,
        unanswered_calls,
        sampled: evidence.map(|(key, _)| (*key).to_owned()).collect(),
    }
}
