//! Puts spans and log records together into runs: one run is one request with all that it set off.

use std::collections::BTreeMap;

use telemetry::{LogRecord, Span, TraceId};

/// One run of a request: its trace, the traces that span links tie to it, and their log records.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Run {
    /// The spans.
    pub spans: Vec<Span>,
    /// The log records written inside those traces.
    pub logs: Vec<LogRecord>,
}

/// The runs among `spans` and `logs`, by the start of their first span. Log records of no trace here are left out.
#[must_use]
pub fn split(spans: Vec<Span>, logs: Vec<LogRecord>) -> Vec<Run> {
    let mut leader: BTreeMap<TraceId, TraceId> =
        spans.iter().map(|span| (span.trace_id, span.trace_id)).collect();
    for span in &spans {
        for link in span.links.iter().filter(|link| link.trace_id != span.trace_id) {
            let (Some(here), Some(there)) = (find(&leader, span.trace_id), find(&leader, link.trace_id))
            else {
                continue;
            };
            leader.insert(here.max(there), here.min(there));
        }
    }
    let mut runs: BTreeMap<TraceId, Run> = BTreeMap::new();
    for span in spans {
        if let Some(of) = find(&leader, span.trace_id) {
            runs.entry(of).or_default().spans.push(span);
        }
    }
    for log in logs {
        let run = log.trace_id.and_then(|id| find(&leader, id)).and_then(|of| runs.get_mut(&of));
        if let Some(run) = run {
            run.logs.push(log);
        }
    }
    let mut runs: Vec<Run> = runs.into_values().collect();
    runs.sort_by_key(|run| run.spans.iter().map(|span| (span.start, span.trace_id)).min());
    runs
}

fn find(leader: &BTreeMap<TraceId, TraceId>, of: TraceId) -> Option<TraceId> {
    let mut at = of;
    loop {
        let next = *leader.get(&at)?;
        if next == at {
            return Some(at);
        }
        at = next;
    }
}
