//! The programs that tests start, and how to get a missing one.
//!
//! Only a system with apt-get and a root user is served; elsewhere the error says what to install.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::process;

/// A program some test starts.
struct Need {
    program: &'static str,
    package: &'static str,
    why: &'static str,
}

const NEEDS: &[Need] = &[Need {
    program: "strace",
    package: "strace",
    why: "tests fail chosen system calls of the real binary",
}];

/// Installs what is missing, or says what to install.
pub(crate) fn provide(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_there(need.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        writeln!(out, "{} is missing: {}", need.program, need.why)?;
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let by_hand = format!("install by hand: {}", packages.join(" "));
    if process::answer(root, "id", &["-u"]).as_deref() != Some("0") || !is_there("apt-get") {
        return Err(Failure::negative("programs that the tests start are missing", by_hand));
    }
    process::run(Command::new("apt-get").args(["update", "-q"]), &by_hand)?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-q", "--no-install-recommends"]).args(&packages);
    process::run(install.env("DEBIAN_FRONTEND", "noninteractive"), &by_hand)
}

/// Whether a program starts at all.
fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_exist_is_missing() {
        assert!(!is_there("no-such-program-firstcause"));
        assert!(is_there("git"));
    }
}
