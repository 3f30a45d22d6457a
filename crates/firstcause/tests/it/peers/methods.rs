//! Starts the methods, each as a process of its own that sees staged cases and nothing else.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use eval::conclusion_line::Line;

use crate::clients;

const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers");
const PINNED: [(&str, &str); 1] = [("requirements.txt", include_str!("../../peers/requirements.txt"))];

/// What `run.py` knows, sorted. `-multi` are the forms of the package that read logs and traces as well.
pub(super) const METHODS: [&str; 8] =
    ["baro", "baro-multi", "microrank", "nsigma", "nsigma-multi", "pdiagnose", "torai", "tracerca"];

/// Runs every method on `cases`, so many `at_once`, and gives where each wrote its lines, in `out`.
pub(super) fn run_all(cases: &Path, out: &Path, at_once: usize) -> Vec<(&'static str, PathBuf)> {
    // The package names what it does not need as requirements, so everything is listed and nothing resolved.
    let python = clients::python("peers", &PINNED, &["--no-deps"]);
    let next = AtomicUsize::new(0);
    let written: Mutex<Vec<(&'static str, PathBuf)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(method) = METHODS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let lines = out.join(format!("{method}.jsonl"));
                    let mut command = Command::new(&python);
                    command.arg("-B").arg(Path::new(SOURCES).join("run.py"));
                    clients::output(command.arg(method).arg(cases).arg(&lines));
                    written.lock().unwrap().push((method, lines));
                }
            });
        }
    });
    let mut written = written.into_inner().unwrap();
    written.sort();
    assert_eq!(written.len(), METHODS.len());
    written
}

/// Whether the method could not run on the case, or ended with an error there.
pub(super) fn is_not_applicable(line: &Line) -> bool {
    reason(line).is_some()
}

/// Why it could not; without the figures that differ from case to case.
pub(super) fn reason(line: &Line) -> Option<&str> {
    let is_one = ["not applicable: ", "failed: "].iter().any(|begin| line.statement.starts_with(begin));
    is_one.then_some(&*line.statement)
}
