//! `completions`: what a shell needs to complete our command line, made from the command tree itself.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Outcome;
use crate::terminal;

/// Prints the completions for `shell`.
pub(crate) fn run(shell: Shell) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut public_tree(), "firstcause", &mut script);
    terminal::say(String::from_utf8(script)?.trim_end())?;
    Ok(Outcome::AsAsked)
}

/// The command tree without what is hidden: the generators leave hidden commands out in some shells only.
pub(super) fn public_tree() -> Command {
    without_hidden(&Cli::command())
}

fn without_hidden(command: &Command) -> Command {
    let public = command.get_subcommands().filter(|inner| !inner.is_hide_set()).map(without_hidden);
    let mut made = Command::new(command.get_name().to_owned()).args(command.get_arguments().cloned());
    made = made.groups(command.get_groups().cloned()).subcommands(public);
    if let Some(about) = command.get_about() {
        made = made.about(about.clone());
    }
    if let Some(about) = command.get_long_about() {
        made = made.long_about(about.clone());
    }
    if let Some(version) = command.get_version() {
        made = made.version(version.to_owned());
    }
    made.subcommand_required(command.is_subcommand_required_set())
}
