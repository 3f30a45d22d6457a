//! The binary people download: one file, statically linked, shown to be so by `ldd`.
//!
//! Beside it go the completions of each shell and the manual pages, as the binary itself prints them. It builds for
//! the machine it runs on. Cross builds, signing and archives are elsewhere.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context as _;
use serde_json::Value;

use crate::failure::Failure;
use crate::process;

/// The shells that the binary knows.
const SHELLS: &[&str] = &["bash", "elvish", "fish", "powershell", "zsh"];
const STATIC: &str = "-C target-feature=+crt-static";

/// `cargo xtask dist`.
pub(crate) fn run(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let about = process::answer(root, "rustc", &["-vV"]).context("failed to ask `rustc -vV`")?;
    let triple = host(&about).context("`rustc -vV` names no host")?;
    let arguments = [
        "build",
        "--profile",
        "dist",
        "--package",
        "firstcause",
        "--locked",
        "--target",
        triple,
        "--message-format",
        "json-render-diagnostics",
    ];
    let mut build = process::cargo(root, &arguments);
    build.env("RUSTFLAGS", STATIC).stderr(Stdio::inherit());
    let output = build.output().context("failed to start cargo")?;
    if !output.status.success() {
        return Err(Failure::negative("the dist build failed", "the compiler's words are above"));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let binary = executable(&messages).context("cargo built no executable `firstcause`")?;
    let size = std::fs::metadata(&binary).with_context(|| format!("failed to look at `{binary}`"))?.len();
    prove_static(&binary)?;
    writeln!(out, "{binary}\n{}, statically linked", mebibytes(size))?;
    let beside = Path::new(&binary).with_file_name("firstcause-extras");
    extras(&binary, &beside)?;
    writeln!(out, "{}: completions and manual pages", beside.display())?;
    Ok(())
}

/// Writes `completions/<shell>` and `man/*.1` into `folder`, which is made anew: a page of a command that is gone
/// must not stay.
fn extras(binary: &str, folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    let completions = folder.join("completions");
    std::fs::create_dir_all(&completions)
        .with_context(|| format!("failed to make `{}`", completions.display()))?;
    for shell in SHELLS {
        let path = completions.join(shell);
        let file = OpenOptions::new().write(true).create_new(true).open(&path);
        let file = file.with_context(|| format!("failed to make `{}`", path.display()))?;
        let mut command = Command::new(binary);
        command.args(["completions", shell]).stdout(file);
        process::run(&mut command, "the binary does not print its completions")?;
    }
    let mut command = Command::new(binary);
    command.args(["man", "--dir"]).arg(folder.join("man")).stdout(Stdio::null());
    process::run(&mut command, "the binary does not write its manual pages")
}

/// The host triple in the output of `rustc -vV`.
fn host(about: &str) -> Option<&str> {
    about.lines().find_map(|line| line.strip_prefix("host: "))
}

/// The path of the binary in cargo's messages.
fn executable(messages: &str) -> Option<String> {
    let mut records = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_ours = |record: &Value| {
        record.pointer("/target/name").and_then(Value::as_str) == Some("firstcause")
            && record.get("executable").is_some_and(Value::is_string)
    };
    let record = records.rfind(is_ours)?;
    record.get("executable").and_then(Value::as_str).map(str::to_owned)
}

fn prove_static(binary: &str) -> anyhow::Result<()> {
    let output = Command::new("ldd").arg(binary).output().context("failed to start ldd")?;
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if text.contains("statically linked") {
        return Ok(());
    }
    Err(Failure::negative(
        format!("ldd does not call `{binary}` static:\n{}", text.trim_end()),
        "find the dependency that links a shared library and build it from source",
    ))
}

/// A size for people, with one digit.
fn mebibytes(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10) / (1024 * 1024);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_and_the_executable_are_found_in_what_the_tools_print() {
        assert_eq!(
            host("rustc 1.95.0\nhost: x86_64-unknown-linux-gnu\nrelease: 1"),
            Some("x86_64-unknown-linux-gnu")
        );
        let messages = concat!(
            "{\"target\":{\"name\":\"firstcause\"},\"executable\":null}\n",
            "{\"target\":{\"name\":\"firstcause\"},\"executable\":\"/t/dist/firstcause\"}\n",
            "not json\n"
        );
        assert_eq!(executable(messages).as_deref(), Some("/t/dist/firstcause"));
    }

    #[test]
    fn a_dynamic_binary_is_refused_with_the_words_of_ldd() {
        let error = prove_static("/bin/sh").expect_err("the shell is dynamic");
        assert!(error.to_string().contains("hint: "), "{error}");
    }

    #[test]
    fn the_extras_are_what_the_binary_prints_and_nothing_older() {
        let folder = tempfile::tempdir().expect("a folder");
        let extras_folder = folder.path().join("extras");
        std::fs::create_dir_all(extras_folder.join("man/older")).expect("a leftover");
        extras("echo", &extras_folder).expect("echo prints");
        let read = |shell: &str| std::fs::read_to_string(extras_folder.join("completions").join(shell));
        assert!(
            SHELLS.iter().all(|shell| read(shell).is_ok_and(|text| text == format!("completions {shell}\n")))
        );
        assert!(!extras_folder.join("man").exists());
        let error = extras("false", &extras_folder).expect_err("a binary that fails is no binary");
        assert!(error.to_string().contains("hint: "), "{error}");
    }

    #[test]
    fn sizes_are_in_mebibytes() {
        assert_eq!(mebibytes(3 * 1024 * 1024 / 2), "1.5 MiB");
    }
}
