//! The promises of the store: durable when acknowledged, bounded, and exact in its answers.

mod answers;
mod backup;
mod build;
mod changes;
mod corruption;
mod coverage;
mod crash;
mod damage;
mod faults;
mod from_metrics;
mod golden;
mod message;
mod metrics;
mod overview;
mod pressure;
mod segments;
mod series_change;
mod soak;
mod world;
