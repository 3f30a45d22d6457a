//! Measure 7: calls that repeat themselves, and spans that open connections.
//!
//! A repetition is a call that says so (`http.request.resend_count`) or a sibling of the same name after a failed
//! one; a parallel fan-out is none. Opening a connection is known by the names that instrumentations give it
//! (OpenTelemetry JS `tcp.connect` and `tls.connect`, .NET `HTTP connection_setup` and `TLS client handshake`).
//!
//! Calls that multiply without failing are measure 1's, by their number a request.

use std::collections::BTreeMap;

use telemetry::answer::EdgeRow;

use super::Measure;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "structure",
    finds: "calls that are repeated after they failed, far more often than before",
    questions: &["edges"],
};

/// Repetitions a first attempt from which retries feed themselves.
const RESENDS_MIN: f64 = 0.5;
/// Growth of the repetitions from which it counts.
const GROWTH_MIN: f64 = 3.0;

/// The repetitions on one edge.
#[derive(Debug, Clone, PartialEq)]
pub struct Resends {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// Repetitions and first attempts, before.
    pub good: (u64, u64),
    /// The same, now.
    pub bad: (u64, u64),
}

impl Resends {
    /// Repetitions a first attempt.
    #[must_use]
    pub fn rate((resends, first): (u64, u64)) -> f64 {
        resends as f64 / first.max(1) as f64
    }

    /// Whether calls are repeated so often that the repetitions are most of the load.
    #[must_use]
    pub fn is_storm(&self) -> bool {
        let (before, now) = (Self::rate(self.good), Self::rate(self.bad));
        now >= RESENDS_MIN && now >= GROWTH_MIN * before && self.bad.0 >= 10
    }
}

/// The edges with repetitions in the bad window, most of them first. Attempts that no span of the callee answers count
/// with those that one does: the first is often the failed attempt, the second its repetition.
#[must_use]
pub fn resends(good: &[EdgeRow], bad: &[EdgeRow]) -> Vec<Resends> {
    let (before, now) = (attempts(good), attempts(bad));
    let figures = |(resends, count): (u64, u64)| (resends, count.saturating_sub(resends));
    let mut found: Vec<Resends> = now
        .into_iter()
        .filter(|(_, (resends, _))| *resends > 0)
        .map(|((caller, callee), attempts)| Resends {
            good: figures(before.get(&(caller, callee)).copied().unwrap_or_default()),
            bad: figures(attempts),
            caller: caller.to_owned(),
            callee: callee.to_owned(),
        })
        .collect();
    found.sort_by(|a, b| {
        b.bad.0.cmp(&a.bad.0).then_with(|| (&a.caller, &a.callee).cmp(&(&b.caller, &b.callee)))
    });
    found
}

/// Repetitions and attempts of each caller and callee.
fn attempts(rows: &[EdgeRow]) -> BTreeMap<(&str, &str), (u64, u64)> {
    let mut found: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.queue.is_none()) {
        let entry = found.entry((&row.caller, &row.callee)).or_default();
        entry.0 += row.resends;
        entry.1 += row.count;
    }
    found
}

/// Whether a span of this name opens a connection.
#[must_use]
pub fn is_connecting(span: &str) -> bool {
    let name = span.to_ascii_lowercase();
    ["tcp.connect", "tls.connect", "connection_setup", "handshake"].iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(count: u64, resends: u64) -> EdgeRow {
        EdgeRow {
            caller: "a".into(),
            callee: "b".into(),
            is_instrumented: true,
            count,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends,
            queue: None,
        }
    }

    // covers: PB-46
    #[test]
    fn calls_repeated_over_and_over_are_a_storm_and_a_failover_is_not() {
        assert!(resends(&[edge(200, 1)], &[edge(200, 150)])[0].is_storm());
        assert!(!resends(&[edge(200, 1)], &[edge(200, 10)])[0].is_storm());
        assert!(!resends(&[edge(200, 150)], &[edge(200, 150)])[0].is_storm(), "it was so before");
        assert!(resends(&[edge(200, 1)], &[edge(400, 0)]).is_empty());
    }

    #[test]
    fn connecting_is_known_by_the_names_of_the_instrumentations() {
        assert!(is_connecting("tls.connect") && is_connecting("HTTP connection_setup"));
        assert!(!is_connecting("GET /connect") && !is_connecting("CONNECT"));
    }
}
