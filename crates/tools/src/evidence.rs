//! `evidence`: the facts behind the claims of a report, with their numbers and where to look at them again.

use std::collections::BTreeMap;

use incident::{Evidence, Report};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::number::Num;

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{near, report};

/// The tool.
#[derive(Debug)]
pub struct EvidenceOf;

/// Characters of a query that are shown.
const QUERY: usize = 300;
/// Facts at most.
const ROWS: usize = 40;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Its id; the newest when not given.
    #[serde(default)]
    incident: Option<String>,
    /// One fact, `ev_...`; else those that the root cause rests on come first.
    #[serde(default)]
    id: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    incident: Option<String>,
    total: usize,
    evidence: Vec<Row>,
}

/// One fact.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    id: String,
    statement: String,
    /// Whether the root cause rests on it.
    cited: bool,
    /// Figures, the unit in each name.
    numbers: BTreeMap<String, Num>,
    source: String,
    trace_id: Option<String>,
    /// As it was asked of the back end.
    query: Option<String>,
    link: Option<String>,
}

impl Row {
    fn of(fact: &Evidence, is_cited: bool) -> Self {
        let locator = fact.locators.first();
        Self {
            id: fact.id.0.clone(),
            statement: clip(&fact.statement, QUERY),
            cited: is_cited,
            numbers: fact.numbers.clone(),
            source: fact.source.0.clone(),
            trace_id: fact.trace.map(|trace| trace.to_string()),
            query: locator.map(|locator| clip(&locator.query, QUERY)),
            link: locator.map(|locator| locator.link.clone()),
        }
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let Some(incident) = &self.incident else { return "EVIDENCE: no incident yet".to_owned() };
        let rows = self.evidence.iter().map(|row| {
            let mark = if row.cited { "*" } else { "-" };
            let trace = row.trace_id.as_ref().map(|id| format!(" trace {id}")).unwrap_or_default();
            let query = row.query.as_ref().map(|query| format!("\n  asked: {query}")).unwrap_or_default();
            format!("\n{mark} {} {} [{}]{trace}{query}", row.id, row.statement, row.source)
        });
        let rows: String = rows.collect();
        format!(
            "EVIDENCE of {incident}: {} of {} (* carries the root cause){rows}",
            self.evidence.len(),
            self.total
        )
    }

    /// Queries first, then facts from the end: those that the cause does not rest on.
    fn shorten(&mut self) -> bool {
        let asked = self.evidence.iter_mut().rev().find(|row| row.query.is_some() && !row.cited);
        if let Some(row) = asked {
            (row.query, row.link) = (None, None);
            return true;
        }
        self.evidence.len() > 1 && self.evidence.pop().is_some()
    }
}

fn rows(report: &Report) -> Vec<Row> {
    let cause = report.root_cause.as_ref();
    let is_cited = |fact: &Evidence| cause.is_some_and(|cause| cause.evidence.contains(&fact.id));
    let (cited, others): (Vec<&Evidence>, Vec<&Evidence>) =
        report.diagnosis.evidence.iter().partition(|fact| is_cited(fact));
    cited
        .into_iter()
        .map(|fact| Row::of(fact, true))
        .chain(others.into_iter().map(|fact| Row::of(fact, false)))
        .collect()
}

impl Typed for EvidenceOf {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "evidence".to_owned(),
            description: "Show the facts of an incident with numbers, source and query, those of the root cause first.\n\
                          When to use: to check a claim; to quote figures; to repeat a query.\n\
                          When NOT to use: the explanation itself (`report`); one trace span by span (`trace`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let Some(incident) = report::named_or_newest(context, input.incident)? else {
            let next = vec![Hint::new("status", json!({}), "what looks wrong now")];
            return Ok(Found::whole(Answer { incident: None, total: 0, evidence: Vec::new() }, next));
        };
        let report = context.installation.report(&incident)?;
        let mut evidence = rows(&report);
        if let Some(id) = &input.id {
            let known: Vec<String> = evidence.iter().map(|row| row.id.clone()).collect();
            evidence.retain(|row| row.id == *id);
            if evidence.is_empty() {
                return Err(ToolError::Input(near::unknown("fact", id, &known)));
            }
        }
        let total = evidence.len();
        let mut next = Vec::new();
        if let Some(trace) = evidence.iter().find_map(|row| row.trace_id.clone()) {
            next.push(Hint::new("trace", json!({ "trace_id": trace }), "a request that shows it"));
        }
        next.push(Hint::new("report", json!({ "incident": incident }), "what follows from it"));
        evidence.truncate(ROWS);
        let answer = Answer { incident: Some(incident), total, evidence };
        Ok(Found { answer, is_truncated: total > ROWS, next })
    }
}
