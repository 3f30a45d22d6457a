//! Distributions over a seeded sequence. The mathematics are `libm`'s, so that a seed gives the same system everywhere.

use platform::{Chance, SeededChance};

/// A seeded sequence of draws.
#[derive(Debug, Clone)]
pub struct Dice(SeededChance);

impl Dice {
    /// The draws of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SeededChance::new(seed))
    }

    /// The draws of one part of what `seed` makes: parts do not move when another one draws more.
    #[must_use]
    pub fn part(seed: u64, part: u64) -> Self {
        let mut chance = SeededChance::new(seed ^ part.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        Self(SeededChance::new(chance.next_u64()))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.0.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform between two values.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A number below `bound`; zero when that is zero.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound as u64) as usize
    }

    /// Standard normal, by Box and Muller (1958).
    pub fn normal(&mut self) -> f64 {
        let (first, second) = (self.uniform(), self.uniform());
        libm::sqrt(-2.0 * libm::log(first)) * libm::cos(std::f64::consts::TAU * second)
    }

    /// Log-normal around the median `centre` with this spread of the logarithm.
    pub fn log_normal(&mut self, centre: f64, spread: f64) -> f64 {
        centre * libm::exp(spread * self.normal())
    }

    /// Exponential with this mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.uniform())
    }

    /// Poisson with this mean: by multiplying uniforms when it is small, by the rounded normal when it is large.
    pub fn poisson(&mut self, mean: f64) -> u64 {
        if mean <= 0.0 {
            return 0;
        }
        if mean > 60.0 {
            return libm::round(mean + libm::sqrt(mean) * self.normal()).max(0.0) as u64;
        }
        let (limit, mut product, mut count) = (libm::exp(-mean), self.uniform(), 0);
        while product > limit {
            product *= self.uniform();
            count += 1;
        }
        count
    }

    /// One of `items`, none when there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let place = self.below(items.len());
        items.get(place)
    }

    /// Brings `items` into a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last + 1);
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let mut dice = Dice::new(1);
        let mut mean_of = |draw: &mut dyn FnMut(&mut Dice) -> f64| -> f64 {
            (0..20_000).map(|_| draw(&mut dice)).sum::<f64>() / 20_000.0
        };
        assert!((mean_of(&mut |dice| dice.poisson(3.0) as f64) - 3.0).abs() < 0.05);
        assert!((mean_of(&mut |dice| dice.poisson(100.0) as f64) - 100.0).abs() < 0.3);
        assert!(mean_of(&mut Dice::normal).abs() < 0.03);
        assert!((mean_of(&mut |dice| dice.exponential(2.0)) - 2.0).abs() < 0.06);
    }

    #[test]
    fn a_seed_repeats_and_its_parts_differ() {
        assert_eq!(Dice::part(7, 1).bits(), Dice::part(7, 1).bits());
        assert_ne!(Dice::part(7, 1).bits(), Dice::part(7, 2).bits());
        assert_ne!(Dice::part(7, 1).bits(), Dice::part(8, 1).bits());
    }
}
