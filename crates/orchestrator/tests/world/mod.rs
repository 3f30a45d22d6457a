//! A world with one service in trouble, told second by second, and the alert about it. Made by hand: it stands for a
//! store that is full.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use incident::{Alert, AlertSignal, Measured, Symptom};
use telemetry::answer::{Block, OnsetRow, SelfTimeRow, SelfTimeTable, Subject};
use telemetry::number::Num;
use telemetry::source::BoxFuture;
use telemetry::time::Window;
use telemetry::{
    Answer, Ask, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName, Space, SpanKind,
    Table, UnixNanos,
};

const MS: i64 = 1_000_000;
pub const ONSET: i64 = 60;
pub const READY: i64 = 75;

pub fn at(second: i64) -> UnixNanos {
    UnixNanos(0).plus_seconds(1_000_000 + second)
}

/// What one instance's requests take at a second, in milliseconds.
pub type Level = fn(&str, i64) -> i64;

pub struct World {
    name: &'static str,
    level: Level,
    fails: bool,
    /// How long an answer takes.
    pub pause: Duration,
    /// Open questions and their largest number: shows that they are asked side by side.
    pub open: Arc<Mutex<(u32, u32)>>,
}

impl World {
    pub fn new(name: &'static str, level: Level, fails: bool) -> Self {
        Self { name, level, fails, pause: Duration::from_millis(20), open: Arc::default() }
    }

    fn onset(&self, window: Window) -> Table {
        let mut rows = Vec::new();
        for instance in ["orders-1", "orders-2"] {
            for second in (0..200).filter(|second| window.contains(at(*second))) {
                let ns = (self.level)(instance, second) * MS + second % 7 * 50_001;
                rows.push(OnsetRow {
                    is_message: false,
                    subject: subject(instance, "GET /orders"),
                    second: at(second),
                    count: 4,
                    errors: 0,
                    sum_ns: ns * 4,
                    p50_ns: ns,
                    p95_ns: ns,
                });
            }
        }
        Table::Onset(rows)
    }

    fn self_time(&self, window: Window) -> Table {
        let row = |instance: &str| {
            let block = |second: i64| Block {
                second: at(second),
                count: 4,
                sum_ns: (self.level)(instance, second) * 4 * MS + second % 5 * 10_007,
            };
            let blocks: Vec<Block> =
                (0..200).filter(|second| window.contains(at(*second))).map(block).collect();
            SelfTimeRow {
                subject: subject(instance, "SELECT orders"),
                entry: "GET /orders".into(),
                kind: SpanKind::Client,
                resource: "SELECT orders".into(),
                database: "sqlite".into(),
                lead_ns: 0,
                count: 4 * blocks.len() as u64,
                error_origins: 0,
                errors: 0,
                sum_ns: blocks.iter().map(|block| block.sum_ns).sum(),
                p50_ns: 0,
                p95_ns: 0,
                blocks,
            }
        };
        Table::SelfTime(SelfTimeTable {
            traces: 40,
            rows: vec![row("orders-1"), row("orders-2")],
            lanes: Vec::new(),
        })
    }
}

fn subject(instance: &str, operation: &str) -> Subject {
    Subject {
        service: "orders".into(),
        operation: operation.into(),
        instance: instance.into(),
        version: "1".into(),
    }
}

impl Source for World {
    fn name(&self) -> SourceName {
        SourceName(self.name.into())
    }

    fn can(&self) -> Capabilities {
        let questions = ["changes", "edges", "exemplars", "onset", "self_time", "trace"].map(str::to_owned);
        Capabilities { questions: questions.to_vec() }
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        _: Limits,
        _: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        Box::pin(async move {
            {
                let mut open = self.open.lock().unwrap();
                open.0 += 1;
                open.1 = open.1.max(open.0);
            }
            tokio::time::sleep(self.pause).await;
            self.open.lock().unwrap().0 -= 1;
            if self.fails {
                return Err(AskError::Unavailable("connection refused".into()));
            }
            Ok(Answer::exact(match &question.ask {
                Ask::Onset { window, .. } => self.onset(*window),
                Ask::SelfTime { window, .. } => self.self_time(*window),
                Ask::Edges { .. } => Table::Edges(Vec::new()),
                Ask::Changes { .. } => Table::Changes(Vec::new()),
                Ask::Exemplars { .. } => Table::Exemplars(Vec::new()),
                other => return Err(AskError::Unsupported(other.name().into())),
            }))
        })
    }
}

pub fn alert() -> Alert {
    let measured = |value| Measured { count: 20, seconds: 5, value: Num::new(value) };
    Alert {
        space: Space::default(),
        origin: "watch".into(),
        at: at(66),
        history_from: at(0),
        dedupe_key: "watch:default".into(),
        symptoms: vec![Symptom {
            service: "orders".into(),
            operation: "GET /orders".into(),
            signal: AlertSignal::Latency,
            baseline: measured(2.0),
            observed: measured(60.0),
            baseline_window: Window::new(at(0), at(61)),
            observed_window: Window::new(at(61), at(66)),
            q_value: Num::new(0.001),
        }],
    }
}

pub const AUTO: &str = "[[rule]]\nspace = \"default\"\nprofile = \"slow_query\"\nmode = \"auto\"";

pub fn fixed(instance: &str, second: i64) -> i64 {
    match instance {
        "orders-1" if second >= READY => 2,
        "orders-2" if second >= READY + 20 => 2,
        _ if second >= ONSET => 60,
        _ => 2,
    }
}

pub fn unmoved(_: &str, second: i64) -> i64 {
    if second >= ONSET { 60 } else { 2 }
}

pub fn worsened(instance: &str, second: i64) -> i64 {
    if instance == "orders-1" && second >= READY { 200 } else { unmoved(instance, second) }
}

/// The one fix that the operator allows.
pub const INVENTORY: &str = "[[target]]\nservice = \"orders\"\ninstances = [\"orders-1\", \"orders-2\"]\n\
                             [[target.fix]]\nprofile = \"slow_query\"\nset = { INDEX = \"true\" }";
