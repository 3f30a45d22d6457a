//! Generated systems with one fault: the right component, no decoy, and the engine's own time.
//!
//! The short form tries small systems and asserts no time. With `FIRSTCAUSE_SOAK` it is 300 services and twenty seeds.

use std::collections::BTreeMap;

use eval::predict::diagnose;
use incident::Conclusion;
use platform::SystemClock;
use serde_json::json;
use telemetry::recorded::TableSource;
use testkit::system::{FaultKind, Scene, Shape};

use crate::soak;

/// Seeds of the long form.
const SEEDS: u64 = 20;
/// Milliseconds that the engine's own steps may take in all.
const ENGINE_MS_MAX: f64 = 100.0;
/// How often a diagnosis is repeated; the fastest counts, because a busy machine only ever adds time.
const REPEATED: usize = 5;

/// What came of one scene.
struct Outcome {
    right: bool,
    decoys: Vec<String>,
    seconds_to_alert: Option<f64>,
    engine_ms: f64,
    said: String,
}

fn blamed(conclusion: &Conclusion) -> Vec<String> {
    let causes = conclusion.root_cause.iter().chain(&conclusion.further_causes);
    causes.map(|cause| cause.service.clone()).collect()
}

fn run(scene: &Scene, repeated: usize) -> Outcome {
    let source = TableSource::new(scene.tables.clone());
    let Some(alert) = scene.watch(&source) else {
        let said = "the watch stayed silent".to_owned();
        return Outcome { right: false, decoys: vec![], seconds_to_alert: None, engine_ms: 0.0, said };
    };
    let seconds = alert.at.since(scene.onset) as f64 / 1e9;
    let runs: Vec<_> = (0..repeated).map(|_| diagnose(alert.clone(), &source, &SystemClock::new())).collect();
    let engine_ms = runs.iter().map(|(_, engine)| engine.as_secs_f64() * 1e3).fold(f64::MAX, f64::min);
    let conclusion = &runs[0].0;
    assert!(runs.iter().all(|(other, _)| other == conclusion), "equal answers, equal conclusions");
    let blamed = blamed(conclusion);
    let is_it = conclusion
        .root_cause
        .as_ref()
        .is_some_and(|cause| cause.component == scene.fault.component && cause.service == scene.fault.name);
    // The change that did it is named, and where nothing was deployed none is.
    let trigger = conclusion.root_cause.as_ref().and_then(|cause| cause.trigger.as_ref());
    let is_triggered = trigger.map(|trigger| trigger.change.service.as_str())
        == (scene.fault.kind == FaultKind::BadDeploy).then_some(scene.fault.name.as_str());
    Outcome {
        right: is_it && is_triggered && blamed.len() == 1,
        decoys: blamed
            .iter()
            .chain(trigger.map(|trigger| &trigger.change.service))
            .filter(|name| scene.decoys.contains(name))
            .cloned()
            .collect(),
        seconds_to_alert: Some(seconds),
        engine_ms,
        said: conclusion.statement.clone(),
    }
}

/// The scene of a seed: the kinds take turns, and a system without a place for a kind gets the next one.
pub(crate) fn scene(seed: u64, shape: &Shape) -> Scene {
    let kinds = FaultKind::ALL.iter().cycle().skip(seed as usize % FaultKind::ALL.len());
    kinds.take(FaultKind::ALL.len()).find_map(|kind| Scene::new(seed, *kind, shape)).unwrap()
}

#[test]
fn the_right_component_is_named_in_generated_systems_and_no_decoy() {
    let (first, seeds, services, repeated) =
        if soak::is_long() { (soak::seed(), SEEDS, 300, REPEATED) } else { (1, 8, 40, 1) };
    let (mut table, mut runs, mut right, mut decoys, mut slowest) = (Vec::new(), Vec::new(), 0, 0, 0.0_f64);
    for seed in first..first + seeds {
        let scene = scene(seed, &Shape::of(services));
        let outcome = run(&scene, repeated);
        right += u64::from(outcome.right);
        decoys += outcome.decoys.len();
        slowest = slowest.max(outcome.engine_ms);
        let kind = format!("{:?}", scene.fault.kind);
        table.push(format!(
            "{seed:>4}  {kind:<12} {:<5} engine {:>5.1} ms, alert after {:.1} s: {}",
            if outcome.right { "right" } else { "WRONG" },
            outcome.engine_ms,
            outcome.seconds_to_alert.unwrap_or(f64::NAN),
            outcome.said
        ));
        runs.push(BTreeMap::from([
            ("seed", json!(seed)),
            ("kind", json!(kind)),
            ("right", json!(outcome.right)),
            ("engine_ms", json!((outcome.engine_ms * 10.0).round() / 10.0)),
            ("seconds_to_alert", json!(outcome.seconds_to_alert)),
        ]));
    }
    let is_fast = slowest <= ENGINE_MS_MAX;
    table.push(format!(
        "right {right} of {seeds}, decoys blamed {decoys}, slowest {slowest:.1} ms of {ENGINE_MS_MAX}"
    ));
    let figures = json!({
        "services": services,
        "right": right,
        "of": seeds,
        "decoys_blamed": decoys,
        "engine_ms_max": (slowest * 10.0).round() / 10.0,
        "runs": runs,
        "passed": right == seeds && decoys == 0 && is_fast,
        "table": table,
    });
    soak::report(&figures);
    if !soak::is_long() {
        assert_eq!((right, decoys), (seeds, 0), "{table:#?}");
    }
}
