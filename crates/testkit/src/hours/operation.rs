//! Operations: how often they are asked for, and when.

use super::DAY;
use crate::dice::Dice;

/// When an operation has traffic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rhythm {
    /// Always, with the shape of day and week.
    Season,
    /// In office hours alone: it stops in the evening and starts in the morning.
    Office,
    /// A job: from `offset` on every `every` seconds, for `length` seconds, at full rate.
    Job { every: i64, offset: i64, length: i64 },
}

/// A unit of work.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) name: String,
    /// A second, when the season is at one.
    pub(super) rate: f64,
    pub(super) centre_ms: f64,
    /// Spread of the logarithm of a duration.
    pub(super) spread: f64,
    /// Share of requests that fail.
    pub(super) failing: f64,
    pub(super) is_message: bool,
    /// How many come at once.
    pub(super) burst: f64,
    pub(super) rhythm: Rhythm,
}

impl Operation {
    pub(super) fn request(dice: &mut Dice, place: usize) -> Self {
        let rhythm = if dice.happens(0.12) { Rhythm::Office } else { Rhythm::Season };
        Self {
            name: format!("GET /r{place}"),
            // From one request in three seconds to forty a second.
            rate: libm::exp(dice.between(libm::log(0.3), libm::log(40.0))),
            centre_ms: dice.log_normal(20.0, 0.9),
            spread: dice.between(0.15, 0.6),
            failing: if dice.happens(0.5) { dice.between(0.0, 0.01) } else { 0.0 },
            is_message: false,
            burst: 1.0,
            rhythm,
        }
    }

    pub(super) fn messages(dice: &mut Dice) -> Self {
        Self {
            name: "process mail".to_owned(),
            rate: dice.between(1.0, 20.0),
            is_message: true,
            burst: dice.between(1.0, 4.0),
            ..Self::request(dice, 0)
        }
    }

    /// A nightly run of many heavy pieces of work, or a small one every hour.
    pub(super) fn job(dice: &mut Dice) -> Self {
        let is_nightly = dice.happens(0.5);
        let every = if is_nightly { DAY } else { 3_600 };
        let length = if is_nightly { 300 + dice.below(900) as i64 } else { 5 + dice.below(60) as i64 };
        let offset = if is_nightly { 3_600 + dice.below(4 * 3_600) as i64 } else { dice.below(3_000) as i64 };
        Self {
            name: if dice.happens(0.5) { "process report".to_owned() } else { "POST /job".to_owned() },
            rate: dice.between(2.0, 25.0),
            centre_ms: dice.log_normal(150.0, 0.6),
            rhythm: Rhythm::Job { every, offset, length },
            ..Self::request(dice, 9)
        }
        .into_named()
    }

    fn into_named(mut self) -> Self {
        self.is_message = self.name.starts_with("process");
        self
    }

    /// Its rate at a time, before bursts; jitter of the clock of a job included by its offset.
    pub(super) fn rate_at(&self, second: i64, season: f64) -> f64 {
        let of_day = second.rem_euclid(DAY);
        match self.rhythm {
            Rhythm::Season => self.rate * season,
            Rhythm::Office if (8 * 3_600..18 * 3_600).contains(&of_day) => self.rate * season,
            Rhythm::Office => 0.0,
            Rhythm::Job { every, offset, length } => {
                let into = (second - offset).rem_euclid(every);
                if into < length { self.rate } else { 0.0 }
            }
        }
    }
}
