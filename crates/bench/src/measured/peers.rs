//! Peers that run as programs of their own: Python packages, started with a script of `crates/bench/peers`.
//!
//! A script gets the names of files and prints one line of JSON. Without `--peers` there is no Python, and the answer is
//! the reason.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use platform::{Disk as _, RealDisk};
use serde_json::Value;

use crate::settings::Settings;

/// What became of asking one.
#[derive(Debug)]
pub(crate) enum Answer {
    /// What it printed.
    Of(Value),
    /// Nobody was asked, and why.
    None(String),
}

/// Runs the script of this name.
pub(crate) fn ask(settings: &Settings, script: &str, files: &[&Path]) -> anyhow::Result<Answer> {
    let Some(python) = &settings.python else {
        return Ok(Answer::None(format!("{script} was not run: `cargo xtask bench --peers` installs it")));
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script);
    let output = Command::new(python).arg(&path).args(files).output().context("failed to start the peer")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{script} ended with {}: {said}", output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    Ok(Answer::Of(serde_json::from_str(line).with_context(|| format!("failed to read `{line}`"))?))
}

/// Writes a file for a peer.
pub(crate) fn write(folder: &Path, name: &str, text: &str) -> anyhow::Result<PathBuf> {
    let path = folder.join(name);
    RealDisk.open_new(&path)?.append(text.as_bytes()).context("failed to write for a peer")?;
    Ok(path)
}
