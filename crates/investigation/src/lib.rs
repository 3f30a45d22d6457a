//! The pure machines: [`Watch`] raises symptoms, [`Diagnosis`] explains one alert.
//!
//! Both are `telemetry::Inquiry`: stepped with answers, replying with questions or their outcome. No IO, no clock,
//! no chance, no async (I1); missing data is a Gap in the conclusion, never an error (I2). Causal rules stand one
//! a file in [`rules`].

pub mod citations;
pub mod confidence;
pub mod diagnosis;
mod findings;
mod ledger;
mod plan;
pub mod rules;
pub mod settings;
mod suspects;
pub mod switches;
pub mod watch;

pub use diagnosis::Diagnosis;
pub use settings::Settings;
pub use watch::Watch;
