//! `self_time`, `edges` and `exemplars`, computed where the data lie, and the rows that come back as tables.
//!
//! The statements follow `telemetry::trace` and `telemetry::rows`; that both say the same, the conformance tests hold.

use std::sync::Arc;

use serde::Deserialize;
use telemetry::answer::{
    Block, Choice, EdgeRow, ExemplarRow, LaneRow, Locator, QueueFigures, SelfTimeRow, SelfTimeTable, Subject,
    Table,
};
use telemetry::{Answer, AskError, Scope, TraceId, UnixNanos, Window};

use super::rows::{self, Whole};
use super::spans::kind;
use super::{Queries, sql};

/// How often the share of traces is halved when all of them are more than the server's limits allow.
const HALVED_MAX: u32 = 4;

/// What a window holds, by groups.
#[derive(Debug, Default, Clone)]
pub(super) struct Groups {
    self_time: SelfTimeTable,
    edges: Vec<EdgeRow>,
    left_out: u64,
    /// One in so many traces was looked at.
    part: u64,
    is_cut: bool,
    locators: Vec<Locator>,
}

/// `part`, service, operation or callee or target, instance, version, entry or target's operation, kind, resource, database
/// system, and whether the callee was seen or the target is a database.
type Key = (String, String, String, String, String, String, String, String, String, Whole);

/// Seconds, and by second how many and how much.
type Blocks = (Vec<Whole>, Vec<Whole>, Vec<Whole>);

/// A row of `window.sql`.
#[derive(Debug, Deserialize)]
struct Row {
    part: String,
    key: Key,
    /// Spans, failed, failed first, exclusive, lead, whole, callee's, resends, events inside, whole traces, others, sent.
    sums: [Whole; 12],
    blocks: Blocks,
    p50: Whole,
    p95: Whole,
    offset_p50: Whole,
    busy: Whole,
    elapsed: Whole,
    most_at_once: Whole,
    events: Whole,
}

impl Groups {
    /// Answers `self_time`.
    pub(super) fn self_time(&self) -> Answer {
        self.answer(Table::SelfTime(self.self_time.clone()))
    }

    /// Answers `edges`.
    pub(super) fn edges(&self) -> Answer {
        self.answer(Table::Edges(self.edges.clone()))
    }

    fn answer(&self, table: Table) -> Answer {
        Answer {
            left_out: self.left_out,
            truncated: self.is_cut || self.part > 1,
            sampled_of: (self.part > 1).then(|| self.self_time.traces.saturating_mul(self.part)),
            locators: self.locators.clone(),
            ..Answer::exact(table)
        }
    }
}

/// The groups of a window: of all its traces, or of a share that the server's limits allow.
pub(super) async fn groups(
    queries: &Queries<'_>,
    window: Window,
    scope: &Scope,
) -> Result<Arc<Groups>, AskError> {
    let mut about = queries.about(window, scope);
    let rows_max = about.rows_max;
    let (text, locator) = loop {
        match queries.lines(&about.groups()).await {
            Err(AskError::LimitReached(_)) if about.part < 1 << HALVED_MAX => about.part *= 2,
            other => break other?,
        }
    };
    let found: Vec<Row> = rows::read(&text)?;
    let mut groups = Groups { part: about.part, is_cut: found.len() > rows_max, ..Groups::default() };
    groups.locators.push(locator);
    let mut sent = 0;
    for row in found.into_iter().take(rows_max) {
        sent += groups.take(row);
    }
    if sent > 0 {
        let (text, locator) = queries.lines(&about.queues()).await?;
        let found: Vec<QueueRow> = rows::read(&text)?;
        groups.is_cut |= found.len() > rows_max;
        groups.edges.extend(found.into_iter().take(rows_max).map(QueueRow::edge));
        groups.locators.push(locator);
    }
    Ok(Arc::new(groups))
}

impl Groups {
    /// Takes a row in; of the row over everything, gives how many messages were sent.
    fn take(&mut self, row: Row) -> u64 {
        match row.part.as_str() {
            "spans" => self.self_time.rows.push(row.spans()),
            "lanes" => self.self_time.lanes.push(row.lane()),
            "calls" => self.edges.push(row.calls()),
            _ => {
                let [.., traces, left_out, _] = row.sums;
                (self.self_time.traces, self.left_out) = (traces.count(), left_out.count());
                return 0;
            }
        }
        let [.., sent] = row.sums;
        if row.part == "spans" { sent.count() } else { 0 }
    }
}

impl Row {
    fn spans(&self) -> SelfTimeRow {
        let (_, service, operation, instance, version, entry, role, resource, database, _) = self.key.clone();
        let [count, errors, error_origins, sum, lead, ..] = self.sums;
        SelfTimeRow {
            subject: Subject { service, operation, instance, version },
            entry,
            kind: kind(&role),
            resource,
            database,
            count: count.count(),
            error_origins: error_origins.count(),
            errors: errors.count(),
            sum_ns: sum.0,
            p50_ns: self.p50.0,
            p95_ns: self.p95.0,
            lead_ns: lead.0,
            blocks: blocks(&self.blocks),
        }
    }

    fn lane(&self) -> LaneRow {
        let (_, service, target, instance, version, operation, _, _, _, is_database) = self.key.clone();
        let [count, _, _, _, lead, total, _, _, inside, ..] = self.sums;
        LaneRow {
            service,
            instance,
            version,
            target,
            operation,
            is_database: is_database.0 > 0,
            count: count.count(),
            total_ns: total.0,
            busy_ns: self.busy.0,
            elapsed_ns: self.elapsed.0,
            most_at_once: self.most_at_once.count(),
            lead_ns: lead.0,
            events: self.events.count(),
            events_inside: inside.count(),
        }
    }

    fn calls(&self) -> EdgeRow {
        let (_, caller, callee, .., is_instrumented) = self.key.clone();
        let [count, errors, _, _, _, client, server, resends, ..] = self.sums;
        EdgeRow {
            caller,
            callee,
            is_instrumented: is_instrumented.0 > 0,
            count: count.count(),
            errors: errors.count(),
            client_sum_ns: client.0,
            server_sum_ns: server.0,
            delay_p50_ns: self.p50.0,
            clock_offset_p50_ns: self.offset_p50.0,
            blocks: blocks(&self.blocks),
            resends: resends.count(),
            queue: None,
        }
    }
}

fn blocks((seconds, counts, sums): &Blocks) -> Vec<Block> {
    let by_second = seconds.iter().zip(counts).zip(sums).filter(|((_, count), _)| count.0 > 0);
    by_second
        .map(|((second, count), sum)| Block {
            second: UnixNanos(0).plus_seconds(second.0),
            count: count.count(),
            sum_ns: sum.0,
        })
        .collect()
}

/// A row of `queues.sql`.
#[derive(Debug, Deserialize)]
struct QueueRow {
    sender: String,
    queue: String,
    sent: Whole,
    errors: Whole,
    deliveries: Whole,
    processed: Whole,
    failed: Whole,
    deliveries_max: Whole,
    most_delivered: String,
    wait_sum: Whole,
    wait_p50: Whole,
    blocks: Blocks,
    takers: (Vec<String>, Vec<Whole>),
}

impl QueueRow {
    fn edge(self) -> EdgeRow {
        let takers = self.takers.0.iter().zip(&self.takers.1);
        // The most frequent taker; the first by name among equals.
        let taker = takers.max_by(|a, b| a.1.0.cmp(&b.1.0).then_with(|| b.0.cmp(a.0)));
        let (processed, failed) = (self.processed.count(), self.failed.count());
        EdgeRow {
            caller: self.sender,
            callee: taker.map(|(name, _)| name.clone()).unwrap_or_default(),
            is_instrumented: taker.is_some(),
            count: self.sent.count(),
            errors: self.errors.count(),
            client_sum_ns: self.wait_sum.0,
            server_sum_ns: 0,
            delay_p50_ns: self.wait_p50.0,
            clock_offset_p50_ns: 0,
            blocks: blocks(&self.blocks),
            resends: 0,
            queue: Some(QueueFigures {
                name: self.queue,
                processed,
                failed,
                untaken: self.sent.count().saturating_sub(processed + failed),
                deliveries: self.deliveries.count(),
                deliveries_max: self.deliveries_max.count(),
                most_delivered: self.most_delivered.parse().ok().filter(|_| self.deliveries_max.0 > 0),
            }),
        }
    }
}

/// Trace, operation, whether it failed, duration, start.
type Chosen = (String, String, Whole, Whole, Whole);

/// Traces that stand for the window.
pub(super) async fn exemplars(
    queries: &Queries<'_>,
    window: Window,
    scope: &Scope,
    count: u8,
) -> Result<Answer, AskError> {
    let about = queries.about(window, scope);
    let (text, locator) = queries.lines(&about.exemplars(count.min(super::EXEMPLARS_MAX))).await?;
    let found: Vec<(Vec<Chosen>, Vec<Chosen>, Whole)> = rows::read(&text)?;
    let Some((worst, typical, left_out)) = found.into_iter().next() else {
        return Err(sql::error(AskError::Unavailable("the answer is empty".to_owned())));
    };
    let rows = |chosen: Vec<Chosen>, choice| chosen.into_iter().filter_map(move |one| exemplar(one, choice));
    let table = rows(worst, Choice::Worst).chain(rows(typical, Choice::Typical)).collect();
    let left_out = left_out.count();
    Ok(Answer { left_out, locators: vec![locator], ..Answer::exact(Table::Exemplars(table)) })
}

fn exemplar((trace, operation, failed, duration, start): Chosen, choice: Choice) -> Option<ExemplarRow> {
    let trace_id: TraceId = trace.parse().ok()?;
    Some(ExemplarRow {
        trace_id,
        choice,
        operation,
        start: UnixNanos(start.0),
        duration_ns: duration.0,
        is_error: failed.0 > 0,
    })
}
