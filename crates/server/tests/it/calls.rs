//! How many calls there are at a time, whoever brings them.

use std::sync::Arc;

use incident::{Alert, Report};
use serde_json::json;
use server::identity::Admitted;
use server::toolbox::{CALLS_MAX, CallError, Toolbox};
use telemetry::source::BoxFuture;
use telemetry::{Answered, Ask, UnixNanos};
use tools::{Installation, InstallationError, Listed, Proposed, Registry, Role, dialects};

/// Whoever asks it waits for ever.
struct Stuck;

impl Installation for Stuck {
    fn now(&self) -> UnixNanos {
        UnixNanos(1_750_000_000_000_000_000)
    }

    fn questions(&self) -> Vec<String> {
        Vec::new()
    }

    fn ask(&self, _: Vec<Ask>) -> BoxFuture<'_, Vec<Answered>> {
        Box::pin(std::future::pending())
    }

    fn incidents(&self, _: usize) -> Result<Listed, InstallationError> {
        Ok(Listed::default())
    }

    fn report(&self, _: &str) -> Result<Report, InstallationError> {
        Err(InstallationError::Failed("not here".to_owned()))
    }

    fn investigate(&self, _: Alert) -> BoxFuture<'_, Result<Report, InstallationError>> {
        Box::pin(std::future::pending())
    }

    fn propose(&self, _: &str) -> Result<Proposed, InstallationError> {
        Err(InstallationError::Failed("not here".to_owned()))
    }
}

#[tokio::test]
async fn a_call_too_many_is_told_to_come_again_and_there_is_room_when_one_has_gone() {
    let toolbox = Toolbox::new(Arc::new(Registry::new(dialects::default())), Arc::new(Stuck));
    let admitted = Admitted::of_process(Role::Observer);
    let stuck: Vec<_> = (0..CALLS_MAX)
        .map(|_| {
            let (toolbox, admitted) = (toolbox.clone(), admitted.clone());
            tokio::spawn(async move { toolbox.call(&admitted, "status", json!({})).await })
        })
        .collect();
    // Some of them begin at each turn.
    for _ in 0..CALLS_MAX {
        tokio::task::yield_now().await;
    }
    let other = toolbox.speaking(dialects::default());
    let refused = other.call(&admitted, "incidents", json!({})).await;
    assert_eq!(refused.expect_err("no room"), CallError::Busy, "the same room in every dialect");
    stuck.iter().for_each(tokio::task::JoinHandle::abort);
    for call in stuck {
        assert!(call.await.expect_err("ended").is_cancelled());
    }
    assert!(toolbox.call(&admitted, "incidents", json!({})).await.is_ok());
}
