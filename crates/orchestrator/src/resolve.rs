//! One incident from alert to closing record: diagnose, propose, ask, act on one instance first, measure, go on or
//! take back.
//!
//! The stages are DETECT, INVESTIGATE, CORRELATE, SYNTHESIZE (the diagnosis), FIX, APPLY and VERIFY. A failure ends
//! the stage it happens in and keeps what was found before. Nothing is done before it is durable (I7).

mod act;

use std::path::PathBuf;
use std::sync::Arc;

use incident::{Alert, Conclusion, Report, Resolution};
use investigation::Diagnosis;
use journal::{Journal, JournalError};
use platform::clock::Clock;
use platform::disk::Disk;
use remediation::channels::ApprovalChannel;
use remediation::{Executor, Inventory};
use telemetry::Space;

use crate::drive::{DriveError, drive};
use crate::entry::Entry;
use crate::log::{Log, Observer};
use crate::report;
use crate::sources::Sources;

/// What may be done about a cause; absent where Firstcause only reports.
#[derive(Clone)]
pub struct Remedy {
    /// What may be acted on.
    pub inventory: Inventory,
    /// Who decides.
    pub approvals: Arc<dyn ApprovalChannel>,
    /// Who acts.
    pub executor: Arc<dyn Executor>,
}

impl std::fmt::Debug for Remedy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remedy").field("inventory", &self.inventory).finish_non_exhaustive()
    }
}

/// Works on incidents.
#[derive(Clone)]
pub struct Resolver {
    /// Who is asked.
    pub sources: Sources,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where journals are written.
    pub disk: Arc<dyn Disk>,
    /// `<data dir>`; incidents are at `spaces/<space>/incidents`.
    pub data_dir: PathBuf,
    /// What may be done.
    pub remedy: Option<Remedy>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

/// An incident could not be worked on to its end.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The folder of incidents cannot be made.
    #[error("failed to make the folder `{path}`")]
    Folder {
        /// Which.
        path: String,
        /// What the disk said.
        #[source]
        source: std::io::Error,
    },
    /// The journal cannot be written.
    #[error("failed to write the journal")]
    Journal(#[from] JournalError),
    /// A machine was not driven to its end.
    #[error("failed to drive a machine to its outcome")]
    Drive(#[from] DriveError),
}

/// A closed incident.
#[derive(Debug)]
pub struct Closed {
    /// What the terminal, the JSON output and the page show.
    pub report: Report,
    /// The journal's file.
    pub journal: PathBuf,
}

impl Resolver {
    /// Where the incidents of `space` are kept.
    #[must_use]
    pub fn incidents(&self, space: &Space) -> PathBuf {
        self.data_dir.join("spaces").join(space.as_str()).join("incidents")
    }

    /// Works on the incident `id` that `alert` opened, showing every step to `observer`.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing is done that is not written.
    pub async fn resolve(
        &self,
        id: &str,
        alert: Alert,
        observer: Arc<dyn Observer>,
    ) -> Result<Closed, ResolveError> {
        let folder = self.incidents(&alert.space);
        self.disk
            .create_dir_all(&folder)
            .map_err(|source| ResolveError::Folder { path: folder.display().to_string(), source })?;
        let path = folder.join(format!("{id}.journal"));
        let mut log = Log::new(Journal::open(&*self.disk, Arc::clone(&self.clock), &path)?, observer);
        log.append(Entry::Alert(alert.clone()))?;
        log.commit()?;
        let conclusion = self.diagnose(alert.clone(), &mut log).await?;
        let resolution = match &self.remedy {
            Some(remedy) => self.remedy(id, &alert, &conclusion, remedy, &mut log).await?,
            None => Resolution::nothing_done(),
        };
        log.append(Entry::Resolution(Box::new(resolution)))?;
        log.commit()?;
        let report = report::build(id, log.logged(), log.head());
        Ok(Closed { report, journal: log.path().to_owned() })
    }

    async fn diagnose(&self, alert: Alert, log: &mut Log) -> Result<Conclusion, ResolveError> {
        let mut diagnosis = Diagnosis::new(alert);
        let (conclusion, took) = drive(&mut diagnosis, &self.sources, log, &self.clock).await?;
        for hypothesis in &conclusion.hypotheses {
            log.append(Entry::Hypothesis(hypothesis.clone()))?;
        }
        log.append_timed(Entry::Conclusion(Box::new(conclusion.clone())), Some(took))?;
        log.commit()?;
        Ok(conclusion)
    }
}
