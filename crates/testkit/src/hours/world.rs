//! All services together, second by second.

use telemetry::UnixNanos;
use telemetry::answer::{EdgeRow, OnsetRow, QueueFigures, Subject};

use super::DAY;
use super::latency::{self, Drift, Durations};
use super::operation::{Operation, Rhythm};
use super::service::Service;
use crate::dice::Dice;

/// Probability of a short and of a long pause in one second of one instance, and milliseconds of each.
const SHORT_PAUSE: (f64, f64) = (1.0 / 30.0, 120.0);
const LONG_PAUSE: (f64, f64) = (1.0 / 1_800.0, 1_200.0);

/// A fault in the middle of the quiet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Plant {
    /// Requests take this many times as long.
    Slower(f64),
    /// This share of the requests fails.
    Failing(f64),
    /// This share of the messages is not taken any more.
    Missing(f64),
}

/// Where and since when a fault is.
#[derive(Debug, Clone, Copy)]
pub struct Planted {
    /// What is wrong.
    pub plant: Plant,
    /// The place of the service and of its operation.
    pub place: (usize, usize),
}

/// The services of a seed, at one second.
#[derive(Debug)]
pub struct World {
    dice: Dice,
    services: Vec<Service>,
    second: i64,
    season_noise: Drift,
    host: Drift,
    databases: [Drift; 2],
    planted: Option<Planted>,
    /// Messages: when, whose, how many were sent, and how many of them nobody took.
    messages: Vec<(i64, usize, u64, u64)>,
}

/// Seconds for which messages are remembered.
const MESSAGE_SECONDS: i64 = 90;

impl World {
    /// `services` of a seed; their first second is `second`, counted from a Monday at midnight.
    #[must_use]
    pub fn new(seed: u64, services: usize, second: i64) -> Self {
        let mut dice = Dice::part(seed, 11);
        let services = (0..services).map(|place| Service::new(&mut dice, place)).collect();
        Self {
            dice,
            services,
            second,
            season_noise: Drift::new(0.995, 0.1),
            host: Drift::new(0.8, 0.05),
            databases: [Drift::new(0.9, 0.08); 2],
            planted: None,
            messages: Vec::new(),
        }
    }

    /// The time of the next second.
    #[must_use]
    pub fn now(&self) -> UnixNanos {
        // A Monday.
        UnixNanos(0).plus_seconds(1_767_571_200 + self.second)
    }

    /// Puts a fault in, from the next second on.
    pub fn plant(&mut self, planted: Planted) {
        self.planted = Some(planted);
    }

    /// The places at which a fault of this kind can show within `seconds`: operations that have been there for two
    /// minutes and go on, with at least `rate` requests a second now.
    #[must_use]
    pub fn places(&self, plant: Plant, rate: f64) -> Vec<(usize, usize)> {
        let wants_messages = matches!(plant, Plant::Missing(_));
        let mut places = Vec::new();
        for (place, service) in self.services.iter().enumerate() {
            for (number, operation) in service.operations.iter().enumerate() {
                let at = |offset: i64| operation.rate_at(self.second + offset, season(self.second));
                let goes_on = [-120, 0, 60].into_iter().all(|offset| at(offset) >= rate);
                let is_steady = operation.rhythm == Rhythm::Season && operation.centre_ms >= 5.0;
                if goes_on && is_steady && (!wants_messages || operation.is_message) {
                    places.push((place, number));
                }
            }
        }
        places
    }

    /// The names at a place.
    #[must_use]
    pub fn name(&self, (service, operation): (usize, usize)) -> Option<(&str, &str)> {
        let service = self.services.get(service)?;
        Some((&service.name, &service.operations.get(operation)?.name))
    }

    /// The queues of all services that take messages, over the last ninety seconds.
    #[must_use]
    pub fn queues(&self) -> Vec<EdgeRow> {
        self.services.iter().filter_map(|service| self.queue(&service.name)).collect()
    }

    fn queue(&self, service: &str) -> Option<EdgeRow> {
        let place = self.services.iter().position(|other| other.name == service)?;
        let of_service = self.messages.iter().filter(|message| message.1 == place);
        let (sent, untaken) =
            of_service.fold((0, 0), |(sent, untaken), message| (sent + message.2, untaken + message.3));
        (sent > untaken).then(|| EdgeRow {
            caller: "senders".to_owned(),
            callee: service.to_owned(),
            is_instrumented: true,
            count: sent,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends: 0,
            queue: Some(QueueFigures {
                name: format!("queue of {service}"),
                processed: sent - untaken,
                failed: 0,
                untaken,
                deliveries: sent - untaken,
                deliveries_max: 0,
                most_delivered: None,
            }),
        })
    }

    /// The rows of the next second.
    pub fn advance(&mut self, rows: &mut Vec<OnsetRow>) {
        let Self { dice, services, second, season_noise, host, databases, planted, messages } = self;
        messages.retain(|message| message.0 > *second - MESSAGE_SECONDS);
        let at = UnixNanos(0).plus_seconds(1_767_571_200 + *second);
        let season = season(*second) * libm::exp(season_noise.next(dice));
        let host = host.next(dice);
        // A nightly job makes the database that it works on a third slower for all.
        let busy = services.iter().flat_map(|service| {
            let works = |operation: &&Operation| {
                matches!(operation.rhythm, Rhythm::Job { .. }) && operation.rate_at(*second, 1.0) > 0.0
            };
            service.operations.iter().filter(works).map(|_| service.database)
        });
        let mut load_of = [1.0_f64; 2];
        for database in busy {
            if let Some(load) = load_of.get_mut(database) {
                *load = (*load * 1.15).min(1.3);
            }
        }
        let mut of_database = [0.0; 2];
        for ((slot, drift), load) in of_database.iter_mut().zip(databases.iter_mut()).zip(load_of) {
            *slot = libm::exp(drift.next(dice)) * load;
        }
        for (place, service) in services.iter_mut().enumerate() {
            let gone = service.advance(dice);
            let noise = libm::exp(host + service.drift.next(dice));
            let database = of_database.get(service.database).copied().unwrap_or(1.0);
            let load = season * service.bursting();
            let slow = noise * database * service.crowding(load);
            for (number, operation) in service.operations.iter().enumerate() {
                let fault = planted.filter(|planted| planted.place == (place, number)).map(|p| p.plant);
                let rate = operation.rate_at(*second, season)
                    * if matches!(operation.rhythm, Rhythm::Job { .. }) { 1.0 } else { service.bursting() };
                let setting = Setting { at, rate, slow, gone, fault };
                let (sent, untaken) = serve(dice, service, operation, &setting, rows);
                if operation.is_message && sent > 0 {
                    messages.push((*second, place, sent, untaken));
                }
            }
        }
        *second += 1;
    }
}

/// What the requests of one operation meet in one second.
struct Setting {
    at: UnixNanos,
    rate: f64,
    slow: f64,
    /// Instances that went down: the requests under way there fail.
    gone: usize,
    fault: Option<Plant>,
}

/// The requests of one second, and how many were sent and not taken.
fn serve(
    dice: &mut Dice,
    service: &Service,
    operation: &Operation,
    setting: &Setting,
    rows: &mut Vec<OnsetRow>,
) -> (u64, u64) {
    let (mut sent, mut untaken) = (0, 0);
    let up = service.instances.iter().filter(|instance| instance.age >= 0).count();
    if up == 0 || setting.rate <= 0.0 {
        return (0, 0);
    }
    for instance in service.instances.iter().filter(|instance| instance.age >= 0) {
        let rate = setting.rate / up as f64 / operation.burst;
        let mut count = (dice.poisson(rate) as f64 * operation.burst) as u64;
        let whole = count;
        let mut centre = operation.centre_ms * setting.slow * instance.cold();
        let mut failing = operation.failing;
        match setting.fault {
            Some(Plant::Slower(factor)) => centre *= factor,
            Some(Plant::Failing(share)) => failing += share,
            Some(Plant::Missing(share)) => count = (0..count).filter(|_| !dice.happens(share)).count() as u64,
            None => {}
        }
        sent += whole;
        untaken += whole - count;
        if count == 0 {
            continue;
        }
        let mut figures = latency::durations(dice, count, centre, operation.spread);
        pause(dice, count, &mut figures);
        let mut errors = (0..count).filter(|_| dice.happens(failing)).count() as u64;
        if setting.gone > 0 && dice.happens(0.5) {
            errors = (errors + 1).min(count);
        }
        let nanos = |ms: f64| (ms * 1e6) as i64;
        rows.push(OnsetRow {
            subject: Subject {
                service: service.name.clone(),
                operation: operation.name.clone(),
                instance: instance.name.clone(),
                version: instance.version.to_string(),
            },
            second: setting.at,
            count,
            errors,
            sum_ns: nanos(figures.sum_ms),
            p50_ns: nanos(figures.p50_ms),
            p95_ns: nanos(figures.p95_ms),
            is_message: operation.is_message,
        });
    }
    (sent, untaken)
}

/// An instance that stands still for a while keeps all that is under way waiting.
fn pause(dice: &mut Dice, count: u64, figures: &mut Durations) {
    for (probability, ms) in [SHORT_PAUSE, LONG_PAUSE] {
        if !dice.happens(probability) {
            continue;
        }
        let ms = dice.exponential(ms).min(3_000.0);
        let share = (ms / 1_000.0).min(1.0);
        figures.sum_ms += share * count as f64 * ms / 2.0;
        figures.p95_ms += ms;
        if dice.happens(share) || share >= 0.5 {
            figures.p50_ms += ms * share / 2.0;
        }
    }
}

/// The shape of day and week around one: least at four in the morning, half on the weekend.
fn season(second: i64) -> f64 {
    let of_day = second.rem_euclid(DAY) as f64 / DAY as f64;
    let day = second.div_euclid(DAY).rem_euclid(7);
    let daily = 1.0 + 0.6 * libm::sin(std::f64::consts::TAU * (of_day - 0.42));
    if day >= 5 { 0.55 * daily } else { daily }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_seconds_and_nights_are_quieter() {
        let of = |seed: u64, second: i64| {
            let mut world = World::new(seed, 10, second);
            let mut rows = Vec::new();
            (0..60).for_each(|_| world.advance(&mut rows));
            rows
        };
        assert_eq!(of(1, 50_000), of(1, 50_000));
        assert_ne!(of(1, 50_000), of(2, 50_000));
        let requests = |rows: &[OnsetRow]| rows.iter().map(|row| row.count).sum::<u64>();
        assert!(requests(&of(1, 14_400)) < requests(&of(1, 57_600)));
    }
}
