//! The datasets that can be read, one file each. A loader reads what was recorded into the neutral tables, and what
//! was injected into labels; nothing of the second may show in the first.

mod incidents;
mod nezha;
mod opensre;
mod petshop;
mod rcaeval;
mod rootcausebench;

pub use incidents::{FILE as INCIDENT_FILE, NAME as INCIDENTS};

use std::path::Path;

use crate::case::Case;
use crate::files::FileError;
use crate::label::Label;

/// A collection of labelled incidents in a form of its own.
pub trait Dataset: std::fmt::Debug + Sync {
    /// Its name on the command line.
    fn name(&self) -> &'static str;

    /// Whether the folder `root` holds it.
    fn is_at(&self, root: &Path) -> bool;

    /// The incidents in `root`, in the dataset's own order. Reads labels, not data.
    ///
    /// # Errors
    /// When a label cannot be read.
    fn incidents(&self, root: &Path) -> Result<Vec<Incident>, FileError>;

    /// Reads the data of one incident. The case names no file, folder or time of injection.
    ///
    /// # Errors
    /// When its data cannot be read.
    fn load(&self, root: &Path, incident: &Incident) -> Result<Case, FileError>;
}

/// One incident of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incident {
    /// How the dataset finds it again.
    pub key: String,
    /// What was the matter.
    pub label: Label,
}

/// Every dataset, sorted by name.
#[must_use]
pub fn all() -> &'static [&'static dyn Dataset] {
    &[
        &incidents::Incidents,
        &nezha::Nezha,
        &opensre::OpenSre,
        &petshop::PetShop,
        &rcaeval::Rcaeval,
        &rootcausebench::RootCauseBench,
    ]
}

/// The dataset of this name, or the one that the folder holds.
#[must_use]
pub fn find(name: Option<&str>, root: &Path) -> Option<&'static dyn Dataset> {
    let is_meant = |dataset: &&dyn Dataset| match name {
        Some(name) => dataset.name() == name,
        None => dataset.is_at(root),
    };
    all().iter().copied().find(is_meant)
}
