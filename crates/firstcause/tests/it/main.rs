//! The binary against the real world: real processes, real sockets, a real disk.
//!
//! One test binary, because each is linked anew. Tests that measure or load the machine take turns ([`alone`]).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test may fail loudly, lives in real time, and prints its figures"
)]

mod asked;
mod casefile;
mod changes;
mod clients;
mod commands;
mod compat;
mod config;
mod demo_seeds;
mod doctor;
mod events;
mod exporters;
mod full_disk;
mod gate;
mod hints;
mod keys;
mod kill;
mod mcp;
mod operation;
mod order;
mod otlp_client;
mod overload;
mod peers;
mod resume;
mod schema;
mod second_system;
mod segments;
mod serving;
mod shell;
mod soaks;
mod sources;
mod stage;
mod tools;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits until no other test loads the machine.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The binary under test.
const BINARY: &str = env!("CARGO_BIN_EXE_firstcause");

/// Whether this is a soak, and its number of cycles and seed.
fn soak() -> (bool, u64, u64) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let is_soak = std::env::var("FIRSTCAUSE_SOAK").is_ok_and(|value| value == "1");
    (is_soak, number("FIRSTCAUSE_SOAK_CYCLES").unwrap_or(20), number("FIRSTCAUSE_SOAK_SEED").unwrap_or(1))
}

/// Prints the figures of a soak where `cargo xtask soak` reads them.
fn print_figures(figures: &serde_json::Value) {
    println!("FIGURES {figures}");
}
