//! The decoder against `prost` as the oracle, and against what is hostile.
//!
//! Where the oracle accepts, ours must accept and give the same. Where it refuses, ours may be more lenient only
//! in fields that it skips; it must never panic.

mod generate;
mod json;
mod limits;
mod oracle;
mod responses;

use bytes::Bytes;
use platform::{Chance, SeededChance};
use telemetry::UnixNanos;

use crate::{Signal, decode, scan};

const RECEIVED_AT: UnixNanos = UnixNanos(1_700_000_000_000_000_000);

/// Decodes as the store does.
fn ours(signal: Signal, bytes: &[u8]) -> Result<crate::Decoded, String> {
    scan(signal, bytes).map_err(|error| error.to_string())?;
    decode(signal, &Bytes::copy_from_slice(bytes), RECEIVED_AT).map_err(|error| error.to_string())
}

/// Compares with the oracle where it accepts. Says whether it did.
fn check_against_oracle(signal: Signal, bytes: &[u8], seed: u64) -> bool {
    let got = ours(signal, bytes);
    let Ok(expected) = oracle::decode(signal, bytes, RECEIVED_AT) else {
        return false;
    };
    let got = got.unwrap_or_else(|error| panic!("seed {seed}: the oracle accepts, ours says: {error}"));
    // Debug text, because not-a-number is not equal to itself.
    assert_eq!(format!("{:?}", got.spans), format!("{:?}", expected.spans), "seed {seed}");
    assert_eq!(format!("{:?}", got.logs), format!("{:?}", expected.logs), "seed {seed}");
    assert_eq!(format!("{:?}", got.points), format!("{:?}", expected.points), "seed {seed}");
    assert_eq!(got.receipt.accepted, expected.receipt.accepted, "seed {seed}");
    // The oracle drops these without a word; ours says so, or the sums would not close.
    let replaced = got.receipt.rejected.get("data_replaced").copied().unwrap_or(0);
    let rejected = got.receipt.rejected_total() - replaced;
    assert_eq!(rejected, expected.receipt.rejected_total(), "seed {seed}");
    let items = scan(signal, bytes).unwrap().items;
    assert_eq!(
        items,
        got.receipt.accepted + got.receipt.rejected_total(),
        "seed {seed}: the sums do not close"
    );
    true
}

#[test]
fn generated_requests_decode_as_the_oracle_decodes_them() {
    for seed in 0..400 {
        for signal in Signal::ALL {
            let bytes = generate::request(signal, &mut SeededChance::new(seed));
            assert!(check_against_oracle(signal, &bytes, seed), "seed {seed}: the oracle refuses its own");
        }
    }
}

#[test]
fn mutated_requests_decode_as_the_oracle_decodes_them_and_never_panic() {
    let mut accepted = 0;
    for seed in 0..6_000 {
        let mut chance = SeededChance::new(seed);
        let signal = Signal::ALL[chance.below(3) as usize];
        let mut bytes = generate::request(signal, &mut chance);
        for _ in 0..=chance.below(3) {
            generate::mutate(&mut bytes, &mut chance);
        }
        accepted += u32::from(check_against_oracle(signal, &bytes, seed));
    }
    assert!(accepted > 500, "only {accepted} mutants were accepted: the test compares nothing");
}

#[test]
fn items_sent_in_two_parts_are_merged_as_the_oracle_merges_them() {
    for seed in 0..1_000 {
        for signal in Signal::ALL {
            let bytes = generate::merged(signal, &mut SeededChance::new(seed));
            assert!(check_against_oracle(signal, &bytes, seed));
        }
    }
}

#[test]
fn noise_never_panics_and_an_empty_request_is_fine() {
    for seed in 0..2_000 {
        let mut chance = SeededChance::new(seed);
        let len = chance.below(200);
        let noise: Vec<u8> = (0..len).map(|_| chance.next_u64() as u8).collect();
        for signal in Signal::ALL {
            check_against_oracle(signal, &noise, seed);
        }
    }
    for signal in Signal::ALL {
        assert_eq!(ours(signal, &[]), Ok(crate::Decoded::default()));
    }
}
