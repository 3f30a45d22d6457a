//! What an investigation told, in the parts that other systems' answers have: the problem, what was found, the
//! conclusion, what to do next.
//!
//! Each part is Markdown, made of the answers of `investigate` (or `report`) and `evidence` and of nothing else. What the
//! engine does not tell has no part: nothing is guessed to fill a shape.

use serde::Deserialize;
use serde_json::Value;
use tools::Reply;

/// Facts of the findings at most.
const FACTS_MAX: usize = 12;

/// An explained alert.
pub(super) struct Explained {
    /// What the alert was read as.
    pub(super) arguments: Value,
    /// The answer of `investigate` or `report`.
    pub(super) report: Reply,
    /// The answer of `evidence` about it.
    pub(super) evidence: Reply,
}

/// The parts of a report that are told here; see `tools::report::Answer`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) incident: Option<String>,
    pub(super) headline: String,
    /// `root_cause`, `no_cause` or `insufficient`.
    pub(super) conclusion: Option<String>,
    pub(super) statement: String,
    pub(super) service: Option<String>,
    fault: Option<String>,
    operation: Option<String>,
    resource: Option<String>,
    trigger: Option<String>,
    onset: Option<String>,
    pub(super) confidence: Option<f64>,
    done: Vec<String>,
    verdict: Option<String>,
    ruled_out: Vec<String>,
    pub(super) gaps: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Facts {
    evidence: Vec<Fact>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fact {
    id: String,
    statement: String,
    cited: bool,
    source: String,
    link: Option<String>,
}

impl Explained {
    pub(super) fn told(&self) -> Told {
        // The tool's own answer: what could not be read of it would be empty, and a test reads all of it.
        Told::deserialize(&self.report.structured).unwrap_or_default()
    }

    fn facts(&self) -> Vec<Fact> {
        Facts::deserialize(&self.evidence.structured).unwrap_or_default().evidence
    }

    /// Whether nothing is wrong.
    pub(super) fn is_nothing_wrong(&self) -> bool {
        self.told().conclusion.as_deref() == Some("no_cause")
    }

    /// What was wrong, and what was looked at.
    pub(super) fn problem(&self) -> String {
        let asked = self.arguments.as_object().into_iter().flatten();
        let looked: Vec<String> = asked.map(|(name, value)| format!("{name} {}", plain(value))).collect();
        let looked = if looked.is_empty() { "what looks worst".to_owned() } else { looked.join(", ") };
        format!("{}\n\nLooked at: {looked}.", self.told().headline)
    }

    /// The facts, those that the cause rests on first, and what they rule out; none where there are none.
    pub(super) fn findings(&self) -> Option<String> {
        let facts = self.facts().into_iter().take(FACTS_MAX).map(|fact| {
            let mark = if fact.cited { " **(the cause rests on it)**" } else { "" };
            format!("- {} [{}, {}]{mark}", fact.statement, fact.id, fact.source)
        });
        let ruled_out = self.told().ruled_out.into_iter().map(|why| format!("- Ruled out: {why}"));
        joined(facts.chain(ruled_out))
    }

    /// What it comes from, how sure that is, and what is not known.
    pub(super) fn conclusion(&self) -> String {
        let told = self.told();
        let mut lines = vec![told.statement.clone()];
        let named = [
            ("Service", &told.service),
            ("Fault", &told.fault),
            ("Operation", &told.operation),
            ("Resource", &told.resource),
            ("Trigger", &told.trigger),
            ("Since", &told.onset),
        ];
        let named = named.iter().filter_map(|(label, value)| Some((label, value.as_ref()?)));
        lines.extend(named.map(|(label, value)| format!("- {label}: {value}")));
        let confidence =
            told.confidence.map_or_else(|| "unmeasured".to_owned(), |share| format!("{share:.2}"));
        lines.push(format!("- Confidence: {confidence}"));
        lines.extend(told.gaps.iter().map(|gap| format!("- Not known: {gap}")));
        lines.join("\n")
    }

    /// What was done, and what to ask or do next.
    pub(super) fn next_steps(&self) -> Option<String> {
        let told = self.told();
        let done = told.done.into_iter().map(|what| format!("- Done: {what}"));
        let verdict = told.verdict.into_iter().map(|verdict| format!("- Measured effect: {verdict}"));
        let hints = self.report.next.iter().map(|hint| {
            let arguments = hint.arguments.as_object().into_iter().flatten();
            let words: String = arguments.map(|(name, value)| format!(" {name}={}", plain(value))).collect();
            format!("- `firstcause call {}{words}`: {}", hint.tool, hint.why)
        });
        joined(done.chain(verdict).chain(hints))
    }

    /// Where the facts can be looked at again.
    pub(super) fn links(&self) -> Option<String> {
        let mut links: Vec<String> = self.facts().into_iter().filter_map(|fact| fact.link).collect();
        links.retain(|link| link.starts_with("http"));
        links.sort();
        links.dedup();
        joined(links.into_iter().map(|link| format!("- <{link}>")))
    }

    /// The whole report in Markdown.
    pub(super) fn markdown(&self, title: &str) -> String {
        let told = self.told();
        let incident = told.incident.map(|id| format!("\n\nIncident `{id}`")).unwrap_or_default();
        let mut parts = vec![
            format!("# {title}{incident}"),
            format!("## Problem\n\n{}", self.problem()),
            format!("## Conclusion\n\n{}", self.conclusion()),
        ];
        let others =
            [("Evidence", self.findings()), ("Next steps", self.next_steps()), ("Links", self.links())];
        let others = others.into_iter().filter_map(|(title, text)| Some(format!("## {title}\n\n{}", text?)));
        parts.extend(others);
        parts.join("\n\n") + "\n"
    }
}

fn joined(lines: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<String> = lines.collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A value without the quotes of JSON.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
