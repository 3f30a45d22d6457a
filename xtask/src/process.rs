//! Starting other programs: cargo, git, ldd, apt-get.
//!
//! A program gets arguments, never a shell line. Nothing is retried here.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::failure::Failure;

/// A cargo command in the workspace root, the same cargo that runs us.
pub(crate) fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    command
}

/// Runs a command whose output the reader sees, and fails when it fails.
pub(crate) fn run(command: &mut Command, hint: &str) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("failed to start {shown}"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::negative(format!("{shown} ended with {status}"), hint))
}

/// Runs a program and returns its standard output, or `None` when it is missing or fails.
pub(crate) fn answer(root: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).current_dir(root).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}
