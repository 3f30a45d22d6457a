//! An alert that somebody else raised, read as the arguments of `investigate`: where it hurts, since when, which figure.
//!
//! Alerts come in as many forms as there are senders, so no form is asked for: names are those of services that are known here, wherever they stand, and labels that name a service
//! count before prose. What is not found is left out, and the tool then looks for what is worst. Nothing else is
//! understood of an alert, and nothing in it is an instruction.

use serde_json::{Map, Value, json};
use telemetry::UnixNanos;

use super::intent;
use crate::tool::Context;
use crate::{services, when};

/// Seconds by which trouble is taken to begin before its alert: rules wait before they fire, commonly minutes.
const LEAD: i64 = 300;
/// Seconds after an alert that are looked at; what lies later is another story.
const TAIL: i64 = 600;
/// Alerts older than this tell no window: the figures of then may be gone.
const OLDEST: i64 = 24 * 3600;
/// Texts of an alert that are looked at, and how deep they may lie.
const TEXTS_MAX: usize = 500;
const DEPTH_MAX: usize = 8;

/// Keys whose value names a service, the surest first.
const SERVICE_KEYS: [&str; 12] = [
    "service.name",
    "service_name",
    "service",
    "app.kubernetes.io/name",
    "app",
    "deployment",
    "workload",
    "pod",
    "container",
    "name",
    "subject_name",
    "job",
];
/// Keys whose value says when the alert fired.
const TIME_KEYS: [&str; 10] = [
    "startsat",
    "starts_at",
    "fired_at",
    "activeat",
    "triggered_at",
    "started_at",
    "created_at",
    "last_updated",
    "event_time",
    "timestamp",
];
/// Words that say which figure is wrong.
const FAILURES: [&str; 8] = ["error", "errors", "5xx", "500", "failing", "failure", "failures", "fails"];
const LATENCIES: [&str; 8] = ["latency", "slow", "duration", "p95", "p99", "apdex", "timeout", "timeouts"];

/// The arguments of `investigate` for `alert`, any JSON.
pub async fn arguments(context: &Context, alert: &Value) -> Value {
    let now = context.installation.now();
    read(alert, &services::lately(context).await, now)
}

fn read(alert: &Value, known: &[String], now: UnixNanos) -> Value {
    let mut said = Vec::new();
    gather("", alert, DEPTH_MAX, &mut said);
    let mut arguments = Map::new();
    if let Some(service) = service(&said, known) {
        arguments.insert("service".to_owned(), json!(service));
        arguments.extend(signal(&said).map(|signal| ("signal".to_owned(), json!(signal))));
    }
    if let Some(fired) = fired(&said, now) {
        arguments.insert("start".to_owned(), json!(fired.plus_seconds(-LEAD).rfc3339()));
        let end = fired.plus_seconds(TAIL);
        if end < now {
            arguments.insert("end".to_owned(), json!(end.rfc3339()));
        }
    }
    Value::Object(arguments)
}

/// The texts and numbers of an alert with the key that each stands under, in the order in which they stand.
fn gather(key: &str, value: &Value, depth: usize, said: &mut Vec<(String, String)>) {
    if depth == 0 || said.len() >= TEXTS_MAX {
        return;
    }
    match value {
        Value::String(text) => said.push((key.to_lowercase(), text.clone())),
        Value::Number(number) => said.push((key.to_lowercase(), number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| gather(key, item, depth - 1, said)),
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| gather(key, value, depth - 1, said));
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// A service that is known here: by a label, else by the longest name in the prose.
fn service<'a>(said: &[(String, String)], known: &'a [String]) -> Option<&'a String> {
    let labelled = SERVICE_KEYS.iter().find_map(|wanted| {
        let values = said.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
        values.filter_map(|value| meant(value, known)).next()
    });
    labelled
        .or_else(|| {
            // Tags in one text: `env:prod,service:orders`.
            let tags = said.iter().flat_map(|(_, value)| value.split([',', ' ']));
            tags.filter_map(|tag| tag.strip_prefix("service:")).find_map(|value| meant(value, known))
        })
        .or_else(|| said.iter().find_map(|(_, value)| intent::named(value, known)))
}

/// The service that a label's value means: itself, `namespace/name`, or the pod of its deployment.
fn meant<'a>(value: &str, known: &'a [String]) -> Option<&'a String> {
    let value = value.rsplit('/').next().unwrap_or(value);
    let is_its = |name: &&String| {
        let rest = value.strip_prefix(name.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    known.iter().filter(is_its).max_by_key(|name| name.len())
}

/// Which figure is wrong, where the words speak of one only.
fn signal(said: &[(String, String)]) -> Option<&'static str> {
    let mut found = [false, false];
    for (_, value) in said {
        let lower = value.to_lowercase();
        for word in lower.split(|c: char| !c.is_ascii_alphanumeric()) {
            found[0] |= FAILURES.contains(&word);
            found[1] |= LATENCIES.contains(&word);
        }
    }
    match found {
        [true, false] => Some("errors"),
        [false, true] => Some("latency"),
        _ => None,
    }
}

/// When the alert fired, where it says so and that is not long ago.
fn fired(said: &[(String, String)], now: UnixNanos) -> Option<UnixNanos> {
    let times = TIME_KEYS.iter().find_map(|wanted| {
        let mut values = said.iter().filter(|(key, _)| key == wanted).map(|(_, value)| value.as_str());
        values.find_map(|value| time(value, now))
    })?;
    let is_lately = times <= now && times >= now.plus_seconds(-OLDEST);
    is_lately.then_some(times)
}

/// A time as senders write it: RFC 3339, or seconds or milliseconds since 1970.
fn time(text: &str, now: UnixNanos) -> Option<UnixNanos> {
    if let Ok(number) = text.parse::<i64>() {
        // Seconds reach 1e11 in the year 5138, and milliseconds left it behind in 1973.
        let seconds = if number > 100_000_000_000 { number / 1000 } else { number };
        return Some(UnixNanos(0).plus_seconds(seconds)).filter(|_| number > 0);
    }
    // Date math of an alert is nobody's meaning.
    if !text.starts_with(|c: char| c.is_ascii_digit()) || text.contains("||") {
        return None;
    }
    when::parse(text, now).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-02T09:14:00Z.
    const NOW: UnixNanos = UnixNanos(1_772_442_840_000_000_000);

    fn of(alert: &Value) -> Value {
        let known = ["checkout", "orders", "orders-history", "pay"].map(str::to_owned);
        read(alert, &known, NOW)
    }

    #[test]
    fn alerts_of_several_forms_say_where_and_since_when() {
        let grouped = json!({ "status": "firing", "alerts": [{
            "labels": { "alertname": "HighErrorRate", "service": "orders", "severity": "critical" },
            "annotations": { "summary": "5xx above 5 % at checkout" },
            "startsAt": "2026-03-02T09:10:00Z", "endsAt": "0001-01-01T00:00:00Z" }] });
        let wanted = json!({ "service": "orders", "signal": "errors", "start": "2026-03-02T09:05:00.000Z" });
        assert_eq!(of(&grouped), wanted);
        let tagged = json!({ "title": "p95 latency is high", "tags": "env:prod,service:pay",
            "last_updated": 1_772_442_600_000_i64 });
        let wanted = json!({ "service": "pay", "signal": "latency", "start": "2026-03-02T09:05:00.000Z" });
        assert_eq!(of(&tagged), wanted);
        let told = json!({ "event": { "data": { "title": "checkout is slow and throws errors",
            "created_at": "2026-03-02T08:00:00Z" } } });
        let wanted = json!({ "service": "checkout", "start": "2026-03-02T07:55:00.000Z", "end": "2026-03-02T08:10:00.000Z" });
        assert_eq!(of(&told), wanted, "both figures are spoken of, so neither is meant alone");
    }

    #[test]
    fn a_pod_means_its_deployment_and_the_longest_name_is_meant() {
        let pod = |name: &str| of(&json!({ "subject": { "pod": name } }))["service"].clone();
        assert_eq!(pod("orders-76897854c-cw5wh"), "orders");
        assert_eq!(pod("orders-history-76897854c-cw5wh"), "orders-history");
        assert_eq!(pod("ordershop-1"), Value::Null);
        assert_eq!(of(&json!({ "job": "shop/pay" }))["service"], "pay");
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        assert_eq!(of(&json!({ "service": "nobody", "message": "it is slow" })), json!({}));
        assert_eq!(of(&json!("orders")), json!({ "service": "orders" }));
        for old in [json!("2025-03-02T09:10:00Z"), json!("2027-03-02T09:10:00Z"), json!("now-1h"), json!(-5)]
        {
            assert_eq!(of(&json!({ "startsAt": old })), json!({}), "{old}");
        }
        let mut deep = json!("orders");
        for _ in 0..2 * DEPTH_MAX {
            deep = json!([deep]);
        }
        assert_eq!(of(&deep), json!({}));
    }
}
