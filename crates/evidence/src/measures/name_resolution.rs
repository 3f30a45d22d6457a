//! State: workloads that are well and cannot find or reach whom they call.
//!
//! A name that does not resolve fails every call at once, while the process itself is well: probes of the kubelet go to
//! the pod's own address and see nothing of it (Kubernetes, "DNS for Services and Pods", "Debugging DNS Resolution").
//! Read in error lines, of which there must be two: one may be a single lost packet. The name is what the line tells.

use std::collections::BTreeMap;

use incident::Fault;
use telemetry::answer::LogTemplateRow;

use super::Measure;
use crate::state::{Reading, Scene, SeenIn, Trouble, wording};

/// This measure.
pub const MEASURE: Measure = Measure {
    name: "name_resolution",
    finds: "names that do not resolve and parties that are not reached, by what those who call them log",
    questions: &["log_templates"],
};

/// Warnings and worse (OpenTelemetry, logs data model).
const WARN: u8 = 13;
/// Lines that must say so.
const LINES_MIN: u64 = 2;

/// Reads the error lines.
#[must_use]
pub fn read(scene: &Scene<'_>) -> Reading {
    let mut groups: BTreeMap<(&str, Fault, &str), Vec<&LogTemplateRow>> = BTreeMap::new();
    for row in scene.logs.iter().filter(|row| row.severity >= WARN) {
        let fault = if wording::says(&row.example, &wording::NO_ADDRESS) {
            Fault::NameResolution
        } else if wording::says(&row.example, &wording::NO_ANSWER) {
            Fault::SlowDependency
        } else {
            continue;
        };
        let host = wording::host(&row.example).unwrap_or_default();
        groups.entry((&row.service, fault, host)).or_default().push(row);
    }
    let enough = groups.into_iter().filter(|(_, rows)| lines(rows) >= LINES_MIN);
    Reading { troubles: enough.map(|(key, rows)| trouble(key, &rows)).collect(), ..Reading::default() }
}

fn lines(rows: &[&LogTemplateRow]) -> u64 {
    rows.iter().map(|row| row.count).sum()
}

fn trouble((service, fault, host): (&str, Fault, &str), rows: &[&LogTemplateRow]) -> Trouble {
    let example = rows.first().map_or("", |row| row.example.as_str());
    let whom = if host.is_empty() { "whom it calls" } else { host };
    let what = match fault {
        Fault::NameResolution => "cannot resolve the name of (DNS)",
        _ => "does not reach",
    };
    let says =
        format!("`{service}` {what} `{whom}`: {} lines like \"{}\"", lines(rows), wording::short(example));
    let mut found = Trouble::new(fault, service, says, SeenIn::Logs);
    found.resource = host.to_owned();
    found.since = rows.iter().map(|row| row.first).min();
    found.numbers = vec![("lines", lines(rows) as f64)];
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::planted::{World, faults};

    #[test]
    fn a_name_that_does_not_resolve_is_told_from_a_party_that_is_not_reached() {
        let of = |text: &str, severity, count| World::default().log("a", severity, text, count).read(read);
        let name = of("dial tcp: lookup db.example on 10.0.0.10:53: no such host", 17, 2);
        assert_eq!(faults(&name), ["name_resolution"]);
        assert_eq!(name.troubles[0].resource, "db.example");
        assert_eq!(faults(&of("connect to db.example:5432: connection refused", 17, 3)), ["slow_dependency"]);
        assert!(of("lookup db.example: no such host", 17, 1).troubles.is_empty(), "one line is an accident");
        assert!(of("lookup db.example: no such host", 9, 5).troubles.is_empty(), "nobody minds");
        assert!(of("it broke", 17, 9).troubles.is_empty());
    }
}
