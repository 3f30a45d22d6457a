//! What is pushed to us: OTLP over HTTP and gRPC, its transport, its limits and its status codes.
//!
//! Reading order: [`limits`], [`server`], `exchange`, `body`, `gzip`, `zstd`, `reply`, `grpc`, `pace`. A request is read
//! within its limits and offered to the [`otlp::Intake`]; the answer is sent when the ticket resolves, that is, when the request is
//! durable. Knows neither the store nor what an incident is (I3).

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod grpc;
pub mod limits;
pub mod server;

mod body;
mod exchange;
mod gzip;
mod pace;
mod reply;
mod xxh64;
mod zstd;

pub use exchange::Exchange;
pub use limits::Limits;
pub use server::{Protocol, ServeError, serve};

#[cfg(test)]
mod tests;
