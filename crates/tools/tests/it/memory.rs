//! An installation in memory, over recorded tables: a fake that stands beside the real one in `firstcause`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use incident::{Alert, ConclusionKind, Report};
use investigation::Diagnosis;
use orchestrator::Entry;
use orchestrator::log::Logged;
use serde_json::Value;
use telemetry::recorded::{TableSource, Tables};
use telemetry::source::BoxFuture;
use telemetry::{
    Answered, Answerer, Ask, AskError, Cancel, Inquiry, Limits, Next, Question, QuestionId, SourceName,
    Space, UnixNanos,
};
use tools::{
    Caller, Context, IncidentRow, Installation, InstallationError, Listed, Proposed, Reply, Role, Tool,
    ToolError,
};

/// A system that was recorded, asked at one moment.
pub(crate) struct Memory {
    source: TableSource,
    now: UnixNanos,
    rows_max: usize,
    incidents: Mutex<Vec<Report>>,
}

impl Memory {
    pub(crate) fn new(tables: Tables, now: UnixNanos) -> Self {
        Self { source: TableSource::new(tables), now, rows_max: 100_000, incidents: Mutex::default() }
    }

    /// With a source that gives at most so many rows.
    pub(crate) fn cut_at(self, rows_max: usize) -> Self {
        Self { rows_max, ..self }
    }

    /// With an incident of the past.
    pub(crate) fn remembering(self, report: Report) -> Self {
        self.incidents.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        self
    }

    /// Nothing was ever sent.
    pub(crate) fn empty() -> Self {
        Self::new(Tables::default(), UnixNanos(1_750_000_000_000_000_000))
    }

    /// The same, where this was investigated before.
    pub(crate) fn after(self, report: Report) -> Self {
        self.incidents.lock().unwrap_or_else(PoisonError::into_inner).push(report);
        self
    }

    /// As a caller of `role` sees it.
    pub(crate) fn context(self, role: Role) -> Context {
        Context { installation: Arc::new(self), caller: Caller::local(role) }
    }

    fn answer(&self, question: &Question) -> Answered {
        let limits = Limits { rows_max: self.rows_max, ..Limits::default() };
        let name = question.ask.name();
        let (source, result) = if self.source.can().answers(name) {
            ("tables", self.source.answer(question, &limits, &Cancel::default()))
        } else {
            ("none", Err(AskError::Unsupported(name.to_owned())))
        };
        Answered { question: question.id.clone(), source: SourceName(source.to_owned()), result }
    }

    fn diagnosed(&self, alert: &Alert) -> Report {
        let mut diagnosis = Diagnosis::new(alert.clone());
        let mut answers: Vec<Answered> = Vec::new();
        let conclusion = loop {
            match diagnosis.step(&answers).next {
                Next::Done(conclusion) => break conclusion,
                Next::Ask(questions) => {
                    answers = questions.iter().map(|question| self.answer(question)).collect()
                }
            }
        };
        let logged = |entry| Logged { at: self.now, took: Duration::ZERO, entry };
        let entries = [logged(Entry::Alert(alert.clone())), logged(Entry::Conclusion(Box::new(conclusion)))];
        let mut incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("inc_{:04}", incidents.len() + 1);
        let report = orchestrator::report::build(&id, &entries, "");
        incidents.insert(0, report.clone());
        report
    }
}

impl Installation for Memory {
    fn now(&self) -> UnixNanos {
        self.now
    }

    fn questions(&self) -> Vec<String> {
        self.source.can().questions
    }

    fn ask(&self, asks: Vec<Ask>) -> BoxFuture<'_, Vec<Answered>> {
        let question = |(place, ask): (usize, Ask)| Question {
            id: QuestionId::numbered(place + 1),
            space: Space::default(),
            ask,
            not_before: UnixNanos(0),
        };
        let answers: Vec<Answered> =
            asks.into_iter().enumerate().map(question).map(|question| self.answer(&question)).collect();
        Box::pin(std::future::ready(answers))
    }

    fn incidents(&self, limit: usize) -> Result<Listed, InstallationError> {
        let incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        let row = |report: &Report| IncidentRow {
            incident: report.incident.clone(),
            status: "closed".to_owned(),
            headline: report.headline.clone(),
            symptom: String::new(),
            conclusion: Some(report.conclusion),
            service: report.root_cause.as_ref().map(|cause| cause.service.clone()).unwrap_or_default(),
            verdict: None,
            opened_at: report.opened_at,
        };
        Ok(Listed { rows: incidents.iter().take(limit).map(row).collect(), total: incidents.len() })
    }

    fn report(&self, incident: &str) -> Result<Report, InstallationError> {
        let incidents = self.incidents.lock().unwrap_or_else(PoisonError::into_inner);
        let found = incidents.iter().find(|report| report.incident == incident);
        found.cloned().ok_or_else(|| InstallationError::UnknownIncident {
            asked: incident.to_owned(),
            known: incidents.iter().map(|report| report.incident.clone()).collect(),
        })
    }

    fn investigate(&self, alert: Alert) -> BoxFuture<'_, Result<Report, InstallationError>> {
        Box::pin(std::future::ready(Ok(self.diagnosed(&alert))))
    }

    fn propose(&self, incident: &str) -> Result<Proposed, InstallationError> {
        let report = self.report(incident)?;
        let state = match report.conclusion {
            ConclusionKind::RootCause => "the inventory holds nothing",
            _ => "there is no root cause to act on",
        };
        Ok(Proposed { actions: Vec::new(), state: state.to_owned(), decide_at: None })
    }
}

/// Calls the tool of this name of the dialect.
pub(crate) async fn call(
    context: &Context,
    dialect: &str,
    name: &str,
    arguments: Value,
) -> Result<Reply, ToolError> {
    let tools = tools_of(dialect);
    let tool = tools.iter().find(|tool| tool.about().name == name).expect("a tool of the dialect");
    tool.call(context, arguments).await
}

/// The tools of a dialect.
pub(crate) fn tools_of(dialect: &str) -> Vec<Arc<dyn Tool>> {
    (tools::dialects::named(dialect).expect("a dialect").tools)()
}
