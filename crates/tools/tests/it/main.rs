//! The tools against systems in memory: empty ones, large ones, and generated ones whose figures are known.

mod budgets;
mod descriptions;
mod empty;
mod hints;
mod memory;
mod system;
