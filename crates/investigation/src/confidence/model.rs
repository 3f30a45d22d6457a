//! The probability of a named cause: a logistic function of a weighted sum of its grounds.
//!
//! Reads; what is fitted, and to what, is the business of `eval calibrate`.

use super::grounds::{Grounds, Route};

/// A weight for each of the grounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    /// The sum without any grounds, in logits.
    pub intercept: f64,
    /// Logits for each figure, in the order of [`super::SIGNS`].
    pub weights: [f64; 5],
}

impl Model {
    /// The probability of these figures.
    #[must_use]
    pub fn probability(&self, signs: &[f64; 5]) -> f64 {
        let sum =
            self.weights.iter().zip(signs).fold(self.intercept, |sum, (weight, sign)| sum + weight * sign);
        1.0 / (1.0 + libm::exp(-sum))
    }
}

/// A model, and the ways on which it has shown skill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Table {
    /// The model.
    pub model: Model,
    /// The ways that are measured, sorted.
    pub measured: &'static [Route],
}

impl Table {
    /// The probability of `grounds`; nothing on a way that is not measured.
    #[must_use]
    pub fn probability(&self, grounds: &Grounds) -> Option<f64> {
        self.measured.contains(&grounds.route).then(|| self.model.probability(&grounds.signs))
    }
}
