//! A client that follows nothing but the hints reaches the root cause.

use serde_json::json;
use testkit::system::{FaultKind, Scene, Shape};
use tools::{Context, Reply, Role};

use crate::memory::{Memory, call};

/// Calls at most, the first included.
const CALLS: usize = 3;

/// From `status`, the first hint each time, until a conclusion names a service.
async fn followed(context: &Context) -> Option<String> {
    let mut reply: Reply = call(context, "default", "status", json!({})).await.ok()?;
    for _ in 1..CALLS {
        if let Some(service) = reply.structured["service"].as_str() {
            return Some(service.to_owned());
        }
        let hint = reply.next.first()?.clone();
        reply = call(context, "default", &hint.tool, hint.arguments).await.ok()?;
    }
    reply.structured["service"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn three_calls_reach_the_cause_of_generated_faults() {
    let shape = Shape { requests_per_second: 12.0, seconds_before: 600, seconds_after: 300, ..Shape::of(8) };
    let kinds = [FaultKind::SlowWork, FaultKind::SlowQuery, FaultKind::Errors, FaultKind::BadDeploy];
    let mut right = 0;
    for (seed, kind) in (1..).zip(kinds) {
        let scene = Scene::new(seed, kind, &shape).expect("a place for the fault");
        let now = scene.onset.plus_seconds(300);
        let expected = scene.fault.name.clone();
        let context = Memory::new(scene.tables, now).context(Role::Remediator);
        let found = followed(&context).await;
        let is_right = found.as_ref().is_some_and(|found| *found == expected);
        println!("{kind:?}: {found:?} of {expected}");
        right += usize::from(is_right);
    }
    assert_eq!(right, kinds.len());
}

#[tokio::test]
async fn an_incident_of_last_week_is_no_answer_to_what_breaks_now() {
    let shape = Shape { requests_per_second: 12.0, seconds_before: 600, seconds_after: 300, ..Shape::of(8) };
    let scene = Scene::new(2, FaultKind::SlowQuery, &shape).expect("a place for the fault");
    let (now, expected) = (scene.onset.plus_seconds(300), scene.fault.name.clone());
    let of_then = Memory::new(scene.tables.clone(), now).context(Role::Remediator);
    call(&of_then, "default", "investigate", json!({})).await.expect("a report");
    let mut old = of_then.installation.report("inc_0001").expect("it is there");
    (old.incident, old.opened_at) = ("inc_old".to_owned(), now.plus_seconds(-7 * 86_400));
    if let Some(cause) = &mut old.root_cause {
        cause.service = "somewhere else".to_owned();
    }
    let context = Memory::new(scene.tables, now).after(old).context(Role::Remediator);
    let status = call(&context, "default", "status", json!({})).await.expect("an answer");
    assert!(!status.text.contains("inc_old"), "{}", status.text);
    assert_eq!(followed(&context).await, Some(expected));
}
