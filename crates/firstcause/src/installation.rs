//! What a running Firstcause lets its tools see and do: its sources, its journals, its engine, its inventory.
//!
//! Holds the inventory and no approval channel: it can tell what may be done and where a person decides, and nothing
//! here can decide (I5).

use std::sync::Arc;

use evidence::health::Declared;
use incident::{Alert, Report};
use orchestrator::{Observer, Resolver, Sources};
use platform::chance::OsChance;
use platform::uuid_v7;
use remediation::Inventory;
use remediation::channels::page::Mailbox;
use remediation::inventory::Fix;
use remediation::propose::{Proposal, propose};
use server::investigations::{Investigations, OpenError, Row};
use telemetry::answer::ChangeRow;
use telemetry::source::BoxFuture;
use telemetry::{Answered, Ask, Limits, Question, QuestionId, Space, UnixNanos};
use tokio::sync::Semaphore;
use tools::{
    Agents, AllowedAction, Definition, IncidentRow, Installation, InstallationError, Listed, Proposed,
};

use crate::terminal::Stream;
use crate::wiring::{Doors, write_file};
use crate::{kept_tools, recorded};

/// Rows of an answer: an hour of some twenty services by the second.
const ROWS_MAX: usize = 100_000;

/// Investigations that tools may have under way at a time; a further call is told to come again, because the watch's own
/// ones must not wait for an agent's.
const AT_A_TIME: usize = 2;

/// The installation of this process.
pub(crate) struct Running {
    resolver: Resolver,
    investigations: Investigations,
    inventory: Option<Inventory>,
    mailbox: Mailbox,
    page: Option<String>,
    permits: Semaphore,
    declared: Arc<Declared>,
    agents: Agents,
}

impl Running {
    /// What `resolver` asks and writes, read through `investigations`. Whatever the resolver may do about a cause, its
    /// tools only investigate: they get it without its remedy, and `inventory` to tell what could be done.
    pub(crate) fn new(resolver: &Resolver, investigations: Investigations) -> Self {
        let inventory = resolver.remedy.as_ref().map(|remedy| remedy.inventory.clone());
        // Onset rows come by the second: a minute of twenty services is many more than an answer holds by default.
        let limits = Limits { rows_max: ROWS_MAX, ..resolver.sources.limits() };
        let sources = resolver.sources.clone().within(limits);
        let resolver = Resolver { remedy: None, sources, ..resolver.clone() };
        Self {
            resolver,
            investigations,
            inventory,
            mailbox: Mailbox::default(),
            page: None,
            permits: Semaphore::new(AT_A_TIME),
            declared: Arc::default(),
            agents: Agents::default(),
        }
    }

    /// The same, where a person decides on a page: what is asked there is in `mailbox`, the page is below `address`.
    pub(crate) fn deciding_at(self, mailbox: Mailbox, address: String) -> Self {
        Self { mailbox, page: Some(address), ..self }
    }

    /// The same, where the operator declared something of the services.
    pub(crate) fn declaring(self, declared: Arc<Declared>) -> Self {
        Self { declared, ..self }
    }

    fn doors(&self) -> Doors {
        Doors { clock: Arc::clone(&self.resolver.clock), disk: Arc::clone(&self.resolver.disk) }
    }

    fn sources(&self) -> &Sources {
        &self.resolver.sources
    }

    async fn resolve(&self, alert: Alert) -> Result<Report, InstallationError> {
        let Ok(_permit) = self.permits.try_acquire() else {
            let text =
                format!("{AT_A_TIME} investigations are under way already; hint: ask again in a second");
            return Err(InstallationError::Failed(text));
        };
        let id = format!("inc_{}", uuid_v7(&*self.resolver.clock, &mut OsChance));
        let quiet: Arc<dyn Observer> = Arc::new(Stream::new(self.now()));
        let observer = self.investigations.feed().follow(&id, quiet);
        let closed = self.resolver.resolve(&id, alert, observer).await;
        let report = closed.map_err(|error| InstallationError::Failed(chain(error)))?.report;
        let page = self.resolver.incidents(&report.space).join(format!("{id}.html"));
        // The report stands in the journal; the page can be made again from it.
        drop(write_file(&*self.resolver.disk, &page, server::page::report(&report).as_bytes()));
        Ok(report)
    }

    fn refused(&self, error: OpenError) -> InstallationError {
        match error {
            OpenError::Unknown(asked) => {
                let newest = self.investigations.ids().unwrap_or_default();
                let known = newest.into_iter().take(3).map(|(_, id)| id).collect();
                InstallationError::UnknownIncident { asked, known }
            }
            other => InstallationError::Failed(other.to_string()),
        }
    }
}

fn chain(error: impl std::error::Error + Send + Sync + 'static) -> String {
    let error = anyhow::Error::new(error);
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Installation for Running {
    fn now(&self) -> UnixNanos {
        UnixNanos(self.resolver.clock.now_unix_nanos())
    }

    fn questions(&self) -> Vec<String> {
        self.sources().questions()
    }

    fn ask(&self, asks: Vec<Ask>) -> BoxFuture<'_, Vec<Answered>> {
        let question = |(place, ask): (usize, Ask)| Question {
            id: QuestionId::numbered(place + 1),
            space: Space::default(),
            ask,
            // What is there now is what is asked for: nobody waits for the second that has just begun.
            not_before: UnixNanos(0),
        };
        let questions: Vec<Question> = asks.into_iter().enumerate().map(question).collect();
        Box::pin(async move { self.sources().ask(&questions, &self.resolver.clock).await })
    }

    fn incidents(&self, limit: usize) -> Result<Listed, InstallationError> {
        // Journals lie on a disk, which is not waited for on a thread that serves others.
        tokio::task::block_in_place(|| {
            let ids = self.investigations.ids().map_err(|error| self.refused(error))?;
            let row = |(space, id): &(String, String)| row(self.investigations.row(space, id));
            Ok(Listed { rows: ids.iter().take(limit).map(row).collect(), total: ids.len() })
        })
    }

    fn report(&self, incident: &str) -> Result<Report, InstallationError> {
        let opened = tokio::task::block_in_place(|| self.investigations.open(incident));
        opened.map(|opened| opened.report).map_err(|error| self.refused(error))
    }

    fn investigate(&self, alert: Alert) -> BoxFuture<'_, Result<Report, InstallationError>> {
        Box::pin(self.resolve(alert))
    }

    fn propose(&self, incident: &str) -> Result<Proposed, InstallationError> {
        let report = self.report(incident)?;
        let decide_at = self.page.as_ref().map(|page| format!("{page}/investigations/{incident}"));
        if let Some(asked) = self.mailbox.asked(incident) {
            let state = "a person is asked to decide".to_owned();
            return Ok(Proposed { actions: vec![asked.action], state, decide_at });
        }
        if let Some(summary) = &report.verification {
            let state = format!("done and measured: {}", summary.verdict.name());
            return Ok(Proposed { actions: Vec::new(), state, decide_at: None });
        }
        let Some(inventory) = &self.inventory else {
            let state = "nothing can be acted on here; hint: `serve` takes `--inventory`, `--policy` and `--actuator`";
            return Ok(Proposed { actions: Vec::new(), state: state.to_owned(), decide_at: None });
        };
        Ok(match propose(&report.diagnosis, inventory) {
            Proposal::Act(actions) => {
                let state = "this is what the inventory holds; nobody is asked about it now".to_owned();
                Proposed { actions, state, decide_at: None }
            }
            Proposal::Nothing(why) => Proposed { actions: Vec::new(), state: why, decide_at: None },
        })
    }

    fn record(&self, change: &ChangeRow) -> Result<(), InstallationError> {
        tokio::task::block_in_place(|| recorded::record(&self.doors(), &self.resolver.data_dir, change))
            .map_err(|error| InstallationError::Failed(format!("{error:#}")))
    }

    fn keep_tool(&self, name: &str, definition: Option<&Definition>) -> Result<(), InstallationError> {
        let kept = || kept_tools::keep(&self.doors(), &self.resolver.data_dir, name, definition);
        tokio::task::block_in_place(kept).map_err(|error| InstallationError::Failed(format!("{error:#}")))
    }

    fn declared(&self) -> Arc<Declared> {
        Arc::clone(&self.declared)
    }

    fn actions(&self) -> Vec<AllowedAction> {
        let targets = self.inventory.iter().flat_map(|inventory| &inventory.targets);
        targets.flat_map(|target| target.fixes.iter().map(|fix| allowed(&target.service, fix))).collect()
    }

    fn agents(&self) -> Option<&Agents> {
        Some(&self.agents)
    }
}

/// An entry of the inventory. That it needs a person is what is told: the policy may say otherwise when it comes to it.
fn allowed(service: &str, fix: &Fix) -> AllowedAction {
    let variables: Vec<&str> = fix.set.keys().map(String::as_str).collect();
    let undo = if fix.reversible { "can be taken back" } else { "cannot be taken back" };
    AllowedAction {
        name: fix.profile.clone(),
        kind: "restart".to_owned(),
        service: service.to_owned(),
        operation: None,
        text: format!("Restart an instance with {} set; {undo}", variables.join(", ")),
        needs_approval: true,
    }
}

fn row(row: Row) -> IncidentRow {
    let opened_at = tools::when::parse(&row.opened_at, UnixNanos(0)).unwrap_or_default();
    IncidentRow {
        incident: row.investigation_id,
        status: row.status.name().to_owned(),
        headline: row.headline,
        symptom: row.symptom,
        conclusion: row.conclusion,
        service: row.service,
        verdict: row.verdict,
        opened_at,
    }
}
