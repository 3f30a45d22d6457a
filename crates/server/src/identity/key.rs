//! A key: `fck_`, its id, and 256 bits that nobody can guess.
//!
//! It is shown once and kept nowhere: what stays is its digest. Chance is the caller's.

use crate::guard;

/// What every key begins with, so that people and scanners of secrets recognise one.
const PREFIX: &str = "fck_";
/// Hex digits of the id: enough that two keys do not meet, few enough to be typed.
const ID: usize = 12;
/// Hex digits of the secret: 256 bits.
const SECRET: usize = 64;
/// Characters of a key.
pub const LENGTH: usize = PREFIX.len() + ID + 1 + SECRET;
/// What is hashed with a key: its digest is one of nothing else. BLAKE3 is enough, because a secret of 256 bits is not
/// found by trying, however fast a try is; slow hashes protect what people can remember.
const DOMAIN: &str = "firstcause.key/1:";

/// A key in its one readable form.
pub struct Key {
    text: String,
}

impl std::fmt::Debug for Key {
    /// Without the secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl Key {
    /// A key of what `draw` draws, which must be chance that nobody can predict.
    #[must_use]
    pub fn drawn(draw: &mut dyn FnMut() -> u64) -> Self {
        let id = format!("{:016x}", draw());
        let secret: String = (0..4).map(|_| format!("{:016x}", draw())).collect();
        Self { text: format!("{PREFIX}{}_{secret}", id.get(..ID).unwrap_or_default()) }
    }

    /// The key that `text` is; nothing when it has another form.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let is_hex = |text: &str, length: usize| {
            text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        (is_hex(id, ID) && is_hex(secret, SECRET)).then(|| Self { text: text.to_owned() })
    }

    /// What names it without opening anything.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text.get(PREFIX.len()..PREFIX.len() + ID).unwrap_or_default()
    }

    /// The whole key, to be shown once.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is kept of it: a BLAKE3 hash in hex.
    #[must_use]
    pub fn digest(&self) -> String {
        incident::canonical::blake3_hex(format!("{DOMAIN}{}", self.text).as_bytes())
    }

    /// Whether it is the key whose digest was kept. Takes the same time wherever the two differ.
    #[must_use]
    pub fn is(&self, digest: &str) -> bool {
        guard::same(&self.digest(), digest)
    }
}

/// Whether `text` is meant to be a key, whether or not it is one.
#[must_use]
pub fn is_alike(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// The id that `text` names: an id, or a whole key of which only the id is used.
#[must_use]
pub fn id_of(text: &str) -> &str {
    let text = text.strip_prefix(PREFIX).unwrap_or(text);
    text.split('_').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted() -> impl FnMut() -> u64 {
        let mut count = 0x0123_4567_89ab_cdef_u64;
        move || {
            count = count.rotate_left(4);
            count
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_shown_and_in_no_other_form() {
        let key = Key::drawn(&mut counted());
        assert_eq!(key.text().len(), LENGTH);
        let again = Key::read(key.text()).unwrap();
        assert!(again.is(&key.digest()) && again.id() == key.id());
        assert_eq!(id_of(key.text()), key.id());
        assert_eq!(id_of(key.id()), key.id());
        for wrong in [
            String::new(),
            key.text().to_uppercase(),
            format!("{} ", key.text()),
            format!("{}0", key.text()),
            key.text()[..LENGTH - 1].to_owned(),
            key.text().replacen("fck_", "fcx_", 1),
            key.text().replacen('_', "-", 2),
        ] {
            assert!(Key::read(&wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn every_flipped_bit_makes_another_key_or_none() {
        let key = Key::drawn(&mut counted());
        for place in 0..LENGTH {
            for bit in 0..8 {
                let mut bytes = key.text().as_bytes().to_vec();
                bytes[place] ^= 1 << bit;
                let opens = String::from_utf8(bytes).ok().and_then(|text| Key::read(&text));
                assert!(opens.is_none_or(|other| !other.is(&key.digest())), "{place} {bit}");
            }
        }
    }

    #[test]
    fn what_is_printed_for_a_programmer_does_not_open_anything() {
        let key = Key::drawn(&mut counted());
        let secret = key.text().rsplit_once('_').unwrap().1;
        assert!(!format!("{key:?}").contains(secret) && !key.digest().contains(secret));
    }
}
