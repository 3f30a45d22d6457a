//! What a question in plain words is about: which tool, which service, which incident.
//!
//! A fixed table of words; the first row of which a word stands in the question decides. Guesses nothing else.

use serde_json::{Value, json};

use super::arguments;

/// What is spoken of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subject {
    /// The service.
    pub service: Option<String>,
    /// The incident.
    pub incident: Option<String>,
}

impl Subject {
    /// Takes up what an answer names.
    pub(super) fn learn(&mut self, structured: &Value) {
        let text = |name: &str| structured.get(name).and_then(Value::as_str).map(str::to_owned);
        self.service = text("service").or(self.service.take());
        self.incident = text("incident").or(self.incident.take());
    }
}

/// A call to make.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Which tool.
    pub tool: String,
    /// With which arguments.
    pub arguments: Value,
    /// Why, in a sentence.
    pub why: String,
}

/// A question as it was understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Understood {
    /// What to call first.
    pub call: Call,
    /// What it is about.
    pub subject: Subject,
    /// Whether hints are to be followed until a cause is told.
    pub wants_cause: bool,
    /// What was not understood, to be said with the answer.
    pub doubt: Option<String>,
}

/// What a question can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topic {
    Action,
    Evidence,
    Changes,
    Logs,
    Trace,
    Compare,
    Incidents,
    Cause,
    Status,
}

/// The words of each topic, in the order in which they decide.
const WORDS: &[(Topic, &[&str])] = &[
    (
        Topic::Action,
        &[
            "fix",
            "action",
            "actions",
            "remediate",
            "remediation",
            "mitigate",
            "mitigation",
            "propose",
            "do about",
        ],
    ),
    (Topic::Evidence, &["evidence", "proof", "prove", "figures", "numbers", "how do you know"]),
    (
        Topic::Changes,
        &[
            "change",
            "changes",
            "changed",
            "deploy",
            "deploys",
            "deployed",
            "deployment",
            "deployments",
            "release",
            "commit",
            "commits",
            "rollout",
            "flag",
            "flags",
        ],
    ),
    (Topic::Logs, &["log", "logs", "line", "lines", "exception", "exceptions"]),
    (Topic::Trace, &["trace", "traces", "span", "spans", "slowest request", "worst request"]),
    (Topic::Compare, &["compare", "common", "differ", "difference", "differences", "hit", "customers"]),
    (Topic::Incidents, &["incidents", "history", "happened", "past", "earlier"]),
    (
        Topic::Cause,
        &[
            "why",
            "cause",
            "caused",
            "broke",
            "broken",
            "explain",
            "investigate",
            "slow",
            "failing",
            "fails",
            "down",
            "reason",
            "incident",
        ],
    ),
    (
        Topic::Status,
        &[
            "status",
            "health",
            "healthy",
            "issues",
            "problem",
            "problems",
            "experiencing",
            "wrong",
            "services",
            "ok",
            "fine",
            "how",
        ],
    ),
];

/// What `input` means in a system of these services, after `before` was spoken of.
#[must_use]
pub fn of(input: &str, known: &[String], before: &Subject) -> Understood {
    let text = format!(" {} ", plain(input));
    let topic = WORDS.iter().find(|(_, words)| words.iter().any(|word| text.contains(&format!(" {word} "))));
    let topic = topic.map(|(topic, _)| *topic);
    let named = standing(&text, known).cloned();
    let incident = input
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .find(|word| word.starts_with("inc_"));
    let subject = Subject {
        service: named.clone().or_else(|| before.service.clone()),
        incident: incident.map(str::to_owned).or_else(|| before.incident.clone()),
    };
    let trace = input.split(|c: char| !c.is_ascii_alphanumeric()).find(|word| is_trace_id(word));
    let call = match (trace, topic) {
        (Some(id), _) => call("trace", json!({ "trace_id": id }), "a trace is named"),
        (None, topic) => {
            call_of(topic.unwrap_or(Topic::Status), &subject, named.is_some(), incident.is_some())
        }
    };
    Understood {
        call,
        subject,
        wants_cause: topic == Some(Topic::Cause),
        doubt: topic
            .is_none()
            .then(|| "The question was not understood; this is how the system is.".to_owned()),
    }
}

fn call(tool: &str, arguments: Value, why: &str) -> Call {
    Call { tool: tool.to_owned(), arguments, why: why.to_owned() }
}

fn call_of(topic: Topic, subject: &Subject, has_named_service: bool, has_named_incident: bool) -> Call {
    let service = || arguments([("service", subject.service.as_ref()), ("", None)]);
    let incident = || arguments([("incident", subject.incident.as_ref()), ("", None)]);
    match topic {
        Topic::Action => call("propose_action", incident(), "what may be done is asked"),
        Topic::Evidence => call("evidence", incident(), "the facts behind a claim are asked"),
        Topic::Changes => call("changes", service(), "what changed is asked"),
        Topic::Logs => call("logs", service(), "log lines are asked"),
        Topic::Trace => call("trace", service(), "a request is asked"),
        Topic::Compare => call("compare", service(), "what bad requests share is asked"),
        Topic::Incidents => call("incidents", json!({}), "what happened is asked"),
        Topic::Cause if has_named_incident => call("report", incident(), "why is asked of an incident"),
        Topic::Cause if has_named_service => call("investigate", service(), "why is asked of a service"),
        Topic::Cause => match &subject.incident {
            Some(_) => call("report", incident(), "why is asked of the incident spoken of"),
            None => {
                call("status", json!({}), "why is asked and no name is given: what looks worst comes first")
            }
        },
        Topic::Status if has_named_service => call("status", service(), "how a service is is asked"),
        Topic::Status => call("status", json!({}), "how the system is is asked"),
    }
}

/// The longest of the `known` names that stands in a text as a word.
pub(crate) fn named<'a>(text: &str, known: &'a [String]) -> Option<&'a String> {
    standing(&format!(" {} ", plain(text)), known)
}

fn standing<'a>(text: &str, known: &'a [String]) -> Option<&'a String> {
    let stands = |name: &&String| text.contains(&format!(" {} ", plain(name)));
    known.iter().filter(stands).max_by_key(|name| name.len())
}

/// Lower-case words with one blank between them; `-`, `_`, `.` and `/` stay within a word.
fn plain(text: &str) -> String {
    let kept = |c: char| if c.is_alphanumeric() || "-_./".contains(c) { c } else { ' ' };
    let words: String = text.to_lowercase().chars().map(kept).collect();
    let trimmed = words.split_whitespace().map(|word| word.trim_end_matches(['.', '-', '/']));
    trimmed.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn is_trace_id(word: &str) -> bool {
    word.len() == 32 && word.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool_of(input: &str, before: &Subject) -> (String, Value) {
        let known = ["orders", "order-history", "gateway"].map(str::to_owned);
        let understood = of(input, &known, before);
        (understood.call.tool, understood.call.arguments)
    }

    // covers: EL-55b
    #[test]
    fn plain_questions_choose_their_tool_and_their_names() {
        let none = Subject::default();
        for (input, tool, arguments) in [
            ("What services are experiencing issues?", "status", json!({})),
            ("Why is orders slow?", "investigate", json!({ "service": "orders" })),
            ("why is order-history failing", "investigate", json!({ "service": "order-history" })),
            ("What changed in gateway?", "changes", json!({ "service": "gateway" })),
            ("Explain inc_0190-ab", "report", json!({ "incident": "inc_0190-ab" })),
            ("Show me the logs of orders.", "logs", json!({ "service": "orders" })),
            ("What broke?", "status", json!({})),
            (
                "0123456789abcdef0123456789abcdef?",
                "trace",
                json!({ "trace_id": "0123456789abcdef0123456789abcdef" }),
            ),
        ] {
            assert_eq!(tool_of(input, &none), (tool.to_owned(), arguments), "{input}");
        }
    }

    #[test]
    fn what_was_spoken_of_is_meant_when_no_name_is_given() {
        let before = Subject { service: Some("orders".to_owned()), incident: Some("inc_1".to_owned()) };
        assert_eq!(tool_of("and what changed there?", &before).1, json!({ "service": "orders" }));
        assert_eq!(
            tool_of("how can I fix it?", &before),
            ("propose_action".to_owned(), json!({ "incident": "inc_1" }))
        );
        assert_eq!(tool_of("why?", &before).0, "report");
    }

    #[test]
    fn what_is_not_understood_is_said() {
        let understood = of("lorem ipsum", &[], &Subject::default());
        assert!(understood.doubt.is_some() && understood.call.tool == "status");
    }
}
