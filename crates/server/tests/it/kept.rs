//! `control.journal` on a disk in memory.

use std::path::Path;

use platform::disk::Disk;
use platform::sim_disk::SimDisk;
use server::identity::Control;

/// Where it lies there.
pub(crate) const PATH: &str = "/data/control.journal";

/// The journal on a disk in memory.
pub(crate) struct Kept(pub(crate) SimDisk);

impl Control for Kept {
    fn grown(&self) -> std::io::Result<Option<u64>> {
        match self.0.read(Path::new(PATH)) {
            Ok(bytes) => Ok(Some(bytes.len() as u64)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self) -> std::io::Result<Vec<u8>> {
        self.0.read(Path::new(PATH))
    }
}
