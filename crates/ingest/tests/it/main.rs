//! Hostile senders against the receiver over real sockets, in front of a real store on a simulated disk.
//!
//! What must come of a request is told by the program in `oracle/`, which is Python and shares no code with the
//! receiver. The short forms run with every test; `cargo xtask soak` runs the long ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod bodies;
mod bombs;
mod canonical;
mod cases;
mod check;
mod client;
mod frames;
mod kept;
mod malformed;
mod neighbour;
mod receiver;
mod rig;
mod slow;
mod soak;
