//! Elastic.
pub mod fields;
pub mod kql;
