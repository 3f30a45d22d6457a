//! A caller that fails because its breaker is open, and what stands beside a cause.

use incident::{AlertSignal, FactorRole, Fault};
use telemetry::SpanKind;

use crate::world::{Group, World, healthy, server};
use crate::{slow_work, switched};

/// `front` fails twice as often as `back`, which it calls once a request before, and of a hundred requests ten times now.
pub(crate) fn open_breaker() -> World {
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups.push(Group { span: "POST /", ..server("front", 1.0, 1.0) });
    for group in world.groups.iter_mut().filter(|group| group.kind == SpanKind::Server) {
        group.failing = true;
    }
    world.calls = Some([(960, 0), (10, 9)]);
    world
}

// covers: PB-46
#[test]
fn a_caller_whose_breaker_is_open_is_a_symptom_and_one_that_goes_on_calling_is_not() {
    let mut world = open_breaker();
    let conclusion = world.diagnose();
    assert!(switched::rules_out("breaker_open")(&conclusion), "{:?}", conclusion.ruled_out);
    let cause = conclusion.root_cause.unwrap();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
    let [factor] = cause.factors.as_slice() else { panic!("{:?}", cause.factors) };
    assert_eq!(factor.role, FactorRole::Sustaining);
    assert!(factor.statement.contains("`front` no longer calls `back`"), "{}", factor.statement);
    world.groups[1].failing = false;
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "too few calls are left");
    assert!(cause.statement.contains("9 of 10 calls failed when it turned"), "{}", cause.statement);
    world.calls = Some([(960, 0), (96, 9)]);
    assert_eq!(world.cause().service, "front", "it calls as often as before, and fails by itself");
    world.calls = Some([(960, 0), (48, 40)]);
    assert_eq!(world.cause().service, "front", "more of it fails than calls are missing");
}

#[test]
fn what_contributes_and_what_keeps_a_failure_up_stand_beside_its_cause() {
    let mut world = World { signal: Some(AlertSignal::Errors), ..healthy() };
    world.groups[1].failing = true;
    assert!(world.cause().factors.is_empty());
    world.edges = vec![("front", "back", 0.5, 30.0, 8)];
    let cause = world.cause();
    assert_eq!((cause.service.as_str(), cause.fault), ("back", Fault::ErrorOrigin), "{}", cause.statement);
    let told: Vec<_> = cause.factors.iter().map(|factor| factor.role).collect();
    assert_eq!(told, [FactorRole::Sustaining], "{:?}", cause.factors);
    assert!(cause.factors[0].statement.contains("repeats its calls of `back`"));
    let surge = World { surge: true, ..slow_work(Some(0.6)) }.cause();
    assert_eq!((surge.service.as_str(), surge.factors.len()), ("back", 1), "{}", surge.statement);
    assert_eq!(surge.factors[0].role, FactorRole::Contributing, "{:?}", surge.factors);
}
