//! The statistics that the measures share; each names its source.

pub mod binomial;
pub mod counts;
pub mod false_discovery;
pub mod fisher;
pub mod max_statistic;
pub mod median;
pub mod rank_sum;
pub mod shift;
pub mod stratified;
pub mod student;
pub mod trend;

#[cfg(test)]
pub(crate) mod null;
