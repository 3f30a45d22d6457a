//! The push lane as a list of steps, run in order, stopping at the first that fails.
//!
//! Steps take no option of their own: what runs here is what runs everywhere.

use std::io::Write;
use std::path::Path;

use crate::failure::Failure;
use crate::stopwatch::Stopwatch;
use crate::{needs, page, process, tidy};

/// One step of the lane.
pub(crate) struct Step {
    /// For `--only`.
    pub(crate) name: &'static str,
    /// One line for help.
    pub(crate) what: &'static str,
    /// Whether `cargo xtask check` runs it too.
    is_quick: bool,
    action: Action,
}

enum Action {
    Cargo {
        arguments: &'static [&'static str],
        environment: &'static [(&'static str, &'static str)],
        hint: &'static str,
    },
    Here(fn(&Path, &mut dyn Write) -> anyhow::Result<()>),
}

/// Every step, in the order in which it runs.
pub(crate) fn all() -> &'static [Step] {
    &[
        Step {
            name: "fmt",
            what: "the source is formatted",
            is_quick: true,
            action: Action::Cargo {
                arguments: &["fmt", "--all", "--check"],
                environment: &[],
                hint: "run `cargo fmt --all`",
            },
        },
        Step { name: "tidy", what: "the house rules hold", is_quick: true, action: Action::Here(tidy::run) },
        Step {
            name: "clippy",
            what: "no lint fires in any target",
            is_quick: true,
            action: Action::Cargo {
                arguments: &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
                environment: &[],
                hint: "mend it, or `#[expect(.., reason = \"..\")]` where the lint is wrong",
            },
        },
        Step {
            name: "doc",
            what: "the documentation builds without a broken link",
            is_quick: false,
            action: Action::Cargo {
                arguments: &["doc", "--workspace", "--no-deps", "--locked"],
                environment: &[("RUSTDOCFLAGS", "-D warnings")],
                hint: "mend the link or the code block that rustdoc names",
            },
        },
        Step {
            name: "needs",
            what: "programs that the tests start are installed",
            is_quick: false,
            action: Action::Here(needs::provide),
        },
        Step {
            name: "tests",
            what: "every test of the workspace passes",
            is_quick: false,
            action: Action::Cargo {
                arguments: &["test", "--workspace", "--locked"],
                environment: &[],
                hint: "the first failure above names its test; run it alone with `cargo test -p CRATE NAME`",
            },
        },
        Step {
            name: "page",
            what: "the live page holds in a headless Chromium",
            is_quick: false,
            action: Action::Here(page::step),
        },
    ]
}

/// `cargo xtask test [--only STEP]`.
pub(crate) fn test(root: &Path, words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let steps = chosen(words)?;
    run(root, &steps, out)
}

/// `cargo xtask check`.
pub(crate) fn check(root: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let steps: Vec<&Step> = all().iter().filter(|step| step.is_quick).collect();
    run(root, &steps, out)
}

fn chosen(words: &[String]) -> anyhow::Result<Vec<&'static Step>> {
    let names: Vec<&str> = all().iter().map(|step| step.name).collect();
    match words {
        [] => Ok(all().iter().collect()),
        [flag, name] if flag == "--only" && names.contains(&name.as_str()) => {
            Ok(all().iter().filter(|step| step.name == name).collect())
        }
        _ => Err(Failure::usage(
            format!("`test {}` was not understood", words.join(" ")),
            format!("cargo xtask test [--only STEP], STEP one of {}", names.join(", ")),
        )),
    }
}

fn run(root: &Path, steps: &[&Step], out: &mut dyn Write) -> anyhow::Result<()> {
    let whole = Stopwatch::start();
    for step in steps {
        writeln!(out, "==> {}: {}", step.name, step.what)?;
        out.flush()?;
        let stopwatch = Stopwatch::start();
        let result = match &step.action {
            Action::Here(function) => function(root, out),
            Action::Cargo { arguments, environment, hint } => {
                let mut command = process::cargo(root, arguments);
                command.envs(environment.iter().copied());
                process::run(&mut command, hint)
            }
        };
        let word = if result.is_ok() { "ok" } else { "FAILED" };
        writeln!(out, "==> {}: {word} in {stopwatch}", step.name)?;
        result?;
    }
    writeln!(out, "==> all {} steps passed in {whole}", steps.len())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_lane_runs_without_words_and_one_step_with_only() {
        let whole: Vec<&str> = chosen(&[]).expect("the lane").iter().map(|step| step.name).collect();
        assert_eq!(whole, ["fmt", "tidy", "clippy", "doc", "needs", "tests", "page"]);
        let one = chosen(&["--only".to_owned(), "clippy".to_owned()]).expect("one step");
        assert_eq!(one.iter().map(|step| step.name).collect::<Vec<_>>(), ["clippy"]);
    }

    #[test]
    fn an_unknown_step_is_a_usage_error_that_lists_the_steps() {
        let error = chosen(&["--only".to_owned(), "lint".to_owned()]).err().expect("no such step");
        assert_eq!(crate::failure::exit_code(&error), 2);
        assert!(crate::failure::describe(&error).contains("fmt, tidy, clippy"));
    }

    #[test]
    fn the_lane_stops_at_the_first_failure() {
        let failing = Step {
            name: "a",
            what: "fails",
            is_quick: true,
            action: Action::Here(|_, _| Err(Failure::negative("no", "none"))),
        };
        let second = Step {
            name: "b",
            what: "must not run",
            is_quick: true,
            action: Action::Here(|_, out| Ok(writeln!(out, "ran")?)),
        };
        let mut out = Vec::new();
        let result = run(Path::new("."), &[&failing, &second], &mut out);
        assert!(result.is_err());
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("==> a: FAILED in ") && !text.contains("ran"), "{text}");
    }
}
