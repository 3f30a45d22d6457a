//! One fault of a generated system: what is wrong, where, and what the right answer is.

use incident::ComponentKind;

use super::graph::{Graph, Shape};
use crate::dice::Dice;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A service's own work takes longer.
    SlowWork,
    /// One statement of a service takes longer.
    SlowQuery,
    /// A service repeats a statement many times a request.
    MoreQueries,
    /// A service fails requests by itself, and its callers with it.
    Errors,
    /// The way between two services takes longer.
    SlowEdge,
    /// All ways to and from a service take longer.
    SlowNetwork,
    /// A new version of a service works slower.
    BadDeploy,
    /// A party that emits nothing answers slower.
    SlowParty,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::SlowWork,
        Self::SlowQuery,
        Self::MoreQueries,
        Self::Errors,
        Self::SlowEdge,
        Self::SlowNetwork,
        Self::BadDeploy,
        Self::SlowParty,
    ];
}

/// A fault in its place.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// What kind of component is to be blamed.
    pub component: ComponentKind,
    /// Its name.
    pub name: String,
    /// The service that is changed.
    pub(super) service: usize,
    /// The caller, for one edge.
    pub(super) caller: usize,
    /// Milliseconds more.
    pub(super) extra_ms: f64,
}

/// Calls a second of an operation from which it counts as used.
const RATE_MIN: f64 = 3.0;
/// Share of the requests from which a slow call moves the median of its caller.
const SEEN_MIN: f64 = 0.6;
/// Share of the requests that fail.
pub(super) const FAILING: f64 = 0.5;
/// Queries a request, instead of one.
pub(super) const REPEATED: usize = 25;

impl Fault {
    /// The fault of a seed; none when the system has no place for its kind.
    #[must_use]
    pub fn new(seed: u64, kind: FaultKind, graph: &Graph, shape: &Shape) -> Option<Self> {
        let mut dice = Dice::part(seed, 2);
        let rates = graph.rates(shape.requests_per_second);
        let rate = |operation: usize| rates.get(operation).copied().unwrap_or_default();
        // Somewhere behind the front, on a way that is used.
        let used: Vec<usize> = (0..graph.operations.len())
            .filter(|place| rate(*place) >= RATE_MIN && !graph.front.contains(place))
            .collect();
        let extra_ms = dice.between(80.0, 200.0);
        let place = |component, name: String, service, caller| {
            Some(Self { kind, component, name, service, caller, extra_ms })
        };
        let of = |operation: usize| graph.operations.get(operation).map_or(0, |operation| operation.service);
        match kind {
            FaultKind::SlowWork | FaultKind::Errors | FaultKind::BadDeploy | FaultKind::SlowNetwork => {
                let service = of(*dice.pick(&used)?);
                place(ComponentKind::Service, graph.name(service).to_owned(), service, 0)
            }
            FaultKind::SlowQuery | FaultKind::MoreQueries => {
                let asks = |operation: &&usize| {
                    graph.operations.get(**operation).is_some_and(|operation| {
                        operation.queries.first().is_some_and(|query| !query.database.is_empty())
                    })
                };
                let asking: Vec<usize> = used.iter().filter(asks).copied().collect();
                let service = of(*dice.pick(&asking)?);
                place(ComponentKind::Service, graph.name(service).to_owned(), service, 0)
            }
            FaultKind::SlowEdge => {
                let mut edges: Vec<(usize, usize)> = Vec::new();
                for (caller, operation) in graph.operations.iter().enumerate() {
                    for call in &operation.calls {
                        // The watch looks at medians: what fewer than half of the requests meet moves none.
                        if rate(caller) * call.probability >= RATE_MIN && call.probability >= SEEN_MIN {
                            edges.push((operation.service, of(call.operation)));
                        }
                    }
                }
                let (caller, callee) = *dice.pick(&edges)?;
                let name = format!("{} -> {}", graph.name(caller), graph.name(callee));
                place(ComponentKind::Edge, name, callee, caller)
            }
            FaultKind::SlowParty => {
                let mut parties: Vec<(String, f64)> = Vec::new();
                for (operation, rate) in graph.operations.iter().zip(&rates) {
                    for query in operation.queries.iter().filter(|query| query.database.is_empty()) {
                        match parties.iter_mut().find(|(name, _)| *name == query.target) {
                            Some((_, all)) => *all += rate,
                            None => parties.push((query.target.clone(), *rate)),
                        }
                    }
                }
                parties.retain(|(_, rate)| *rate >= RATE_MIN);
                let (name, _) = dice.pick(&parties)?.clone();
                place(ComponentKind::Dependency, name, 0, 0)
            }
        }
    }
}
