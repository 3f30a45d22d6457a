//! The engine over generated systems, and the long measurements of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod builds;
mod engine;
mod order;
mod quiet_hours;
mod soak;
mod staged;
