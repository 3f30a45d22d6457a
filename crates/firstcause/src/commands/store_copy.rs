//! `store backup` and `store restore`: a whole data directory, its journals and skills with it, into an empty folder.
//!
//! A backup may be made beside a running `serve`; of what is written meanwhile it holds a beginning. Keys are copied as they are
//! kept, as hashes. Locks are not copied.

use std::io::ErrorKind;
use std::path::Path;

use ::store::backup::{Copied, backup};
use anyhow::Context;
use platform::disk::Disk;

use crate::failure::{Failure, Outcome};
use crate::terminal;
use crate::wiring::Doors;

/// Copies `from` into `to`, which must hold nothing.
pub(super) fn run(from: &Path, to: &Path) -> anyhow::Result<Outcome> {
    let disk = &*Doors::real().disk;
    if names(disk, &from.join("spaces"))?.is_none() || disk.read(&from.join("FORMAT")).is_err() {
        return Err(Failure::usage(
            format!("`{}` holds no data of Firstcause", from.display()),
            "name a data directory, or a copy that `store backup` made to its end",
        ));
    }
    if names(disk, to)?.is_some_and(|names| !names.is_empty()) {
        return Err(Failure::usage(
            format!("`{}` is not empty", to.display()),
            "name a folder that does not exist yet; nothing is written over",
        ));
    }
    disk.create_dir_all(to).with_context(|| format!("failed to make the folder `{}`", to.display()))?;
    let others = copy_others(disk, from, to)?;
    let copied = backup(disk, from, to).map_err(|error| {
        let error = anyhow::Error::new(error);
        let why = error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Failure::usage(
            why,
            "`firstcause store check` says what is damaged; the copy has no stamp and is no data directory",
        )
    })?;
    told(&copied, others, to)
}

fn told(copied: &Copied, others: u64, to: &Path) -> anyhow::Result<Outcome> {
    terminal::say(&format!(
        "{} files, {} bytes, and {others} journals and documents are in `{}`",
        copied.files,
        copied.bytes,
        to.display()
    ))?;
    for path in &copied.damaged {
        terminal::say_aside(&format!("warning: `{}` is damaged and was copied as it is", path.display()));
    }
    Ok(if copied.damaged.is_empty() { Outcome::AsAsked } else { Outcome::Negative })
}

/// What lies beside the store; how many files.
fn copy_others(disk: &dyn Disk, from: &Path, to: &Path) -> anyhow::Result<u64> {
    let mut count = 0;
    for name in names(disk, from)?.unwrap_or_default().iter().filter(|name| name.ends_with(".journal")) {
        count += copy(disk, &from.join(name), &to.join(name))?;
    }
    for skill in names(disk, &from.join("skills"))?.unwrap_or_default() {
        let place = Path::new("skills").join(skill);
        count += copy_folder(disk, &from.join(&place), &to.join(&place))?;
    }
    for space in names(disk, &from.join("spaces"))?.unwrap_or_default() {
        let place = Path::new("spaces").join(space).join("incidents");
        count += copy_folder(disk, &from.join(&place), &to.join(&place))?;
    }
    Ok(count)
}

/// The files of a folder, its own folders left out.
fn copy_folder(disk: &dyn Disk, from: &Path, to: &Path) -> anyhow::Result<u64> {
    let Some(names) = names(disk, from)? else { return Ok(0) };
    disk.create_dir_all(to).with_context(|| format!("failed to make the folder `{}`", to.display()))?;
    let mut count = 0;
    for name in names {
        count += copy(disk, &from.join(&name), &to.join(&name))?;
    }
    disk.sync_dir(to).with_context(|| format!("failed to sync `{}`", to.display()))?;
    Ok(count)
}

/// One file; none where it is a folder, or gone meanwhile.
fn copy(disk: &dyn Disk, from: &Path, to: &Path) -> anyhow::Result<u64> {
    let bytes = match disk.read(from) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::IsADirectory) => return Ok(0),
        read => read.with_context(|| format!("failed to read `{}`", from.display()))?,
    };
    let written = (|| {
        let mut file = disk.open_new(to)?;
        file.append(&bytes)?;
        file.sync_data()
    })();
    written.with_context(|| format!("failed to write `{}`", to.display()))?;
    Ok(1)
}

/// What lies in a folder; nothing where there is none.
fn names(disk: &dyn Disk, folder: &Path) -> anyhow::Result<Option<Vec<String>>> {
    match disk.list(folder) {
        Ok(names) => Ok(Some(names)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("failed to list `{}`", folder.display())),
    }
}
