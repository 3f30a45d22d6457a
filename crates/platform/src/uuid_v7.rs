//! Ids that sort by their time of birth: UUID version 7 (RFC 9562, section 5.7).
//!
//! Not monotonic within one millisecond, and not a place to hide a secret.

use crate::chance::Chance;
use crate::clock::Clock;

/// A new id of 36 characters, from the wall time of `clock` in milliseconds and 74 bits of `chance`.
#[must_use]
pub fn uuid_v7(clock: &dyn Clock, chance: &mut dyn Chance) -> String {
    let millis = u64::try_from(clock.now_unix_nanos() / 1_000_000).unwrap_or(0) & 0xFFFF_FFFF_FFFF;
    let high = (millis << 16) | 0x7000 | (chance.next_u64() & 0x0FFF);
    let low = (chance.next_u64() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::SeededChance;
    use crate::clock::SimClock;

    #[test]
    fn the_id_holds_the_time_the_version_and_the_variant() {
        // The time of the example in RFC 9562, appendix A.6.
        let clock = SimClock::at(0x017F_22E2_79B0 * 1_000_000);
        let id = uuid_v7(&clock, &mut SeededChance::new(1));
        assert_eq!(id.len(), 36);
        assert!(id.starts_with("017f22e2-79b0-7"), "{id}");
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"), "{id}");
    }

    #[test]
    fn a_later_id_sorts_after_an_earlier_one() {
        let mut chance = SeededChance::new(7);
        let earlier = uuid_v7(&SimClock::at(1_000_000_000), &mut chance);
        let later = uuid_v7(&SimClock::at(2_000_000_000), &mut chance);
        assert!(earlier < later);
    }
}
