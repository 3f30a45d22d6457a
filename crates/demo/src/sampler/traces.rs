//! The traces that are held, and the decision about each.
//! It deliberately decides once: spans that come late share the fate of their trace.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// How long a trace is held after its first span came: its services send five times a second.
const HOLD: Duration = Duration::from_millis(1_500);
/// The share of the traces without a failure that goes on.
const KEPT: f64 = 0.1;
/// Decisions that are remembered: minutes of the default load.
const REMEMBERED: usize = 20_000;
/// Traces that are held at once; with more, the oldest are decided early.
const HELD: usize = 20_000;
/// `STATUS_CODE_ERROR`.
const ERROR: i32 = 2;

type Id = Vec<u8>;

#[derive(Debug, Default)]
pub(super) struct Traces {
    held: BTreeMap<Id, Held>,
    /// In the order in which their first spans came.
    arrived: VecDeque<(Instant, Id)>,
    decided: BTreeMap<Id, bool>,
    order: VecDeque<Id>,
    /// Late spans of traces that went on.
    late: Vec<ResourceSpans>,
}

#[derive(Debug, Default)]
struct Held {
    failed: bool,
    parts: Vec<ResourceSpans>,
}

impl Traces {
    /// Takes the spans of `request`, trace by trace.
    pub(super) fn hold(&mut self, request: ExportTraceServiceRequest, now: Instant) {
        for group in request.resource_spans {
            for scope in group.scope_spans {
                let mut by_trace: BTreeMap<Id, Vec<Span>> = BTreeMap::new();
                for span in scope.spans {
                    by_trace.entry(span.trace_id.clone()).or_default().push(span);
                }
                for (id, spans) in by_trace {
                    let failed = spans.iter().any(is_failed);
                    let scope_spans =
                        vec![ScopeSpans { scope: scope.scope.clone(), spans, schema_url: String::new() }];
                    let resource = group.resource.clone();
                    let part = ResourceSpans { resource, scope_spans, schema_url: String::new() };
                    self.add(id, part, failed, now);
                }
            }
        }
    }

    fn add(&mut self, id: Id, part: ResourceSpans, failed: bool, now: Instant) {
        if let Some(goes_on) = self.decided.get(&id) {
            if *goes_on {
                self.late.push(part);
            }
            return;
        }
        if !self.held.contains_key(&id) {
            self.arrived.push_back((now, id.clone()));
        }
        let held = self.held.entry(id).or_default();
        held.failed |= failed;
        held.parts.push(part);
    }

    /// What goes on now.
    pub(super) fn release(&mut self, now: Instant) -> ExportTraceServiceRequest {
        let mut resource_spans = std::mem::take(&mut self.late);
        while let Some((arrived, _)) = self.arrived.front() {
            if now.saturating_duration_since(*arrived) < HOLD && self.arrived.len() <= HELD {
                break;
            }
            let Some((_, id)) = self.arrived.pop_front() else { break };
            let held = self.held.remove(&id).unwrap_or_default();
            let goes_on = held.failed || is_lucky(&id);
            if goes_on {
                resource_spans.extend(held.parts);
            }
            self.remember(id, goes_on);
        }
        ExportTraceServiceRequest { resource_spans }
    }

    fn remember(&mut self, id: Id, goes_on: bool) {
        self.decided.insert(id.clone(), goes_on);
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.decided.remove(&oldest);
        }
    }
}

fn is_failed(span: &Span) -> bool {
    span.status.as_ref().is_some_and(|status| status.code == ERROR)
}

/// Decided by the last eight bytes of the id, which are random: every run of this process decides alike.
fn is_lucky(id: &[u8]) -> bool {
    let last = id.last_chunk::<8>().copied().map_or(u64::MAX, u64::from_be_bytes);
    last as f64 / u64::MAX as f64 <= KEPT
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::trace::v1::Status;

    use super::*;
    use crate::clock;
    use crate::rng::Rng;

    fn request(id: u64, failed: bool) -> ExportTraceServiceRequest {
        let trace_id = [0; 8].into_iter().chain(id.to_be_bytes()).collect();
        let status = failed.then(|| Status { code: ERROR, message: String::new() });
        let span = Span { trace_id, status, ..Span::default() };
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { scope_spans, ..ResourceSpans::default() }],
        }
    }

    #[test]
    fn every_failed_trace_goes_on_whole_and_one_in_ten_of_the_others() {
        let (mut traces, mut rng, start) = (Traces::default(), Rng::new(1, 9), clock::monotonic());
        let ids: Vec<_> = (0..1_000).map(|_| rng.next()).collect();
        for (turn, id) in ids.iter().enumerate() {
            // The failure is in the second span of every fifth trace.
            traces.hold(request(*id, false), start);
            traces.hold(request(*id, turn % 5 == 0), start);
        }
        assert!(traces.release(start + HOLD / 2).resource_spans.is_empty());
        let spans = traces.release(start + HOLD).resource_spans.len();
        // 200 failed traces and about 80 of the 800 others, in two spans each.
        assert!((500..=620).contains(&spans), "{spans}");
    }

    #[test]
    fn late_spans_share_the_fate_of_their_trace() {
        let (mut traces, start) = (Traces::default(), clock::monotonic());
        traces.hold(request(u64::MAX, true), start);
        traces.hold(request(u64::MAX - 1, false), start);
        assert_eq!(traces.release(start + HOLD).resource_spans.len(), 1);
        traces.hold(request(u64::MAX, false), start + HOLD);
        traces.hold(request(u64::MAX - 1, true), start + HOLD);
        assert_eq!(traces.release(start + HOLD * 2).resource_spans.len(), 1);
    }
}
