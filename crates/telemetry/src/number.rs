//! Floats as records keep them: nine significant digits (I1).
//!
//! Rounding happens once, where a number enters a record, so that a sum in another order on another machine
//! cannot change a byte. It goes through the decimal form because binary scaling rounds twice.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A finite number with nine significant digits; what is not finite becomes zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent))]
pub struct Num(f64);

impl Num {
    /// Rounds to nine significant digits.
    #[must_use]
    pub fn new(value: f64) -> Self {
        if !value.is_finite() || value == 0.0 {
            return Self(0.0);
        }
        Self(format!("{value:.8e}").parse().unwrap_or(0.0))
    }

    /// The rounded value.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<f64> for Num {
    fn from(value: f64) -> Self {
        Self::new(value)
    }
}

impl Serialize for Num {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_digits_survive_and_the_tenth_does_not() {
        assert_eq!(Num::new(1.234_567_891_49).get(), 1.234_567_89);
        assert_eq!(Num::new(0.1 + 0.2).get(), 0.3);
        assert_eq!(Num::new(f64::NAN).get(), 0.0);
        assert_eq!(Num::new(-0.0).get().to_bits(), 0.0_f64.to_bits());
    }
}
