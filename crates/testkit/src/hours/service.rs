//! A service and its instances: deployed, restarted, scaled, cold, pausing.

use super::latency::Drift;
use super::operation::Operation;
use crate::dice::Dice;

/// Seconds over which a cold instance warms up, as the time constant of its decay.
const WARMING_SECONDS: f64 = 2.0;
/// How much slower the first requests of an instance are.
const COLD_FACTOR: f64 = 5.0;
/// Mean seconds between the deploys, restarts, scalings and bursts of one service.
const DEPLOY_EVERY: f64 = 8.0 * 3_600.0;
const RESTART_EVERY: f64 = 12.0 * 3_600.0;
const SCALE_EVERY: f64 = 6.0 * 3_600.0;
const BURST_EVERY: f64 = 2.0 * 3_600.0;
/// Share of its capacity that a service uses when the season is at one, and the most that it is ever driven to: no system
/// without a fault lets load double its latency.
const USED: f64 = 0.15;
const USED_MAX: f64 = 0.4;

/// One running process.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub(super) name: String,
    pub(super) version: u64,
    /// Seconds since it started; below zero while it is down.
    pub(super) age: i64,
}

impl Instance {
    /// How much slower it is than when it is warm.
    pub(super) fn cold(&self) -> f64 {
        1.0 + (COLD_FACTOR - 1.0) * libm::exp(-(self.age as f64) / WARMING_SECONDS)
    }
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) operations: Vec<Operation>,
    pub(super) instances: Vec<Instance>,
    pub(super) drift: Drift,
    pub(super) database: usize,
    /// Instances that it was made for.
    made_for: usize,
    born: u64,
    version: u64,
    /// Factor of a burst, and seconds of it left.
    burst: (f64, i64),
    burst_now: f64,
    /// Instances still to be replaced by a deploy, and seconds until the next one.
    rollout: (usize, i64),
}

impl Service {
    pub(super) fn new(dice: &mut Dice, place: usize) -> Self {
        let mut operations: Vec<Operation> =
            (0..1 + dice.below(2)).map(|place| Operation::request(dice, place)).collect();
        if dice.happens(0.25) {
            operations.push(Operation::messages(dice));
        }
        if dice.happens(0.3) {
            operations.push(Operation::job(dice));
        }
        let made_for = 1 + dice.below(3);
        let mut service = Self {
            name: format!("svc-{place:02}"),
            operations,
            instances: Vec::new(),
            drift: Drift::new(dice.between(0.5, 0.95), dice.between(0.03, 0.12)),
            database: dice.below(2),
            made_for,
            born: 0,
            version: 1,
            burst: (1.0, 0),
            burst_now: 1.0,
            rollout: (0, 0),
        };
        (0..made_for).for_each(|_| service.start(3_600));
        service
    }

    fn start(&mut self, age: i64) {
        self.born += 1;
        let name = format!("{}-{}", self.name, self.born);
        self.instances.push(Instance { name, version: self.version, age });
    }

    /// One more second: everything that happens to instances and load. The instances that went down this second.
    pub(super) fn advance(&mut self, dice: &mut Dice) -> usize {
        let every = |dice: &mut Dice, seconds: f64| dice.happens(1.0 / seconds);
        self.instances.iter_mut().for_each(|instance| instance.age += 1);
        let mut gone = 0;
        if self.rollout.0 == 0 && every(dice, DEPLOY_EVERY) {
            self.version += 1;
            self.rollout = (self.instances.len(), 0);
            // A new version is a little slower or faster; that is no fault.
            for operation in &mut self.operations {
                operation.centre_ms = (operation.centre_ms * dice.log_normal(1.0, 0.08)).clamp(2.0, 400.0);
            }
        }
        if self.rollout.0 > 0 {
            self.rollout.1 -= 1;
            if self.rollout.1 <= 0 && !self.instances.is_empty() {
                self.instances.remove(0);
                gone += 1;
                // Where there are several, a new one is up before an old one goes.
                let down = if self.made_for == 1 { 2 + dice.below(6) as i64 } else { 0 };
                self.start(-down);
                self.rollout = (self.rollout.0 - 1, 20 + dice.below(20) as i64);
            }
        }
        if every(dice, RESTART_EVERY) && self.rollout.0 == 0 {
            let place = dice.below(self.instances.len());
            if let Some(instance) = self.instances.get_mut(place) {
                instance.age = -(3 + dice.below(12) as i64);
                gone += 1;
            }
        }
        if every(dice, SCALE_EVERY) && self.rollout.0 == 0 {
            if self.instances.len() > self.made_for {
                self.instances.pop();
            } else {
                self.start(0);
            }
        }
        if self.burst.1 <= 0 && every(dice, BURST_EVERY) {
            self.burst = (dice.between(1.3, 3.0), 20 + dice.below(160) as i64);
        }
        self.burst.1 -= 1;
        let aim = if self.burst.1 > 0 { self.burst.0 } else { 1.0 };
        // Some come at once, most swell.
        self.burst_now += (aim - self.burst_now) * 0.3;
        gone
    }

    /// Factor of the load that comes from bursts.
    pub(super) fn bursting(&self) -> f64 {
        self.burst_now
    }

    /// How much longer requests take because of the load: waiting in a queue before one server.
    pub(super) fn crowding(&self, load: f64) -> f64 {
        let up = self.instances.iter().filter(|instance| instance.age >= 0).count().max(1);
        let used = (USED * load * self.made_for as f64 / up as f64).min(USED_MAX);
        (1.0 - USED) / (1.0 - used)
    }
}
