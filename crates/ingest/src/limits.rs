//! How much one sender, and all of them together, may take.
//!
//! Reaching any of these is answered with a status, never with silence (I9).

use std::time::Duration;

/// The limits of one listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one body on the wire.
    pub wire_bytes_max: u64,
    /// Bytes of one body after decompression.
    pub body_bytes_max: u64,
    /// Bytes that each compressed byte may become, once a body has passed 1 MiB.
    pub ratio_max: u64,
    /// Bytes of all bodies being read at one time.
    pub bodies_bytes_max: u64,
    /// Connections at one time; further ones wait to be accepted.
    pub connections_max: usize,
    /// Requests looked over and decoded at one time.
    pub offers_max: usize,
    /// From the first byte of a request to the end of its head.
    pub header_timeout: Duration,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
    /// How long a connection may be silent between two requests.
    pub idle_timeout: Duration,
    /// How long connections may finish after the shutdown began.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    /// 16 MiB and 32 MiB hold the largest batches of the usual collectors; 200:1 is beyond what telemetry reaches;
    /// 128 MiB let four of the largest bodies in at once; silence of 90 s outlasts an export every minute.
    fn default() -> Self {
        Self {
            wire_bytes_max: 16 << 20,
            body_bytes_max: 32 << 20,
            ratio_max: 200,
            bodies_bytes_max: 128 << 20,
            connections_max: 1024,
            offers_max: 16,
            header_timeout: Duration::from_secs(5),
            body_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(90),
            drain_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// The limits beside `budget_bytes` for requests that were read: twice as much for bodies that are being read, the
    /// largest of which must fit.
    #[must_use]
    pub fn beside(budget_bytes: u64) -> Self {
        let usual = Self::default();
        let bodies_bytes_max = budget_bytes.saturating_mul(2);
        Self {
            bodies_bytes_max,
            wire_bytes_max: usual.wire_bytes_max.min(bodies_bytes_max),
            body_bytes_max: usual.body_bytes_max.min(bodies_bytes_max),
            ..usual
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_budget_has_the_usual_limits_and_the_largest_body_fits_a_small_one() {
        assert_eq!(Limits::beside(64 << 20), Limits::default());
        let small = Limits::beside(4 << 20);
        assert_eq!(
            (small.wire_bytes_max, small.body_bytes_max, small.bodies_bytes_max),
            (8 << 20, 8 << 20, 8 << 20)
        );
    }
}
