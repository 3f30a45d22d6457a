//! Questions in plain words over a system whose fault is known.

use serde_json::Value;
use tools::converse::intent::Subject;
use tools::converse::{Step, answer};
use tools::{Registry, Role, dialects};

use crate::memory::Memory;
use crate::system::{self, Request};

/// Ten minutes well, then three in which the database of `orders` takes half a second.
fn slow_orders() -> Memory {
    let requests =
        (0..7800).map(|n| Request { at_ms: n * 100, query_ms: if n < 6000 { 5 } else { 500 }, fails: false });
    Memory::new(system::tables(&requests.collect::<Vec<_>>()), system::BEGIN.plus_seconds(780))
}

// covers: EL-55b
#[tokio::test]
async fn the_second_question_knows_what_the_first_was_about() {
    let (context, registry) = (slow_orders().context(Role::Remediator), Registry::new(dialects::default()));
    let first =
        answer(&context, &registry, &Subject::default(), "What services are experiencing issues?").await;
    assert!(first.message.contains("orders [critical]"), "{}", first.message);
    let second = answer(&context, &registry, &first.subject, "Why is gateway slow?").await;
    assert_eq!(second.subject.service.as_deref(), Some("orders"), "{}", second.message);
    let third = answer(&context, &registry, &second.subject, "And how do you know?").await;
    let Some(Step::Called(called)) = third.steps.last() else { panic!("a call") };
    assert_eq!((called.tool.as_str(), &called.arguments["incident"]), ("evidence", &Value::from("inc_0001")));
    assert!(third.message.contains("ev_"), "{}", third.message);
}

#[tokio::test]
async fn why_without_a_name_follows_the_hints_to_a_conclusion() {
    let (context, registry) = (slow_orders().context(Role::Remediator), Registry::new(dialects::default()));
    let round = answer(&context, &registry, &Subject::default(), "Why is it slow?").await;
    assert_eq!(round.subject.service.as_deref(), Some("orders"), "{}", round.message);
}

#[tokio::test]
async fn a_caller_who_may_not_investigate_is_told_so() {
    let (context, registry) = (slow_orders().context(Role::Observer), Registry::new(dialects::default()));
    let round = answer(&context, &registry, &Subject::default(), "Why is gateway slow?").await;
    assert!(round.message.contains("diagnose"), "{}", round.message);
}
