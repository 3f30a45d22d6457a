//! One incident from alert to closing record: diagnose, propose, ask, act on one instance first, measure, go on or
//! take back.
//!
//! The stages are DETECT, INVESTIGATE, CORRELATE, SYNTHESIZE (the diagnosis), FIX, APPLY and VERIFY. A failure ends
//! the stage it happens in and keeps what was found before. Nothing is done before it is durable (I7). An incident
//! that was cut off goes the same way again ([`resume`]).

mod act;
mod patience;
pub mod resume;

use std::path::PathBuf;
use std::sync::Arc;

use incident::{Alert, Conclusion, Report, Resolution};
use investigation::Diagnosis;
use journal::Journal;
use platform::clock::Clock;
use platform::disk::Disk;
use remediation::channels::ApprovalChannel;
use remediation::{Executor, Inventory};
use telemetry::Space;

use crate::drive::{DriveError, drive};
use crate::entry::Entry;
use crate::log::{Log, LogError, Observer};
use crate::replay::ReplayError;
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
    /// The journal cannot be written, or holds something else than what was computed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A machine was not driven to its end.
    #[error("failed to drive a machine to its outcome")]
    Drive(#[from] DriveError),
    /// A record of an open journal is not understood.
    #[error("failed to read the open journal")]
    Read(#[from] ReplayError),
    /// The alert did not become durable.
    #[error("the process ended before the alert was durable; hint: if it persists, it is raised again")]
    NoAlert,
    /// It was being acted on, and now nothing may be done. Its journal is left open.
    #[error(
        "the incident was being acted on, and this process was started without the means to; it stays open; hint: \
         start with the inventory, the policy and the actuator, and it is taken up"
    )]
    NoRemedy,
    /// The process ended again and again.
    #[error("the process ended {0} times while it worked on this incident; hint: look at its last lines")]
    TooOften(usize),
    /// What was begun may or may not have been done.
    #[error("it is not known whether `{instance}` was restarted: {why}; hint: by hand, {by_hand}")]
    Unknown {
        /// The instance.
        instance: String,
        /// What the actuator says.
        why: String,
        /// What to look at.
        by_hand: String,
    },
}

impl ResolveError {
    /// Whether it is the journal that failed.
    fn is_journal(&self) -> bool {
        matches!(self, Self::Log(LogError::Journal(_)) | Self::Drive(DriveError::Log(LogError::Journal(_))))
    }
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
        let journal =
            Journal::create(&*self.disk, Arc::clone(&self.clock), &path).map_err(LogError::Journal)?;
        let mut log = Log::new(journal, observer);
        let walked = self.walk(id, alert, &mut log).await;
        self.close(id, walked, &mut log)
    }

    /// From the alert to the closing record. A resumed incident goes the same way: what was recorded is compared or
    /// fed, and what comes after it is done.
    async fn walk(&self, id: &str, alert: Alert, log: &mut Log) -> Result<Resolution, ResolveError> {
        log.append(Entry::Alert(alert.clone()))?;
        log.commit()?;
        let conclusion = self.diagnose(alert.clone(), log).await?;
        match &self.remedy {
            Some(remedy) => {
                let work = act::Work::new(id, &alert, &conclusion, remedy);
                self.remedy(work, log).await
            }
            None => Ok(Resolution::nothing_done()),
        }
    }

    /// Writes the closing record. What failed is closed, too, with what was found before.
    fn close(
        &self,
        id: &str,
        walked: Result<Resolution, ResolveError>,
        log: &mut Log,
    ) -> Result<Closed, ResolveError> {
        let resolution = match walked {
            Ok(resolution) if !log.is_catching_up() => resolution,
            Ok(_) => resume::failed(&ResolveError::from(log.diverged("resolution")), log)?,
            // The journal takes no more records, so this cannot be recorded either.
            Err(error) if error.is_journal() => return Err(error),
            Err(error) => resume::failed(&error, log)?,
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
