//! How long an actuator that does not answer is asked again: it is started beside the engine and may come up later.
//!
//! Only what can be asked twice is: what became of an action, and taking it back under its key. An action itself is
//! never asked for again here.

use std::sync::Arc;
use std::time::Duration;

use incident::Action;
use platform::clock::Clock;
use remediation::Executor;
use remediation::executors::{ActionKey, ExecuteError, Recalled};

/// Between two attempts.
const EVERY: Duration = Duration::from_secs(1);
/// Attempts after the first; an actuator is up within seconds.
const TRIES: u32 = 60;
/// And no longer than this, when every attempt waits for its reply.
const AT_MOST: Duration = Duration::from_secs(60);

/// What is left of the attempts.
pub(super) struct Patience {
    clock: Arc<dyn Clock>,
    until: Duration,
    every: Duration,
    left: u32,
}

impl Patience {
    /// All attempts, from now on.
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { clock: Arc::clone(clock), until: clock.monotonic() + AT_MOST, every: EVERY, left: TRIES }
    }

    /// Whether to ask again after `error`; then it has waited.
    pub(super) async fn allows(&mut self, error: &ExecuteError) -> bool {
        let is_over = self.left == 0 || self.clock.monotonic() >= self.until;
        if is_over || !matches!(error, ExecuteError::Unreachable { .. }) {
            return false;
        }
        self.left -= 1;
        tokio::time::sleep(self.every).await;
        true
    }

    /// What came of `action`, asked until the actuator answers.
    pub(super) async fn recall(
        &mut self,
        executor: &dyn Executor,
        key: &ActionKey,
        action: &Action,
    ) -> Result<Recalled, ExecuteError> {
        loop {
            match executor.recall(key, action).await {
                Err(error) if self.allows(&error).await => {}
                asked => return asked,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use platform::clock::SimClock;

    use super::*;

    fn unreachable() -> ExecuteError {
        ExecuteError::Unreachable { at: "actuate.sock".into(), why: "connection refused".into() }
    }

    #[tokio::test]
    async fn it_ends_after_its_attempts_or_its_time_and_other_errors_end_it_at_once() {
        let sim = Arc::new(SimClock::at(0));
        let clock: Arc<dyn Clock> = Arc::clone(&sim) as _;
        let quick = || Patience { every: Duration::ZERO, ..Patience::new(&clock) };
        let mut patience = quick();
        for _ in 0..TRIES {
            assert!(patience.allows(&unreachable()).await);
        }
        assert!(!patience.allows(&unreachable()).await);
        assert!(!quick().allows(&ExecuteError::Refused("no".into())).await);
        let mut slow = quick();
        sim.advance(AT_MOST);
        assert!(!slow.allows(&unreachable()).await);
    }
}
