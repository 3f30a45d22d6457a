//! The list of commands, and the choice of one.
//!
//! A command is a function; what it does lives in its own module.

use std::io::Write;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::{bench, dist, lane, page, soak, tidy, workspace};

/// One command of `cargo xtask`.
struct Command {
    name: &'static str,
    usage: &'static str,
    what: &'static str,
    run: fn(&Path, &[String], &mut dyn Write) -> anyhow::Result<()>,
}

fn all() -> &'static [Command] {
    &[
        Command {
            name: "bench",
            usage: "bench [NAMES..]",
            what: "benchmarks B1 to B18, recorded in docs/results/bench.json; --rounds N, --peers, --peer NAME=URL",
            run: bench::run,
        },
        Command {
            name: "check",
            usage: "check",
            what: "the quick lane: fmt, tidy, clippy",
            run: |root, words, out| no_words(words).and_then(|()| lane::check(root, out)),
        },
        Command {
            name: "dist",
            usage: "dist",
            what: "the static binary, proved static with ldd",
            run: |root, words, out| no_words(words).and_then(|()| dist::run(root, out)),
        },
        Command { name: "help", usage: "help", what: "this text", run: |_, _, out| help(out) },
        Command {
            name: "page",
            usage: "page [--demo]",
            what: "the live page in a headless Chromium; --pictures FOLDER keeps what it saw",
            run: page::run,
        },
        Command {
            name: "soak",
            usage: "soak NAME [--seed N] [--parallel N]",
            what: "one long measurement, recorded in docs/results/NAME.json",
            run: soak::run,
        },
        Command {
            name: "test",
            usage: "test [--only STEP]",
            what: "the test command: every step of the push lane",
            run: lane::test,
        },
        Command {
            name: "tidy",
            usage: "tidy [--root DIR]",
            what: "the house rules that a program can check",
            run: run_tidy,
        },
    ]
}

/// Runs the command the words ask for.
pub(crate) fn run(words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    let Some((name, rest)) = words.split_first() else {
        return help(out);
    };
    if name == "--help" || name == "-h" {
        return help(out);
    }
    let Some(command) = all().iter().find(|command| command.name == name) else {
        let names: Vec<&str> = all().iter().map(|command| command.name).collect();
        return Err(Failure::usage(
            format!("unknown command `{name}`"),
            format!("one of {}; `cargo xtask help` explains them", names.join(", ")),
        ));
    };
    (command.run)(&workspace::root()?, rest, out)
}

fn run_tidy(root: &Path, words: &[String], out: &mut dyn Write) -> anyhow::Result<()> {
    match words {
        [] => tidy::run(root, out),
        [flag, folder] if flag == "--root" => tidy::run(&PathBuf::from(folder), out),
        _ => Err(Failure::usage("`tidy` was not understood", "cargo xtask tidy [--root DIR]")),
    }
}

fn no_words(words: &[String]) -> anyhow::Result<()> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(Failure::usage(format!("unexpected `{word}`"), "this command takes no argument")),
    }
}

fn help(out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "cargo xtask COMMAND\n\ncommands:")?;
    for command in all() {
        writeln!(out, "  {:<22} {}", command.usage, command.what)?;
    }
    writeln!(out, "\nsteps of `test`:")?;
    for step in lane::all() {
        writeln!(out, "  {:<22} {}", step.name, step.what)?;
    }
    writeln!(out, "\nsoaks:")?;
    for soak in soak::all() {
        writeln!(out, "  {:<22} {}", soak.name, soak.what)?;
    }
    writeln!(out, "\nrules of `tidy`:")?;
    for rule in tidy::all() {
        writeln!(out, "  {:<26} {}", rule.id, rule.what)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn commands_are_sorted_and_help_names_each() {
        let mut out = Vec::new();
        run(&words("help"), &mut out).expect("help prints");
        let text = String::from_utf8(out).expect("help is text");
        let names: Vec<&str> = all().iter().map(|command| command.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        assert_eq!(names, sorted);
        for name in names {
            assert!(text.contains(&format!("\n  {name}")), "help is silent about {name}");
        }
    }

    #[test]
    fn an_unknown_command_is_a_usage_error_with_a_hint() {
        let error = run(&words("tydi"), &mut Vec::new()).expect_err("no such command");
        assert_eq!(crate::failure::exit_code(&error), 2);
        assert!(crate::failure::describe(&error).contains("hint: one of bench, check, dist"));
    }

    #[test]
    fn an_unexpected_word_is_a_usage_error() {
        let error = run(&words("dist now"), &mut Vec::new()).expect_err("no such word");
        assert_eq!(crate::failure::exit_code(&error), 2);
    }
}
