//! Whether a conclusion is grounded in the calls of the data: what is blamed is what was alarmed, or a way of calls leads
//! from the one to the other.
//!
//! Says nothing of alerts that name no service, of conclusions that blame nobody, and of data without calls. It looks for
//! a way in the whole recording; that the effect took it at the time, the evidence must show.

use std::collections::{BTreeMap, BTreeSet};

use incident::{ComponentKind, Conclusion, RootCause};
use telemetry::{Answerer, Ask, Cancel, Limits, Question, QuestionId, Scope, Space, Table, Window};

/// Calls that are looked at; what lies beyond is not known.
const ROWS_MAX: usize = 100_000;

/// The services that the alert of a conclusion names, and its cause.
pub(crate) fn ends_of(conclusion: &Conclusion) -> Option<(Vec<&str>, &RootCause)> {
    let alarmed = conclusion.symptoms.iter().map(|symptom| symptom.service.as_str());
    Some((alarmed.filter(|service| !service.is_empty()).collect(), conclusion.root_cause.as_ref()?))
}

/// Whether what is blamed can be reached from what was alarmed; nothing where that cannot be asked.
pub(crate) fn is_grounded(
    cause: &RootCause,
    alarmed: Vec<&str>,
    source: &dyn Answerer,
    space: &Space,
    window: Window,
) -> Option<bool> {
    let calls = calls(source, space, window);
    if alarmed.is_empty() || calls.is_empty() {
        return None;
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut open = alarmed;
    while let Some(name) = open.pop() {
        if seen.insert(name) {
            open.extend(calls.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    Some(ends(cause).iter().any(|end| seen.contains(end)))
}

/// What must be reached for a cause to be: of an edge its caller, else the component.
fn ends(cause: &RootCause) -> Vec<&str> {
    match (cause.component, cause.service.split_once(" -> ")) {
        (ComponentKind::Edge, Some((caller, _))) => vec![caller],
        _ => vec![cause.service.as_str()],
    }
}

/// Who calls whom, queues among them: by spans, by metrics, and by what the data say without either.
fn calls(source: &dyn Answerer, space: &Space, window: Window) -> BTreeMap<String, BTreeSet<String>> {
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let asks = [Ask::Edges { window, scope: Scope::all() }, Ask::Topology { window }];
    for (ask, number) in asks.into_iter().zip(1..) {
        let id = QuestionId::numbered(number);
        let question = Question { id, space: space.clone(), ask, not_before: window.to };
        let limits = Limits { rows_max: ROWS_MAX, ..Limits::default() };
        let Ok(answer) = source.answer(&question, &limits, &Cancel::default()) else { continue };
        let mut add = |from: &str, to: &str| calls.entry(from.to_owned()).or_default().insert(to.to_owned());
        match &answer.table {
            Table::Edges(rows) => {
                for row in rows {
                    add(&row.caller, &row.callee);
                    if let Some(queue) = &row.queue {
                        add(&row.caller, &queue.name);
                        add(&queue.name, &row.callee);
                    }
                }
            }
            Table::Topology(table) => {
                for call in &table.calls {
                    add(&call.caller, &call.callee);
                }
            }
            _ => {}
        }
    }
    calls
}

#[cfg(test)]
mod tests {
    use telemetry::UnixNanos;

    use super::*;
    use telemetry::recorded::TableSource;
    use telemetry::recorded::{Call, Tables};

    /// What is said when `blamed` is blamed for an alert on `alarmed`.
    fn grounded(blamed: &str, alarmed: &[&str], calls: &[(&str, &str)]) -> Option<bool> {
        let call = |(caller, callee): &(&str, &str)| Call {
            caller: (*caller).to_owned(),
            callee: (*callee).to_owned(),
        };
        let source =
            TableSource::new(Tables { calls: calls.iter().map(call).collect(), ..Tables::default() });
        let cause: RootCause = serde_json::from_value(serde_json::json!({
            "service": blamed, "instances": [], "operation": "", "span": "", "resource": "", "fault": "slow_work",
            "statement": "", "trigger": null, "evidence": [],
        }))
        .unwrap();
        let window = Window::new(UnixNanos(0), UnixNanos(1));
        is_grounded(&cause, alarmed.to_vec(), &source, &Space::default(), window)
    }

    #[test]
    fn who_is_reached_over_calls_is_grounded_and_who_calls_is_not() {
        let calls = [("front", "middle"), ("middle", "back"), ("other", "front")];
        assert_eq!(grounded("back", &["front"], &calls), Some(true));
        assert_eq!(grounded("front", &["front"], &calls), Some(true));
        assert_eq!(grounded("other", &["front"], &calls), Some(false));
        assert_eq!(grounded("nowhere", &["front"], &calls), Some(false));
    }

    #[test]
    fn without_a_name_or_without_calls_nothing_is_said() {
        assert_eq!(grounded("back", &[], &[("front", "back")]), None);
        assert_eq!(grounded("back", &["front"], &[]), None);
    }
}
