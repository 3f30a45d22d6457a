//! How a harness learns that it is to run long, and tells its figures.

use serde_json::Value;

/// Whether the long form was asked for.
pub(crate) fn is_long() -> bool {
    std::env::var_os("FIRSTCAUSE_SOAK").is_some()
}

/// The seed asked for, else one.
pub(crate) fn seed() -> u64 {
    std::env::var("FIRSTCAUSE_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1)
}

/// Prints the figures of a long run.
#[allow(clippy::print_stdout, reason = "a soak is told by what it prints")]
pub(crate) fn report(figures: &Value) {
    if is_long() {
        println!("FIGURES {figures}");
    }
}
