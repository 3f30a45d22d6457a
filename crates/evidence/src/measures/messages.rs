//! Measure 10: what became of the messages that were sent: where did message X stop?
//!
//! Messages are followed by span links, not by time: a taker may come long after the sender ended. The share of
//! messages that nobody took is compared between the windows with Fisher's exact test; one message that is delivered
//! again and again, each time with an error, holds up those behind it.
//!
//! Does not know offsets or lags of a broker that says nothing of them in spans.

use telemetry::TraceId;
use telemetry::answer::{EdgeRow, MessageRow, MessageStep};

use super::Measure;
use crate::statistics::fisher;

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "messages",
    finds: "queues whose messages are lost, or stuck behind one that is delivered again and again",
    questions: &["edges"],
};

/// Deliveries of one message from which it counts as delivered again and again.
const DELIVERIES_MIN: u64 = 4;
/// Unprocessed messages for each one that fails, from which the failing ones are few.
const FEW: u64 = 5;
/// Rise of the share of untaken messages from which it counts.
const RISE_MIN: f64 = 0.15;
/// Probability by chance below which a rise counts.
const P_MAX: f64 = 0.001;

/// One queue between a sender and its taker, in both windows.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    /// Who sends.
    pub sender: String,
    /// The queue.
    pub queue: String,
    /// Who takes, empty when nobody was seen to.
    pub taker: String,
    /// Messages sent and not processed, and messages sent, before.
    pub good: (u64, u64),
    /// The same, now.
    pub bad: (u64, u64),
    /// Messages whose deliveries all failed, now.
    pub failed: u64,
    /// Deliveries now.
    pub deliveries: u64,
    /// Deliveries of the message that was delivered most often, now.
    pub deliveries_max: u64,
    /// Its trace.
    pub most_delivered: Option<TraceId>,
    /// Probability of so many more unprocessed ones by chance.
    pub p_value: f64,
}

/// What is wrong with a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Messages are sent and nobody processes them.
    Lost,
    /// One message is delivered again and again, and those behind it wait.
    Stuck,
}

impl Flow {
    /// What is wrong with it, if anything is.
    #[must_use]
    pub fn trouble(&self) -> Option<Trouble> {
        let share = |(unprocessed, sent): (u64, u64)| unprocessed as f64 / sent.max(1) as f64;
        let is_raised = self.p_value <= P_MAX && share(self.bad) - share(self.good) >= RISE_MIN;
        // A few messages that fail again and again hold up the others; if most of them fail, something else does.
        let is_one = self.deliveries_max >= DELIVERIES_MIN && FEW * self.failed <= self.bad.0.max(FEW);
        match (is_raised, is_one) {
            (true, true) => Some(Trouble::Stuck),
            (true, false) => Some(Trouble::Lost),
            _ => None,
        }
    }
}

/// Every queue over which messages were sent in the bad window, most unprocessed messages first.
#[must_use]
pub fn flows(good: &[EdgeRow], bad: &[EdgeRow]) -> Vec<Flow> {
    let mut found: Vec<Flow> = bad
        .iter()
        .filter_map(|row| {
            let queue = row.queue.as_ref()?;
            let same = |other: &&EdgeRow| {
                other.caller == row.caller
                    && other.queue.as_ref().is_some_and(|other| other.name == queue.name)
            };
            let before = good.iter().find(same);
            let unprocessed = |row: &EdgeRow| {
                (row.queue.as_ref().map_or(0, |queue| queue.failed + queue.untaken), row.count)
            };
            let (was, is) = (before.map(unprocessed).unwrap_or_default(), unprocessed(row));
            let taker = [Some(row), before].into_iter().flatten().map(|row| &row.callee);
            Some(Flow {
                sender: row.caller.clone(),
                queue: queue.name.clone(),
                taker: taker.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default(),
                good: was,
                bad: is,
                failed: queue.failed,
                deliveries: queue.deliveries,
                deliveries_max: queue.deliveries_max,
                most_delivered: queue.most_delivered,
                p_value: fisher::p_raised(was.0, was.1, is.0, is.1),
            })
        })
        .collect();
    found.sort_by(|a, b| {
        b.bad.0.cmp(&a.bad.0).then_with(|| (&a.queue, &a.sender).cmp(&(&b.queue, &b.sender)))
    });
    found
}

/// Where one message stopped, as a sentence; `rows` is its way, in the order of time.
///
/// Several takers of one message may be subscribers of a topic: each is told.
#[must_use]
pub fn stop(rows: &[MessageRow]) -> String {
    let Some(first) = rows.first() else {
        return "no span says this message id: it was not sent, or sender and taker are not instrumented"
            .to_owned();
    };
    let of = |step: MessageStep| rows.iter().filter(move |row| row.step == step);
    let queue = rows.iter().map(|row| &row.queue).find(|queue| !queue.is_empty()).unwrap_or(&first.queue);
    let mut takers: Vec<&str> = of(MessageStep::Processed).map(|row| row.subject.service.as_str()).collect();
    takers.sort_unstable();
    takers.dedup();
    if takers.is_empty() {
        return match (of(MessageStep::Sent).next_back(), of(MessageStep::Received).next_back()) {
            (_, Some(row)) => {
                format!("it stopped in `{}`: fetched from `{queue}` and never worked on", row.subject.service)
            }
            (Some(row), None) if row.is_error => {
                format!("it stopped in `{}`: sending it to `{queue}` failed", row.subject.service)
            }
            _ => format!(
                "it stopped in queue `{queue}`: `{}` sent it and nobody took it",
                first.subject.service
            ),
        };
    }
    let told = takers.iter().map(|taker| {
        let (mut tries, mut failed, mut last_failed) = (0_u64, 0_u64, false);
        for row in of(MessageStep::Processed).filter(|row| row.subject.service == *taker) {
            (tries, failed, last_failed) = (tries + 1, failed + u64::from(row.is_error), row.is_error);
        }
        match (last_failed, failed) {
            (true, _) => {
                format!("it stopped in `{taker}`: worked on {tries} times, and failed the last time")
            }
            (false, 0) => format!("`{taker}` processed it"),
            (false, 1) => format!("`{taker}` processed it after a failure"),
            (false, _) => format!("`{taker}` processed it after {failed} failures"),
        }
    });
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use telemetry::answer::QueueFigures;

    use super::*;

    fn row(sent: u64, failed: u64, untaken: u64, deliveries_max: u64) -> EdgeRow {
        EdgeRow {
            caller: "shop".into(),
            callee: if untaken < sent { "worker".into() } else { String::new() },
            is_instrumented: true,
            count: sent,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends: 0,
            queue: Some(QueueFigures {
                name: "mail".into(),
                processed: sent - failed - untaken,
                failed,
                untaken,
                deliveries: sent - untaken,
                deliveries_max,
                most_delivered: None,
            }),
        }
    }

    #[test]
    fn a_queue_that_loses_messages_and_one_that_is_stuck_are_told_apart() {
        let healthy = [row(200, 0, 2, 1)];
        let trouble = |bad: EdgeRow| flows(&healthy, &[bad])[0].trouble();
        assert_eq!(trouble(row(50, 0, 30, 1)), Some(Trouble::Lost));
        assert_eq!(trouble(row(50, 1, 40, 25)), Some(Trouble::Stuck));
        assert_eq!(trouble(row(50, 0, 1, 1)), None);
        assert_eq!(
            trouble(row(50, 30, 10, 9)),
            Some(Trouble::Lost),
            "most fail: none of them holds up the others"
        );
        assert_eq!(trouble(row(50, 1, 0, 9)), None, "one failing message that holds up nobody");
    }

    fn way(steps: &[(MessageStep, &str, bool)]) -> Vec<MessageRow> {
        let row = |(step, service, is_error): &(MessageStep, &str, bool)| MessageRow {
            at: telemetry::UnixNanos(0),
            step: *step,
            subject: telemetry::answer::Subject {
                service: (*service).to_owned(),
                operation: "mail".into(),
                instance: String::new(),
                version: String::new(),
            },
            queue: "mails".into(),
            trace_id: TraceId([1; 16]),
            span_id: telemetry::SpanId([1; 8]),
            duration_ns: 1,
            is_error: *is_error,
        };
        steps.iter().map(row).collect()
    }

    #[test]
    fn a_message_is_said_to_stop_where_its_way_ends() {
        use MessageStep::{Processed, Received, Sent};
        let said = |steps: &[_]| stop(&way(steps));
        let sent = (Sent, "shop", false);
        assert!(said(&[]).contains("no span says this message id"));
        assert!(said(&[(Sent, "shop", true)]).contains("`shop`: sending it to `mails` failed"));
        assert!(said(&[sent]).contains("stopped in queue `mails`: `shop` sent it and nobody took it"));
        assert!(said(&[sent, (Received, "mailer", false)]).contains("`mailer`: fetched from `mails`"));
        let tries = [sent, (Processed, "mailer", true), (Processed, "mailer", true)];
        assert!(said(&tries).contains("`mailer`: worked on 2 times"), "{}", said(&tries));
        let late =
            [sent, (Processed, "mailer", true), (Processed, "mailer", false), (Processed, "audit", false)];
        assert_eq!(said(&late), "`audit` processed it; `mailer` processed it after a failure");
    }

    #[test]
    fn the_taker_is_known_from_before_when_nobody_takes_any_more() {
        let found = flows(&[row(200, 0, 0, 1)], &[row(50, 0, 50, 0)]);
        assert_eq!((found[0].taker.as_str(), found[0].trouble()), ("worker", Some(Trouble::Lost)));
    }
}
