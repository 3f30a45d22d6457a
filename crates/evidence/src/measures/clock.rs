//! Services whose clocks differ, seen in the calls between them.
//!
//! The other side of a call lies inside of it, so the middles of the two spans are at most half of the edge delay
//! apart; what goes beyond that is the difference of the clocks. Windows are cut in data time, so a service whose clock
//! is off shows other requests in them than its neighbours do: that is a gap of every conclusion, and not a cause.
//!
//! Does not say which of two clocks is right, and corrects nothing.

use telemetry::answer::EdgeRow;

use super::Measure;
use crate::series::MS_NS;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "clock",
    finds: "services whose clocks differ, so that windows cut them at different moments",
    questions: &["edges"],
};

/// Milliseconds that do not matter: windows are cut in whole seconds.
const OFFSET_MS_MIN: f64 = 500.0;
/// Calls that must agree.
const CALLS_MIN: u64 = 5;

/// Two services whose clocks differ.
#[derive(Debug, Clone, PartialEq)]
pub struct ClockSkew {
    /// Who calls.
    pub caller: String,
    /// Who is called.
    pub callee: String,
    /// Milliseconds that the callee's clock is ahead; negative when it is behind.
    pub ahead_ms: f64,
}

/// The pairs whose clocks differ, in the order of `rows`.
#[must_use]
pub fn skews(rows: &[EdgeRow]) -> Vec<ClockSkew> {
    let calls =
        rows.iter().filter(|row| row.is_instrumented && row.queue.is_none() && row.count >= CALLS_MIN);
    calls
        .filter_map(|row| {
            let offset_ms = row.clock_offset_p50_ns as f64 / MS_NS;
            let allowed_ms = row.delay_p50_ns as f64 / MS_NS / 2.0 + OFFSET_MS_MIN;
            (offset_ms.abs() > allowed_ms).then(|| ClockSkew {
                caller: row.caller.clone(),
                callee: row.callee.clone(),
                ahead_ms: offset_ms,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(offset_ms: i64, delay_ms: i64, count: u64) -> EdgeRow {
        EdgeRow {
            caller: "front".into(),
            callee: "back".into(),
            is_instrumented: true,
            count,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: delay_ms * 1_000_000,
            clock_offset_p50_ns: offset_ms * 1_000_000,
            blocks: Vec::new(),
            resends: 0,
            queue: None,
        }
    }

    #[test]
    fn a_clock_that_is_off_is_told_and_a_slow_network_is_none() {
        let found = skews(&[row(-4_990, 2, 50)]);
        assert_eq!((found.len(), found[0].callee.as_str(), found[0].ahead_ms), (1, "back", -4_990.0));
        assert!(skews(&[row(3, 2, 50)]).is_empty());
        assert!(skews(&[row(1_400, 2_000, 50)]).is_empty(), "the request alone may take that long");
        assert!(skews(&[row(-4_990, 2, 4)]).is_empty(), "four calls are few");
        assert!(skews(&[]).is_empty());
    }
}
