//! Generated systems as staged cases, for `firstcause eval calibrate`: alerts on spans, which no public set at hand has.
//!
//! With `FIRSTCAUSE_STAGED` it writes thirty into that folder; else one, elsewhere, to see that it says the same there.

use std::path::Path;

use eval::case::CaseSymptom;
use eval::label::{self, Answers, Label};
use eval::predict::diagnose;
use eval::{Case, CaseFile, files, folder};
use platform::SystemClock;
use telemetry::recorded::TableSource;
use testkit::system::{Scene, Shape};

use crate::engine::scene;

/// Systems of the long form.
const SYSTEMS: u64 = 30;
/// Services of each, and requests a second.
const SERVICES: usize = 12;
const REQUESTS: f64 = 20.0;

/// What the watch raises over a scene, as a case; none when it stays silent.
fn case(scene: &Scene) -> Option<Case> {
    let alert = scene.watch(&TableSource::new(scene.tables.clone()))?;
    let symptoms = alert.symptoms.iter().map(|symptom| CaseSymptom {
        service: symptom.service.clone(),
        operation: symptom.operation.clone(),
        signal: symptom.signal,
    });
    let file = CaseFile {
        observed_from: alert.symptoms.first().map(|symptom| symptom.observed_window.from),
        symptoms: symptoms.collect(),
        ..CaseFile::new(alert.at, alert.history_from)
    };
    Some(Case { file, tables: scene.tables.clone() })
}

/// Writes the systems of some seeds, and their answers.
fn stage(root: &Path, seeds: u64) {
    let mut labels = Vec::new();
    files::create_dir(&root.join("answers")).unwrap();
    for seed in 1..=seeds {
        let scene = scene(seed, &Shape { requests_per_second: REQUESTS, ..Shape::of(SERVICES) });
        let Some(case) = case(&scene) else { continue };
        let name = format!("case-{seed:04}");
        folder::write(&root.join("cases").join(&name), &case).unwrap();
        labels.push(Label {
            case: name,
            system: "generated".to_owned(),
            origin: format!("seed {seed}"),
            roots: vec![scene.fault.name.clone()],
            fault: format!("{:?}", scene.fault.kind),
            decoys: scene.decoys.clone(),
            ..Label::default()
        });
    }
    let answers = Answers { schema: label::SCHEMA.to_owned(), labels };
    files::write_json(&root.join("answers").join(label::FILE), &answers).unwrap();
}

#[test]
fn a_generated_system_that_is_staged_is_explained_as_it_was_before() {
    if let Some(root) = std::env::var_os("FIRSTCAUSE_STAGED") {
        return stage(Path::new(&root), SYSTEMS);
    }
    let root = tempfile::tempdir().unwrap();
    stage(root.path(), 1);
    let answers: Answers = files::read_json(&root.path().join("answers").join(label::FILE)).unwrap();
    let case = folder::read(&root.path().join("cases/case-0001")).unwrap();
    let alert = case.alert();
    let (conclusion, _) = diagnose(alert, &TableSource::new(case.tables), &SystemClock::new());
    assert_eq!(conclusion.root_cause.unwrap().service, answers.labels[0].roots[0]);
}
