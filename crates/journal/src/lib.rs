//! The append-only, hash-chained record of an incident.
//!
//! One file an incident, JSON Lines. A record is an envelope (`v, seq, at, prev, durable, kind`, and `took_us` where the
//! engine worked) and a body. `prev` is the BLAKE3 of the line before; the hash of the last line is the head. Times
//! of ours and minted ids stand in the envelope only, so that the same answers give the same bodies (I1).
//!
//! Knows neither questions nor findings: what a body means is the orchestrator's business.

mod append;
mod chain;
mod record;

pub use append::{Journal, JournalError};
pub use chain::{Damage, Left, Verified, left, verify};
pub use record::{Record, VERSION};
