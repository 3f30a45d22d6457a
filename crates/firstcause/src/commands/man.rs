//! `man`: the manual, made from the command tree itself.

use std::path::Path;

use anyhow::Context as _;
use clap::Command;
use clap_mangen::Man;

use super::completions::public_tree;
use crate::cli::ManCommand;
use crate::failure::{Failure, Outcome};
use crate::terminal;
use crate::wiring::{Doors, write_file};

/// Prints the page of the program, or writes the pages of all commands into a folder.
pub(crate) fn run(args: &ManCommand) -> anyhow::Result<Outcome> {
    let mut tree = public_tree();
    // The help of every command is no page of its own.
    tree = tree.disable_help_subcommand(true);
    tree.build();
    match &args.dir {
        None => terminal::say(String::from_utf8(page(&tree)?)?.trim_end())?,
        Some(dir) => {
            let doors = Doors::real();
            doors.disk.create_dir_all(dir).map_err(|error| {
                Failure::usage(
                    format!("failed to make the folder `{}`: {error}", dir.display()),
                    "choose another with `--dir`",
                )
            })?;
            write(&tree, &doors, dir)?;
        }
    }
    Ok(Outcome::AsAsked)
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Man::new(command.clone()).render(&mut bytes).context("failed to make the page")?;
    Ok(bytes)
}

fn write(command: &Command, doors: &Doors, dir: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let path = dir.join(format!("{name}.1"));
    write_file(&*doors.disk, &path, &page(command)?)?;
    terminal::say(&path.display().to_string())?;
    command.get_subcommands().try_for_each(|inner| write(inner, doors, dir))
}
