//! Log requests: lines of 400 templates with a number and an id in them, common templates more often.
//!
//! A line has a severity, two attributes, and for one in four the ids of a span.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;

use super::{BATCH, Draws, Made, Stream, int, resource, scope, text};

/// Different lines, but for the numbers in them.
pub const TEMPLATES: u64 = 400;
const STEP_NS: u64 = 10_000;

const SUBJECTS: [&str; 20] = [
    "order", "cart", "payment", "session", "invoice", "shipment", "coupon", "customer", "address", "catalog",
    "price", "stock", "review", "refund", "token", "cache", "queue", "worker", "lease", "index",
];
const ACTIONS: [&str; 20] = [
    "accepted",
    "rejected",
    "loaded from the database",
    "written to the cache",
    "expired and removed",
    "sent to the next stage",
    "received from upstream",
    "validated",
    "could not be found",
    "was retried",
    "took longer than expected",
    "has been reserved",
    "has been released",
    "was merged with another",
    "is waiting for approval",
    "was evicted",
    "refreshed in the background",
    "opened a connection",
    "closed a connection",
    "changed its owner",
];

/// Makes log requests.
#[derive(Debug)]
pub struct Logs {
    draws: Draws,
    number: u64,
    now_ns: u64,
}

impl Logs {
    /// The requests of `seed`, whose lines were written from `from_ns` on.
    #[must_use]
    pub fn new(seed: u64, from_ns: u64) -> Self {
        Self { draws: Draws::new(seed), number: 0, now_ns: from_ns }
    }

    /// When the last line was written.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// The next line without what stands around it.
    pub fn line(&mut self) -> String {
        let template = usize::try_from(self.draws.skewed(TEMPLATES)).unwrap_or(0);
        let word = |words: &[&'static str], at: usize| words.get(at % words.len()).copied().unwrap_or("");
        let (subject, action) = (word(&SUBJECTS, template / ACTIONS.len()), word(&ACTIONS, template));
        let (id, milliseconds) = (self.draws.bits() >> 16, self.draws.skewed(4000));
        format!("{subject} {id:012x} {action} after {milliseconds} ms by the handler of {subject}s")
    }

    fn record(&mut self) -> LogRecord {
        self.now_ns += STEP_NS;
        let is_error = self.draws.below(50) == 0;
        let has_trace = self.draws.below(4) == 0;
        let mut id = |len: usize| -> Vec<u8> {
            let bytes = self.draws.id().into_iter().chain(self.draws.id());
            if has_trace { bytes.take(len).collect() } else { Vec::new() }
        };
        let (trace_id, span_id) = (id(16), id(8));
        let body = AnyValue { value: Some(any_value::Value::StringValue(self.line())) };
        LogRecord {
            time_unix_nano: self.now_ns,
            observed_time_unix_nano: self.now_ns + 1_000_000,
            severity_number: if is_error { 17 } else { 9 },
            severity_text: if is_error { "ERROR" } else { "INFO" }.to_owned(),
            body: Some(body),
            attributes: vec![
                text("logger.name", format!("shop.handlers.h{:02}", self.draws.skewed(40))),
                int("thread.id", 20 + self.draws.below(16)),
            ],
            trace_id,
            span_id,
            ..LogRecord::default()
        }
    }
}

impl Stream for Logs {
    fn next_request(&mut self) -> Made {
        let log_records: Vec<LogRecord> = (0..BATCH).map(|_| self.record()).collect();
        let items = log_records.len() as u64;
        let scope_logs = vec![ScopeLogs { scope: Some(scope()), log_records, ..ScopeLogs::default() }];
        let resource = Some(resource(self.number));
        let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
        self.number += 1;
        Made { bytes: ExportLogsServiceRequest { resource_logs }.encode_to_vec().into(), items }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_as_many_templates_as_the_table_says() {
        let mut logs = Logs::new(2, 0);
        let masked: BTreeSet<String> = (0..20_000)
            .map(|_| {
                let line = logs.line();
                let words = line.split(' ').filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
                words.filter(|word| word.len() != 12).collect::<Vec<_>>().join(" ")
            })
            .collect();
        // A skewed draw leaves out few of the rarest.
        assert!((380..=400).contains(&masked.len()), "{} templates", masked.len());
    }

    #[test]
    fn a_seed_gives_the_same_bytes() {
        assert_eq!(Logs::new(2, 5).next_request().bytes, Logs::new(2, 5).next_request().bytes);
        assert_ne!(Logs::new(2, 5).next_request().bytes, Logs::new(3, 5).next_request().bytes);
    }
}
