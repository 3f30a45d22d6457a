//! The long forms of the harnesses: `cargo xtask soak crash-states`.

/// Whether a harness may take its time.
pub(super) fn is_on() -> bool {
    std::env::var_os("FIRSTCAUSE_SOAK").is_some()
}

/// The first seed of a long form.
pub(super) fn seed() -> u64 {
    std::env::var("FIRSTCAUSE_SOAK_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0)
}

/// Prints figures for the record of a soak.
pub(super) fn tell(figures: &[(&str, u64)]) {
    if is_on() {
        let parts: Vec<String> = figures.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        println!("FIGURES {{{}}}", parts.join(", "));
    }
}
