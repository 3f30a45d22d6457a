//! Several channels ask at once; whichever decides first wins.
//!
//! The others stop asking. What was said at them without deciding is kept in the record.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use telemetry::source::BoxFuture;

use super::{ApprovalChannel, ApprovalRequest, Decision, rejected};

/// Asks all of its channels.
pub struct FirstChannel {
    channels: Vec<Arc<dyn ApprovalChannel>>,
}

impl std::fmt::Debug for FirstChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FirstChannel").field("channels", &self.channels.len()).finish()
    }
}

impl FirstChannel {
    /// Asks `channels`, and rejects when there are none.
    #[must_use]
    pub fn new(channels: Vec<Arc<dyn ApprovalChannel>>) -> Self {
        Self { channels }
    }

    async fn first(&self, request: &ApprovalRequest) -> Decision {
        if self.channels.is_empty() {
            return rejected(&request.action, "nobody", "there is no channel to ask through");
        }
        let mut asked: Vec<_> = self.channels.iter().map(|channel| Some(channel.decide(request))).collect();
        let (winner, decision) = poll_fn(|context| {
            for (place, waiting) in asked.iter_mut().enumerate() {
                if let Some(future) = waiting
                    && let Poll::Ready(decision) = future.as_mut().poll(context)
                {
                    *waiting = None;
                    return Poll::Ready((place, decision));
                }
            }
            Poll::Pending
        })
        .await;
        // Read before the losers are dropped: a channel forgets its comments when it stops asking.
        let others: Vec<String> = self
            .channels
            .iter()
            .enumerate()
            .filter(|(place, _)| *place != winner)
            .map(|(_, channel)| channel.comments(&request.incident))
            .filter(|comment| !comment.trim().is_empty())
            .collect();
        drop(asked);
        with_comments(decision, &others)
    }
}

fn with_comments(mut decision: Decision, others: &[String]) -> Decision {
    if !others.is_empty() {
        let (Decision::Granted(_, record) | Decision::Rejected(record)) = &mut decision;
        record.comment = format!("{} (also said: {})", record.comment, others.join("; ")).trim().to_owned();
    }
    decision
}

impl ApprovalChannel for FirstChannel {
    fn decide<'a>(&'a self, request: &'a ApprovalRequest) -> BoxFuture<'a, Decision> {
        Box::pin(self.first(request))
    }
}
