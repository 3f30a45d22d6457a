//! The verdict beside the truth: what the engine said, and whether it is right.
//! It deliberately reads the engine's public report and nothing else of the engine.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::director::Truth;

/// What the engine said, and how right it is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Outcome {
    /// The engine's own headline.
    pub headline: String,
    /// Whether every cause was named by its component and none was made up.
    pub is_right: bool,
    /// The causes that were named.
    pub found: Vec<String>,
    /// The causes that were not.
    pub missed: Vec<String>,
    /// The components that the engine blamed.
    pub blamed: Vec<String>,
    /// The verdict on the fix, if one was tried.
    pub fix: Option<String>,
    /// Seconds from the first faulty instance to the engine's alarm.
    pub onset_to_alarm_s: Option<f64>,
    /// Seconds from the first faulty instance to the engine's last word.
    pub onset_to_verdict_s: Option<f64>,
}

/// Compares a report with the truth; without a report the engine said nothing.
pub(super) fn judge(report: Option<&Value>, truth: &Truth) -> Outcome {
    let Some(report) = report else {
        return Outcome {
            headline: "the engine raised no incident".to_owned(),
            is_right: truth.causes.is_empty(),
            missed: truth.causes.iter().map(|cause| cause.name.clone()).collect(),
            ..Outcome::default()
        };
    };
    let causes = blamed(report);
    let is_named = |names: &[String], named: &[&str]| names.iter().any(|name| named.contains(&name.as_str()));
    let (mut found, mut missed) = (Vec::new(), Vec::new());
    for cause in &truth.causes {
        let names: Vec<_> = std::iter::once(cause.name.clone()).chain(cause.also.iter().cloned()).collect();
        let is_found = causes.iter().any(|blamed| is_named(&names, &[blamed.service, blamed.resource]));
        if is_found { found.push(cause.name.clone()) } else { missed.push(cause.name.clone()) }
    }
    let after_onset = |field: &str| {
        let at = report.get(field).and_then(Value::as_i64)?;
        Some((at - truth.onset_unix_nanos()?) as f64 / 1e9)
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Outcome {
        headline: report.get("headline").and_then(text).unwrap_or_default(),
        is_right: missed.is_empty() && causes.len() <= truth.causes.len(),
        found,
        missed,
        blamed: causes.iter().map(|cause| format!("{} in {}", cause.fault, cause.service)).collect(),
        fix: report.pointer("/verification/verdict").and_then(text),
        onset_to_alarm_s: after_onset("opened_at"),
        onset_to_verdict_s: after_onset("closed_at"),
    }
}

struct Blamed<'a> {
    service: &'a str,
    resource: &'a str,
    fault: &'a str,
}

/// The root cause and, where the report has them, further ones.
fn blamed(report: &Value) -> Vec<Blamed<'_>> {
    let further = report.pointer("/diagnosis/further_causes").and_then(Value::as_array);
    let first = report.get("root_cause").filter(|cause| cause.is_object());
    first
        .into_iter()
        .chain(further.into_iter().flatten())
        .map(|cause| {
            let text = |field: &str| cause.get(field).and_then(Value::as_str).unwrap_or_default();
            Blamed { service: text("service"), resource: text("resource"), fault: text("fault") }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fault::Fault;

    fn truth(fault: Fault) -> Truth {
        let mut truth = Truth::new(fault, 1.0, 1, &fault.script(1.0).unwrap());
        for cause in &mut truth.causes {
            cause.onset_unix_nanos = Some(1_000_000_000);
        }
        truth
    }

    #[test]
    fn the_right_service_is_right_and_another_is_wrong() {
        let report = |service: &str| {
            json!({ "headline": "h", "opened_at": 3_000_000_000_i64, "closed_at": 9_000_000_000_i64,
                    "root_cause": { "service": service, "resource": "", "fault": "slow_query" } })
        };
        let right = judge(Some(&report("orders")), &truth(Fault::SlowQuery));
        assert!(right.is_right && right.missed.is_empty());
        assert_eq!((right.onset_to_alarm_s, right.onset_to_verdict_s), (Some(2.0), Some(8.0)));
        let wrong = judge(Some(&report("stock")), &truth(Fault::SlowQuery));
        assert!(!wrong.is_right && wrong.missed == ["orders"]);
        assert!(judge(Some(&report("receipts")), &truth(Fault::PoisonMessage)).is_right);
        assert!(!judge(Some(&report("orders")), &truth(Fault::None)).is_right);
    }

    #[test]
    fn silence_is_right_when_nothing_is_wrong_only() {
        assert!(judge(None, &truth(Fault::TrafficSurge)).is_right);
        assert!(!judge(None, &truth(Fault::SlowQuery)).is_right);
        let unsure = json!({ "headline": "insufficient", "root_cause": null });
        assert!(!judge(Some(&unsure), &truth(Fault::SlowQuery)).is_right);
    }
}
