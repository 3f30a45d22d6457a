//! Generated systems: a layered call graph of any size, its traffic as spans, deploys that do nothing, and one fault.
//!
//! [`Scene::new`] gives what an evaluation's source answers from; [`Scene::watch`] looks at it as the product does and gives
//! the alert. Nothing of the fault shows but its effect: names are numbers in a random order.

mod fault;
mod graph;
mod scene;
mod traffic;

pub use fault::{Fault, FaultKind};
pub use graph::{Graph, Shape};
pub use scene::Scene;
