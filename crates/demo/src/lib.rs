//! The demo system: five instrumented services in two instances each, with a real fault that configuration
//! turns on and off, the load on them, their supervisor, and the director that plays a scenario.
//!
//! It deliberately simulates nothing. The slow query is slow because an index is missing, the failed requests
//! failed, and every span was recorded by the OpenTelemetry SDK of the process that did the work.

mod clock;
pub mod conditions;
mod credentials;
mod data;
pub mod director;
pub mod fault;
mod files;
mod instrument;
mod lifetime;
pub mod load;
mod outbound;
mod rng;
pub mod sampler;
pub mod service;
pub mod stage;
pub mod supervisor;
pub mod system;
