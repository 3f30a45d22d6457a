//! The health layer: what services, operations and dependencies are like over a window, held against what is usual or
//! declared, and what that means for people.
//!
//! Pure functions over the tables of `telemetry::answer`. Everything is of a window, never of all time since a start;
//! what was not measured is unknown and never well. Bounds are those of the specification's rows AG-30 to AG-39 and
//! stand in [`settings`], where an operator can change them. No function here names a cause: that is `investigation`.

pub mod anomaly;
pub mod baseline;
pub mod changes;
pub mod declared;
pub mod deviation;
pub mod errors;
pub mod figures;
pub mod frontend;
pub mod latency;
pub mod playbook;
pub mod reach;
pub mod service;
pub mod settings;
pub mod severity;
pub mod shown;
pub mod similar;
pub mod slo;
pub mod suggestions;
pub mod trends;

pub use baseline::Baseline;
pub use declared::Declared;
pub use deviation::Deviation;
pub use figures::Figures;
pub use service::{ServiceHealth, Status};
pub use settings::Settings;
pub use severity::Severity;

/// The answer to `health` for one part of the time looked at.
pub type Part<'a> = (telemetry::Window, &'a [telemetry::answer::HealthRow]);

#[cfg(test)]
mod planted;
