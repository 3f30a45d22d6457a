//! A case file keeps what was concluded and why, and shows how the conclusion moves.

use std::path::{Path, PathBuf};

use incident::ConclusionKind;
use orchestrator::entry::Entry;

use super::container::{pack, unpack};
use super::contents::{self, OpenError};
use super::rerun::Without;
use super::save::{from_case, from_journal};
use crate::stage::{Staging, stage};

/// The example's incidents, staged; the first one is that of the deploy.
fn staged(folder: &Path) -> PathBuf {
    let path = |name: &str| folder.join(name);
    crate::example::write(&path("incidents")).unwrap();
    let (root, cases, answers) = (path("incidents"), path("cases"), path("answers"));
    stage(&Staging { root: &root, dataset: None, cases: &cases, answers: &answers, seed: 1 }).unwrap();
    let answers: crate::label::Answers = crate::files::read_json(&answers.join("answers.json")).unwrap();
    let first = answers.labels.iter().find(|label| label.change == "1.5.0").unwrap();
    cases.join(&first.case)
}

#[test]
fn a_staged_case_gives_the_same_file_each_time_and_replays_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let case = staged(folder.path());
    let sections = from_case(&case).unwrap();
    let packed = pack(&sections);
    assert!(packed == pack(&from_case(&case).unwrap()), "the bytes differ");
    let opened = contents::read(&unpack(&packed).unwrap()).unwrap();
    assert_eq!(opened.conclusion.kind, ConclusionKind::RootCause, "{}", opened.conclusion.statement);
    assert!(opened.case.is_some() && opened.about.questions > 3);
    let (replayed, is_same) = opened.replay().unwrap();
    assert!(is_same && replayed.differences.is_empty(), "{:?}", replayed.differences.first());
}

#[test]
fn without_deploys_the_trigger_goes_from_signals_and_from_recorded_answers_alike() {
    let folder = tempfile::tempdir().unwrap();
    let sections = from_case(&staged(folder.path())).unwrap();
    let whole = contents::read(&sections).unwrap();
    let journal = from_journal("x", sections["journal.jsonl"].clone()).unwrap();
    let answers_alone = contents::read(&journal).unwrap();
    assert!(answers_alone.case.is_none());
    for contents in [&whole, &answers_alone] {
        let moved = contents.without(&[Without::Deploys]).unwrap();
        assert!(moved.has_moved, "{}", moved.render());
        let named = moved.before.trigger.as_deref().is_some_and(|trigger| trigger.contains("1.5.0"));
        assert!(named, "{}\n{}", moved.render(), incident::canonical::to_text(&contents.conclusion).unwrap());
        assert_eq!(moved.after.trigger, None, "{}", moved.render());
        assert!(moved.render().contains("without deploys the conclusion moves"));
        let same = contents.without(&[]).unwrap();
        assert!(!same.has_moved, "{}", same.render());
        let dark = contents.without(&[Without::Traces]).unwrap();
        assert_ne!(dark.after.blamed, dark.before.blamed, "{}", dark.render());
    }
    assert!(whole.without(&Without::ALL).unwrap().after.blamed.is_empty());
}

#[test]
fn a_question_that_was_not_recorded_is_told_and_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let sections = from_case(&staged(folder.path())).unwrap();
    let mut opened = contents::read(&sections).unwrap();
    opened.case = None;
    let is_edges = |entry: &Entry| matches!(entry, Entry::Question(q) if q.ask.name() == "edges");
    opened.logged.retain(|logged| !is_edges(&logged.entry));
    let moved = opened.without(&[]).unwrap();
    assert!(moved.not_recorded.iter().any(|open| open.contains("edges")), "{:?}", moved.not_recorded);
    assert!(moved.after.gaps.len() > moved.before.gaps.len(), "{}", moved.render());
}

#[test]
fn what_was_changed_is_refused_and_an_unfinished_journal_is_not_saved() {
    let folder = tempfile::tempdir().unwrap();
    let mut sections = from_case(&staged(folder.path())).unwrap();
    let journal = sections["journal.jsonl"].clone();
    // The container is made anew, so that only the chain inside can show it.
    let text = String::from_utf8(journal.clone()).unwrap().replacen("web", "wob", 1);
    sections.insert("journal.jsonl".to_owned(), text.into_bytes());
    let refused = contents::read(&sections).unwrap_err();
    assert!(matches!(refused, OpenError::Journal(_)) && refused.is_damage(), "{refused}");
    sections.remove("journal.jsonl");
    assert!(matches!(contents::read(&sections), Err(OpenError::Missing("journal.jsonl"))));
    let lines: Vec<&str> = std::str::from_utf8(&journal).unwrap().split_inclusive('\n').collect();
    assert!(from_journal("x", lines[..3].concat().into_bytes()).is_err());
    let path = folder.path().join("not.fcase");
    crate::files::write_text(&path, "hello").unwrap();
    let refused = contents::open(&path).unwrap_err();
    assert!(!refused.is_damage(), "{refused}");
}
