//! Where the files of a run lie: a new folder that was asked for, or one of ours that goes when the run is over.

use std::path::{Path, PathBuf};

use platform::uuid_v7;

use crate::failure::Failure;
use crate::wiring::Doors;

/// Where the files of a run lie, and whether they stay.
pub(super) struct Kept {
    folder: PathBuf,
    is_ours: bool,
}

impl Kept {
    /// The folder `keep`, which must be new, or one of ours.
    pub(super) fn new(keep: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(folder) = keep {
            if folder.exists() {
                let what = format!("`{}` is there already", folder.display());
                return Err(Failure::usage(what, "give a new folder to `--keep`"));
            }
            return Ok(Self { folder: folder.to_owned(), is_ours: false });
        }
        let doors = Doors::real();
        let id = uuid_v7(&*doors.clock, &mut platform::OsChance);
        Ok(Self { folder: std::env::temp_dir().join(format!("firstcause-eval-{id}")), is_ours: true })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes what nobody asked to keep.
    pub(super) fn clear(&self) {
        if self.is_ours && self.folder.exists() {
            // What cannot be removed lies in the system's folder for such files, which is emptied by itself.
            std::fs::remove_dir_all(&self.folder).unwrap_or_default();
        }
    }
}
