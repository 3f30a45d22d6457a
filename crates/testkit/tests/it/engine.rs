//! Generated systems with one fault: the right component, no decoy, and the engine's own time.

use eval::predict::diagnose;
use eval::source::TableSource;
use incident::Conclusion;
use platform::SystemClock;
use testkit::system::{FaultKind, Scene, Shape};

/// What came of one scene.
struct Outcome {
    kind: FaultKind,
    seed: u64,
    right: bool,
    decoys: Vec<String>,
    seconds_to_alert: Option<f64>,
    engine_ms: f64,
    said: String,
}

fn run(seed: u64, shape: &Shape) -> Option<Outcome> {
    let kind = FaultKind::ALL[seed as usize % FaultKind::ALL.len()];
    let scene = Scene::new(seed, kind, shape)?;
    let source = TableSource::new(scene.tables.clone());
    let Some(alert) = scene.watch(&source) else {
        let said = "the watch stayed silent".to_owned();
        return Some(Outcome { kind, seed, right: false, decoys: vec![], seconds_to_alert: None, engine_ms: 0.0, said });
    };
    let seconds = alert.at.since(scene.onset) as f64 / 1e9;
    let (conclusion, engine) = diagnose(alert, &source, &SystemClock::new());
    let blamed = blamed(&conclusion);
    Some(Outcome {
        kind,
        seed,
        right: blamed.len() == 1 && conclusion.root_cause.as_ref().is_some_and(|cause| cause.component == scene.fault.component && cause.service == scene.fault.name),
        decoys: blamed.into_iter().filter(|name| scene.decoys.contains(name)).collect(),
        seconds_to_alert: Some(seconds),
        engine_ms: engine.as_secs_f64() * 1e3,
        said: format!("{} (is {})", conclusion.statement, scene.fault.name),
    })
}

fn blamed(conclusion: &Conclusion) -> Vec<String> {
    let causes = conclusion.root_cause.iter().chain(&conclusion.further_causes);
    causes.map(|cause| cause.service.clone()).collect()
}

#[test]
fn scratch() {
    for seed in 1..=20 {
        let began = std::time::Instant::now();
        let Some(outcome) = run(seed, &Shape::of(300)) else { println!("{seed} none"); continue };
        println!("{seed} {:?} {} decoys {:?} alert {:?} engine {:.1} ms total {:?}: {}", outcome.kind, outcome.right, outcome.decoys, outcome.seconds_to_alert, outcome.engine_ms, began.elapsed(), outcome.said);
    }
}

#[test]
fn profile() {
    use telemetry::*;
    let scene = Scene::new(8, FaultKind::SlowWork, &Shape::of(300)).unwrap();
    let source = TableSource::new(scene.tables.clone());
    let alert = scene.watch(&source).unwrap();
    let mut steps = vec![];
    let mut d = investigation::Diagnosis::new(alert.clone());
    let mut answers: Vec<Answered> = vec![];
    loop {
        steps.push(answers.clone());
        match d.step(&answers).next {
            Next::Done(_) => break,
            Next::Ask(qs) => answers = qs.iter().map(|q| Answered { question: q.id.clone(), source: SourceName("t".into()), result: source.answer(q, &Limits { rows_max: 100_000, ..Limits::default() }, &Cancel::default()) }).collect(),
        }
    }
    for s in &steps { for a in s { println!("{} {:?}", a.question, a.result.as_ref().map(|r| r.table.len())); } }
    for round in 0..40 {
        let mut d = investigation::Diagnosis::new(alert.clone());
        let t: Vec<f64> = steps.iter().map(|s| { let b = std::time::Instant::now(); let _ = d.step(s); b.elapsed().as_secs_f64() * 1e3 }).collect();
        if round % 10 == 0 { println!("{t:.1?}"); }
    }
}
