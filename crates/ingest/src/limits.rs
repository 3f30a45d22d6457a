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
