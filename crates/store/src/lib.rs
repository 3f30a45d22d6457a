//! The embedded store: what was acknowledged is durable, and the questions are answered from it.
//!
//! Reading order: [`config`], `record`, `wal`, `recovery`, `head`, `rollup`, `series`,
//! `growth`, `presence`, `incarnation`, `answer`, `writer`,
//! `segment`, `kept`, `spaces`, `seal`, `sealing`, [`store`]. A request is looked over, charged, decoded, logged, synced, applied to the head, and only then
//! acknowledged. The head holds what is in the log and nothing else, so that a restart gives the same answers. What
//! leaves the log for want of memory becomes a segment first.
//!
//! Knows no transport, no runtime, and not what an incident is (I3).

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod backup;
pub mod check;
pub mod config;
pub mod overview;
pub mod stats;
pub mod store;

mod answer;
mod derived;
mod estimate;
mod growth;
mod head;
mod incarnation;
mod kept;
mod layout;
mod presence;
mod record;
mod recovery;
mod resources;
mod rollup;
mod seal;
mod sealing;
mod segment;
mod series;
mod sketch;
mod spaces;
mod wal;
mod writer;

pub use config::{Config, Durability};
pub use layout::{FORMAT, OpenStoreError};
pub use stats::Stats;
pub use store::Store;

#[cfg(test)]
mod tests;
