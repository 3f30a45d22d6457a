//! Canonical JSON (RFC 8785) and digests over it.
//!
//! Our records hold objects, strings, booleans, whole numbers and floats of nine digits. `serde_json` sorts the
//! keys of a `Value` object by bytes and writes the shortest form of a float; both agree with RFC 8785 for ASCII
//! keys and for numbers below 1e21, which is all we write.

use serde::Serialize;

/// The value could not be written as JSON.
#[derive(Debug, thiserror::Error)]
#[error("failed to write a record as JSON")]
pub struct CanonicalError(#[from] serde_json::Error);

/// Canonical JSON text of `value`.
///
/// # Errors
/// When `value` has a map key that is not text.
pub fn to_text(value: &impl Serialize) -> Result<String, CanonicalError> {
    Ok(serde_json::to_value(value)?.to_string())
}

/// Lower-case hex of the BLAKE3 hash of `bytes`.
#[must_use]
pub fn blake3_hex(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Lower-case hex of the BLAKE3 hash of the canonical JSON of `value`.
///
/// # Errors
/// When `value` has a map key that is not text.
pub fn digest(value: &impl Serialize) -> Result<String, CanonicalError> {
    Ok(blake3_hex(to_text(value)?.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_the_digest_does_not_depend_on_their_order() {
        #[derive(Serialize)]
        struct Unsorted {
            b: u8,
            a: u8,
        }
        assert_eq!(to_text(&Unsorted { b: 1, a: 2 }).unwrap(), r#"{"a":2,"b":1}"#);
        assert_eq!(digest(&Unsorted { b: 1, a: 2 }).unwrap(), blake3_hex(br#"{"a":2,"b":1}"#));
    }
}
