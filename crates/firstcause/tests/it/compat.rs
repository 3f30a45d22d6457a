//! Callers that were written for other systems, with what those systems publish: OpenSRE's client as it is, and
//! HolmesGPT's models, which read the answers.
//!
//! The packages are installed once, below the target folder, in the versions that `tests/compat` pins, and without what
//! they would draw in: a model and its cloud are not asked here.

use std::process::Command;

use crate::clients::{Pinned, python};
use crate::serving::Serving;

const PINNED: &Pinned = &[("requirements.txt", include_str!("../compat/requirements.txt"))];

/// Scenario: an hour of three services; in the last five minutes one query of `orders` is slow.
/// Guarantees: an alert in OpenSRE's and in HolmesGPT's shape is explained with the right service, in their shapes.
#[test]
fn callers_of_holmesgpt_and_opensre_are_told_the_cause_in_their_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let serving = Serving::start(folder.path(), &[]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/compat/callers.py");
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/tools");
    let (otlp, http) = (format!("http://{}", serving.otlp), format!("http://{}", serving.http));
    let mut command = Command::new(python("compat", PINNED, &["--no-deps"]));
    command.args(["-B", script, &otlp, &http, "7"]).env("PYTHONPATH", scenario);
    // A proxy of the environment must not stand in the way to this machine.
    let ran = command.env("NO_PROXY", "*").env("no_proxy", "*").output().unwrap();
    let told = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{told}\n{}", String::from_utf8_lossy(&ran.stderr));
    assert!(told.lines().filter(|line| line.starts_with("ok")).count() > 30, "{told}");
}
