//! The programs that tests start, and how to get a missing one.
//!
//! Only a system with apt-get and a root user is served; elsewhere the error says what to install.
//! Packages that the tests themselves install below the target folder (Python's, Node's) are not looked at.

use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::failure::Failure;
use crate::process;

/// A program some test starts.
struct Need {
    /// With words that make it answer at once and do nothing.
    program: &'static [&'static str],
    package: &'static str,
    why: &'static str,
}

const SOURCES: &str = "it is asked as a real back end";
const SECOND_SYSTEM: &str = "the second demonstration system runs on it";

const NEEDS: &[Need] = &[
    Need {
        program: &["chromium", "--version"],
        package: "chromium",
        why: "the live page is looked at in it",
    },
    Need {
        program: &["strace", "--version"],
        package: "strace",
        why: "tests fail chosen system calls of the real binary",
    },
    Need { program: &["initdb", "--version"], package: "postgresql", why: SECOND_SYSTEM },
    Need { program: &["prometheus", "--version"], package: "prometheus", why: SOURCES },
    Need { program: &["victoria-metrics", "-version"], package: "victoria-metrics", why: SOURCES },
    Need { program: &["javac", "-version"], package: "default-jdk-headless", why: SOURCES },
    Need { program: &["mvn", "--version"], package: "maven", why: SOURCES },
    Need { program: &["node", "--version"], package: "nodejs", why: SECOND_SYSTEM },
    Need { program: &["npm", "--version"], package: "npm", why: SECOND_SYSTEM },
    Need {
        program: &["python3", "-c", "import ensurepip, venv"],
        package: "python3-venv",
        why: SECOND_SYSTEM,
    },
    Need { program: &["redis-server", "--version"], package: "redis-server", why: SECOND_SYSTEM },
];

/// Debian asks this script whether an installed server may start; its answer 101 is no.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_TEXT: &str = "#!/bin/sh\nexit 101\n";

/// Installs what is missing, or says what to install.
pub(crate) fn provide(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_there(need.program)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        writeln!(out, "{} is missing: {}", need.program.join(" "), need.why)?;
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    let by_hand = format!("install by hand: {}", packages.join(" "));
    if process::answer(root, "id", &["-u"]).as_deref() != Some("0") || !is_there(&["apt-get", "--version"]) {
        return Err(Failure::negative("programs that the tests start are missing", by_hand));
    }
    process::run(Command::new("apt-get").args(["update", "-q"]), &by_hand)?;
    let mut install = Command::new("apt-get");
    install.args(["install", "-y", "-q", "--no-install-recommends"]).args(&packages);
    let policy = Policy::put()?;
    let installed = process::run(install.env("DEBIAN_FRONTEND", "noninteractive"), &by_hand);
    policy.take_away()?;
    installed
}

/// Whether a program starts and ends well. Some of Debian's servers lie outside the search path.
fn is_there(program: &[&str]) -> bool {
    let Some((name, words)) = program.split_first() else { return false };
    std::iter::once(PathBuf::from(name)).chain(postgres_folders().map(|folder| folder.join(name))).any(
        |path| {
            let mut command = Command::new(path);
            command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        },
    )
}

fn postgres_folders() -> impl Iterator<Item = PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin"))
}

/// Keeps servers from starting while they are installed, where nothing else decides about that.
struct Policy {
    is_ours: bool,
}

impl Policy {
    #[expect(clippy::disallowed_methods, reason = "the file lasts no longer than the installation")]
    fn put() -> anyhow::Result<Self> {
        let is_ours = !Path::new(POLICY).exists();
        if is_ours {
            std::fs::write(POLICY, POLICY_TEXT).with_context(|| format!("failed to write `{POLICY}`"))?;
            std::fs::set_permissions(POLICY, std::fs::Permissions::from_mode(0o755))
                .with_context(|| format!("failed to make `{POLICY}` executable"))?;
        }
        Ok(Self { is_ours })
    }

    fn take_away(self) -> anyhow::Result<()> {
        if self.is_ours {
            std::fs::remove_file(POLICY).with_context(|| format!("failed to remove `{POLICY}`"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_does_not_exist_is_missing() {
        assert!(!is_there(&["no-such-program-firstcause"]));
        assert!(!is_there(&["git", "no-such-word"]));
        assert!(is_there(&["git", "--version"]));
    }
}
