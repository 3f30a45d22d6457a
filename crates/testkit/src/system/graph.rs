//! Who calls whom: services in layers, their operations, queries and calls of parties that emit nothing.
//!
//! Every operation below the first layer has a caller in the layer above; some are called by many, as those of an
//! identity service are. No call leads upwards, so every request ends.

use crate::dice::Dice;

/// How large a system is, and for how long it is seen.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Services.
    pub services: usize,
    /// Requests a second at the front.
    pub requests_per_second: f64,
    /// Seconds before the fault.
    pub seconds_before: i64,
    /// Seconds with the fault.
    pub seconds_after: i64,
}

impl Shape {
    /// A system of `services`, with as many requests as keep all of them at work.
    #[must_use]
    pub fn of(services: usize) -> Self {
        Self { services, requests_per_second: 36.0, seconds_before: 60, seconds_after: 42 }
    }
}

/// A service.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) instances: usize,
}

/// A unit of work of a service, and what it does each time.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) service: usize,
    pub(super) name: String,
    /// Median of its own work.
    pub(super) work_ms: f64,
    pub(super) calls: Vec<Call>,
    pub(super) queries: Vec<Query>,
}

/// One operation calls another one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    pub(super) operation: usize,
    /// Of the requests that call.
    pub(super) probability: f64,
    /// Time between both sides, to and fro.
    pub(super) delay_ms: f64,
}

/// A call of something that sends no spans of its own.
#[derive(Debug, Clone)]
pub(super) struct Query {
    /// Span name.
    pub(super) name: String,
    /// The database system; empty for another party.
    pub(super) database: &'static str,
    /// The statement, or the party's address.
    pub(super) target: String,
    pub(super) ms: f64,
}

/// A system.
#[derive(Debug, Clone)]
pub struct Graph {
    pub(super) services: Vec<Service>,
    pub(super) operations: Vec<Operation>,
    /// The operations that requests from outside begin with.
    pub(super) front: Vec<usize>,
}

/// Share of the services in each layer; the rest stands in the last one.
const LAYERS: [f64; 5] = [0.03, 0.12, 0.25, 0.3, 0.3];
/// Parties outside that services call.
const PARTIES: usize = 4;
/// Calls, beyond those that reach every operation, as a share of the operations.
const MORE_CALLS: f64 = 0.25;

impl Graph {
    /// The system of a seed.
    #[must_use]
    pub fn new(seed: u64, shape: &Shape) -> Self {
        let mut dice = Dice::part(seed, 1);
        let mut numbers: Vec<usize> = (0..shape.services).collect();
        dice.shuffle(&mut numbers);
        let mut services = Vec::new();
        let mut operations = Vec::new();
        let mut layers: Vec<Vec<usize>> = Vec::new();
        for layer in 0..LAYERS.len() {
            let until: f64 = LAYERS.iter().take(layer + 1).sum();
            let until = if layer + 1 == LAYERS.len() { 1.0 } else { until };
            let until =
                ((until * shape.services as f64) as usize).max(services.len() + 1).min(shape.services);
            let mut here = Vec::new();
            while services.len() < until {
                let number = numbers.get(services.len()).copied().unwrap_or_default();
                let service = services.len();
                services.push(Service { name: format!("svc-{number:03}"), instances: 1 + dice.below(3) });
                for place in 0..1 + dice.below(2) {
                    here.push(operations.len());
                    operations.push(operation(&mut dice, service, place));
                }
            }
            layers.push(here);
        }
        connect(&mut dice, &layers, &mut operations);
        let front = layers.first().cloned().unwrap_or_default();
        Self { services, operations, front }
    }

    /// The name of a service.
    pub(super) fn name(&self, service: usize) -> &str {
        self.services.get(service).map_or("", |service| &service.name)
    }

    /// Calls a second of each operation, when there are this many requests at the front.
    pub(super) fn rates(&self, requests_per_second: f64) -> Vec<f64> {
        let mut rates = vec![0.0; self.operations.len()];
        for front in &self.front {
            if let Some(rate) = rates.get_mut(*front) {
                *rate = requests_per_second / self.front.len().max(1) as f64;
            }
        }
        // Calls lead downwards only, and operations stand in the order of their layers.
        for (place, operation) in self.operations.iter().enumerate() {
            let rate = rates.get(place).copied().unwrap_or_default();
            for call in &operation.calls {
                if let Some(callee) = rates.get_mut(call.operation) {
                    *callee += rate * call.probability;
                }
            }
        }
        rates
    }
}

fn operation(dice: &mut Dice, service: usize, place: usize) -> Operation {
    let verb = if dice.happens(0.7) { "GET" } else { "POST" };
    let mut queries = Vec::new();
    if dice.happens(0.5) {
        let table = dice.below(40);
        let database = if dice.happens(0.8) { "postgresql" } else { "mysql" };
        let target = format!("SELECT t{table}_{service}_{place}");
        queries.push(Query { name: target.clone(), database, target, ms: dice.between(0.8, 5.0) });
    }
    if dice.happens(0.04) {
        let party = dice.below(PARTIES);
        let target = format!("party-{party}.example");
        queries.push(Query { name: "GET".to_owned(), database: "", target, ms: dice.between(8.0, 25.0) });
    }
    let name = format!("{verb} /r{place}/{}", dice.below(100));
    Operation { service, name, work_ms: dice.log_normal(3.0, 0.6), calls: Vec::new(), queries }
}

/// Gives every operation a caller, and some of them more.
fn connect(dice: &mut Dice, layers: &[Vec<usize>], operations: &mut [Operation]) {
    let mut add = |dice: &mut Dice, from: Option<&usize>, to: usize| {
        let Some(caller) = from.and_then(|from| operations.get_mut(*from)) else { return };
        if caller.calls.iter().all(|call| call.operation != to) {
            let (probability, delay_ms) = (dice.between(0.35, 1.0), dice.between(0.3, 1.2));
            caller.calls.push(Call { operation: to, probability, delay_ms });
        }
    };
    for (upper, lower) in layers.iter().zip(layers.iter().skip(1)) {
        for to in lower {
            let from = dice.pick(upper).copied();
            add(dice, from.as_ref(), *to);
        }
    }
    let all: usize = layers.iter().map(Vec::len).sum();
    for _ in 0..(MORE_CALLS * all as f64) as usize {
        let below = 1 + dice.below(layers.len() - 1);
        let above = dice.below(below);
        let (upper, lower) = (layers.get(above), layers.get(below));
        let (Some(upper), Some(lower)) = (upper, lower) else { continue };
        let (from, to) = (dice.pick(upper).copied(), dice.pick(lower).copied());
        if let Some(to) = to {
            add(dice, from.as_ref(), to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_of_three_hundred_is_at_work_and_a_seed_repeats() {
        let shape = Shape::of(300);
        let graph = Graph::new(3, &shape);
        assert_eq!(graph.services.len(), 300);
        let rates = graph.rates(shape.requests_per_second);
        assert!(rates.iter().all(|rate| *rate > 0.0));
        assert_eq!(graph.name(7), Graph::new(3, &shape).name(7));
        assert_ne!(graph.name(7), Graph::new(4, &shape).name(7));
    }
}
