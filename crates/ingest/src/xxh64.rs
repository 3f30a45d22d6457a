//! XXH64 with seed zero, in pieces: the checksum at the end of zstd frames.
//!
//! No other use, and no defence against who wants two equal sums.

const P1: u64 = 0x9E37_79B1_85EB_CA87;
const P2: u64 = 0xC2B2_AE3D_27D4_EB4F;
const P3: u64 = 0x1656_67B1_9E37_79F9;
const P4: u64 = 0x85EB_CA77_C2B2_AE63;
const P5: u64 = 0x27D4_EB2F_1656_67C5;
/// Bytes taken at a time: a word for each lane.
const STRIPE: usize = 32;

/// The sum of what came so far.
#[derive(Debug)]
pub(crate) struct Xxh64 {
    lanes: [u64; 4],
    /// What does not fill a stripe yet.
    rest: Vec<u8>,
    length: u64,
}

impl Xxh64 {
    pub(crate) fn new() -> Self {
        let lanes = [P1.wrapping_add(P2), P2, 0, 0_u64.wrapping_sub(P1)];
        Self { lanes, rest: Vec::with_capacity(2 * STRIPE), length: 0 }
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        self.length = self.length.wrapping_add(bytes.len() as u64);
        if !self.rest.is_empty() {
            let missing = STRIPE.saturating_sub(self.rest.len()).min(bytes.len());
            let (front, back) = bytes.split_at(missing);
            self.rest.extend_from_slice(front);
            bytes = back;
            if let Some(stripe) = self.rest.first_chunk::<STRIPE>() {
                let stripe = *stripe;
                self.stripe(&stripe);
                self.rest.clear();
            }
        }
        while let Some((stripe, back)) = bytes.split_first_chunk::<STRIPE>() {
            self.stripe(stripe);
            bytes = back;
        }
        self.rest.extend_from_slice(bytes);
    }

    fn stripe(&mut self, stripe: &[u8; STRIPE]) {
        let (words, _) = stripe.as_chunks::<8>();
        for (lane, word) in self.lanes.iter_mut().zip(words) {
            *lane = round(*lane, u64::from_le_bytes(*word));
        }
    }

    pub(crate) fn finish(&self) -> u64 {
        let mut sum = P5;
        if self.length >= STRIPE as u64 {
            let [a, b, c, d] = self.lanes;
            sum = a.rotate_left(1);
            sum = sum
                .wrapping_add(b.rotate_left(7))
                .wrapping_add(c.rotate_left(12))
                .wrapping_add(d.rotate_left(18));
            for lane in self.lanes {
                sum = (sum ^ round(0, lane)).wrapping_mul(P1).wrapping_add(P4);
            }
        }
        sum = sum.wrapping_add(self.length);
        let (words, mut rest) = self.rest.as_chunks::<8>();
        for word in words {
            sum =
                (sum ^ round(0, u64::from_le_bytes(*word))).rotate_left(27).wrapping_mul(P1).wrapping_add(P4);
        }
        if let Some((half, back)) = rest.split_first_chunk::<4>() {
            let word = u64::from(u32::from_le_bytes(*half));
            sum = (sum ^ word.wrapping_mul(P1)).rotate_left(23).wrapping_mul(P2).wrapping_add(P3);
            rest = back;
        }
        for byte in rest {
            sum = (sum ^ u64::from(*byte).wrapping_mul(P5)).rotate_left(11).wrapping_mul(P1);
        }
        sum = (sum ^ (sum >> 33)).wrapping_mul(P2);
        sum = (sum ^ (sum >> 29)).wrapping_mul(P3);
        sum ^ (sum >> 32)
    }
}

fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_sums_come_out_however_the_bytes_are_cut() {
        for (text, expected) in [
            ("", 0xEF46_DB37_51D8_E999),
            ("a", 0xD24E_C4F1_A98C_6E5B),
            ("Nobody inspects the spammish repetition", 0xFBCE_A83C_8A37_8BF1),
        ] {
            for step in 1..=40 {
                let mut sum = Xxh64::new();
                text.as_bytes().chunks(step).for_each(|piece| sum.update(piece));
                assert_eq!(sum.finish(), expected, "{text} by {step}");
            }
        }
    }
}
