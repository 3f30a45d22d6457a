//! The tools against systems in memory: empty ones, large ones, and generated ones whose figures are known.

#![expect(clippy::expect_used, reason = "what a test builds on is said in words")]

mod agenttel;
mod budgets;
mod conversation;
mod custom;
mod descriptions;
mod dialects;
mod elastic;
mod elastic_lines;
mod elk;
mod empty;
mod hints;
mod memory;
mod schemas;
mod shop;
mod system;
