//! The only doors to clock, disk and chance, real and simulated.
//!
//! Everything else receives a [`clock::Clock`], a [`disk::Disk`] or a [`chance::Chance`]; the bans in
//! `clippy.toml` keep it so. Network and processes are not here: they belong to the crates that may be
//! asynchronous.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod chance;
pub mod clock;
pub mod disk;
pub mod real_disk;
pub mod sim_disk;
pub mod uuid_v7;

pub use chance::{Chance, OsChance, SeededChance};
pub use clock::{Clock, SimClock, SystemClock};
pub use disk::{Disk, DiskFile, DiskLock};
pub use real_disk::RealDisk;
pub use sim_disk::{Call, SimDisk};
pub use uuid_v7::uuid_v7;
