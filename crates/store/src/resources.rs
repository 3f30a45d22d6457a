//! Resources: those of requests, kept once, and when each of them was seen.
//!
//! Every request tells its resource anew. Equal ones become one here, so that whatever is known of a resource can be found by
//! its address.

use std::collections::HashMap;
use std::sync::Arc;

use otlp::Decoded;
use telemetry::{Resource, UnixNanos, Value};

use crate::estimate::resource_bytes;

/// Estimated bytes of resources that are remembered; beyond them all are forgotten, and the next ones kept once more.
const BYTES_MAX: u64 = 4 << 20;

/// The resources that were seen lately, by checksum.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    known: HashMap<u32, Arc<Resource>>,
    bytes: u64,
}

impl Resources {
    /// Makes the resources of `decoded` the remembered ones. Gives the estimated bytes of those that are new.
    pub(crate) fn share(&mut self, decoded: &mut Decoded) -> u64 {
        let Decoded { spans, logs, points, .. } = decoded;
        let of_spans = spans.iter_mut().map(|span| &mut span.resource);
        let of_logs = logs.iter_mut().map(|log| &mut log.resource);
        let of_points = points.iter_mut().map(|point| &mut point.resource);
        let mut last: Option<(Arc<Resource>, Arc<Resource>)> = None;
        let mut new_bytes = 0;
        for resource in of_spans.chain(of_logs).chain(of_points) {
            let shared = match &last {
                Some((sent, shared)) if Arc::ptr_eq(sent, resource) => Arc::clone(shared),
                _ => {
                    let (shared, bytes) = self.shared(resource);
                    new_bytes += bytes;
                    last = Some((Arc::clone(resource), Arc::clone(&shared)));
                    shared
                }
            };
            *resource = shared;
        }
        new_bytes
    }

    /// The one that is kept of `resource`, and its bytes when it is new.
    fn shared(&mut self, resource: &Arc<Resource>) -> (Arc<Resource>, u64) {
        let checksum = checksum(resource);
        // Two resources of one checksum take turns.
        if let Some(known) = self.known.get(&checksum).filter(|known| ***known == **resource) {
            return (Arc::clone(known), 0);
        }
        let bytes = resource_bytes(resource);
        if self.bytes + bytes > BYTES_MAX {
            self.known.clear();
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.known.insert(checksum, Arc::clone(resource));
        (Arc::clone(resource), bytes)
    }
}

/// A checksum over all attributes of a resource. Equal ones have the same.
pub(crate) fn checksum(resource: &Resource) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for (key, value) in &resource.attributes {
        hasher.update(key.as_bytes());
        hasher.update(&[0]);
        match value {
            Value::Text(text) => hasher.update(text.as_bytes()),
            other => hasher.update(other.render().as_bytes()),
        }
        hasher.update(&[0]);
    }
    hasher.finalize()
}

/// Hands every resource of `decoded` to `each`, with the first and the last time of its signals. Signals of one resource stand
/// together; one that comes again is handed over again.
pub(crate) fn each_stay(decoded: &Decoded, mut each: impl FnMut(&Resource, UnixNanos, UnixNanos)) {
    let spans = decoded.spans.iter().map(|span| (&span.resource, span.start, span.end));
    let logs = decoded.logs.iter().map(|log| (&log.resource, log.at, log.at));
    let points = decoded.points.iter().map(|point| (&point.resource, point.at, point.at));
    let mut current: Option<(&Arc<Resource>, UnixNanos, UnixNanos)> = None;
    for (resource, first, last) in spans.chain(logs).chain(points) {
        current = match current {
            Some((same, from, to)) if Arc::ptr_eq(same, resource) => {
                Some((same, from.min(first), to.max(last)))
            }
            done => {
                if let Some((resource, from, to)) = done {
                    each(resource, from, to);
                }
                Some((resource, first, last))
            }
        };
    }
    if let Some((resource, from, to)) = current {
        each(resource, from, to);
    }
}

#[cfg(test)]
mod tests {
    use telemetry::LogRecord;

    use super::*;

    /// A request with one log record of each of `resources`.
    fn request(resources: &[Value]) -> Decoded {
        let log = |value: &Value| LogRecord {
            at: UnixNanos(1),
            trace_id: None,
            span_id: None,
            severity: 0,
            body: Value::Empty,
            attributes: Vec::new(),
            resource: Arc::new(Resource::of(vec![(Arc::from("pod"), value.clone())])),
        };
        Decoded { logs: resources.iter().map(log).collect(), ..Decoded::default() }
    }

    #[test]
    fn equal_resources_become_one_and_others_stay_apart_even_with_one_checksum() {
        let (text, number) = (Value::Text(Arc::from("1")), Value::Int(1));
        let mut resources = Resources::default();
        let mut first = request(&[text.clone(), number.clone()]);
        assert!(resources.share(&mut first) > 0);
        assert_eq!(checksum(&first.logs[0].resource), checksum(&first.logs[1].resource));
        assert_ne!(first.logs[0].resource, first.logs[1].resource);
        let mut second = request(&[number.clone(), number, text]);
        resources.share(&mut second);
        assert!(Arc::ptr_eq(&second.logs[0].resource, &first.logs[1].resource));
        assert!(Arc::ptr_eq(&second.logs[1].resource, &first.logs[1].resource));
        assert_eq!(second.logs[2].resource, first.logs[0].resource);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut resources = Resources::default();
        for nth in 0..100 {
            let long = format!("{nth}{}", "x".repeat(100_000));
            resources.share(&mut request(&[Value::Text(Arc::from(long))]));
            assert!(resources.bytes <= BYTES_MAX && resources.known.len() < 50);
        }
    }
}
