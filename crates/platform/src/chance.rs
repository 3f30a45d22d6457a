//! Random numbers: from the operating system, or from a seed that repeats a run.
//!
//! No distributions: who needs one derives it from [`Chance::next_u64`].

use std::fmt::Debug;
use std::hash::{BuildHasher, Hasher, RandomState};

/// A source of random numbers.
pub trait Chance: Send + Debug {
    /// 64 random bits.
    fn next_u64(&mut self) -> u64;

    /// A number below `bound`, or zero when `bound` is zero. Slightly biased for bounds near 2^64.
    fn below(&mut self, bound: u64) -> u64 {
        self.next_u64().checked_rem(bound).unwrap_or(0)
    }
}

/// Chance of the operating system, unpredictable.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsChance;

impl Chance for OsChance {
    /// Should the system call fail, the hash keys of the standard library are taken, which come from the same
    /// place at thread start.
    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        match getrandom::fill(&mut bytes) {
            Ok(()) => u64::from_ne_bytes(bytes),
            Err(_) => RandomState::new().build_hasher().finish(),
        }
    }
}

/// Chance that repeats from its seed (splitmix64, Steele, Lea and Flood 2014). Predictable: never for ids that
/// must not be guessed.
#[derive(Debug, Clone)]
pub struct SeededChance {
    state: u64,
}

impl SeededChance {
    /// The sequence of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }
}

impl Chance for SeededChance {
    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_the_published_sequence() {
        // First outputs of the reference implementation for seed 1234567.
        let mut chance = SeededChance::new(1_234_567);
        assert_eq!(chance.next_u64(), 6_457_827_717_110_365_317);
        assert_eq!(chance.next_u64(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn the_operating_system_does_not_repeat_itself() {
        let mut chance = OsChance;
        assert_ne!(chance.next_u64(), chance.next_u64());
        assert_eq!(chance.below(0), 0);
    }
}
