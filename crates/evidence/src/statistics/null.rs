//! Seeded noise for the null and planted cases of the measures' tests.

/// A splitmix64 generator (Steele, Lea and Flood 2014); the same seed gives the same noise everywhere.
pub(crate) struct Seeded(pub(crate) u64);

impl Seeded {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let (first, second) = (self.uniform(), self.uniform());
        libm::sqrt(-2.0 * libm::log(first)) * libm::cos(std::f64::consts::TAU * second)
    }

    /// A stationary first-order process of mean 0 and variance 1, in which each value keeps `phi` of the one before.
    pub(crate) fn autocorrelated(&mut self, phi: f64, length: usize) -> Vec<f64> {
        let fresh = libm::sqrt(1.0 - phi * phi);
        let mut last = self.normal();
        (0..length)
            .map(|_| {
                last = phi * last + fresh * self.normal();
                last
            })
            .collect()
    }

    /// Log-normal around `centre` with the given spread of the logarithm.
    pub(crate) fn latency(&mut self, centre: f64, spread: f64) -> f64 {
        centre * libm::exp(spread * self.normal())
    }
}

/// Share of seeds 1..=`seeds` for which `alarms` says yes.
pub(crate) fn false_alarm_rate(seeds: u64, alarms: impl Fn(u64) -> bool) -> f64 {
    (1..=seeds).filter(|seed| alarms(*seed)).count() as f64 / seeds as f64
}
