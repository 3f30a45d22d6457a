//! The journals: damaged ones, and incidents that are open. It looks as `serve` does when it starts.

use orchestrator::{Resolver, Sources};

use super::Finding;
use super::network::Running;
use crate::config::Settings;
use crate::wiring::Doors;

/// So many damaged journals are named.
const NAMED_MAX: usize = 20;

/// Reads every journal.
pub(super) fn check(settings: &Settings, doors: &Doors, running: Option<&Running>) -> Vec<Finding> {
    let resolver = Resolver {
        sources: Sources::new(Vec::new()),
        clock: std::sync::Arc::clone(&doors.clock),
        disk: std::sync::Arc::clone(&doors.disk),
        data_dir: settings.data_dir.clone(),
        remedy: None,
    };
    let found = match resolver.open_incidents() {
        Ok(found) => found,
        Err(error) => {
            let error = anyhow::Error::new(error);
            return vec![Finding::failed(
                "journals",
                &error,
                "give this user the right to read the data directory",
            )];
        }
    };
    let mut findings: Vec<_> = found
        .damaged
        .iter()
        .take(NAMED_MAX)
        .map(|damaged| {
            let mut causes = vec![damaged.why.to_string()];
            let mut source = std::error::Error::source(&damaged.why);
            while let Some(cause) = source {
                causes.push(cause.to_string());
                source = cause.source();
            }
            let says = format!("`{}` is damaged: {}", damaged.journal.display(), causes.join(": "));
            Finding::problem(
                "journals",
                says,
                "`serve` leaves it alone: restore it from a copy, or move it away",
            )
        })
        .collect();
    let more = found.damaged.len().saturating_sub(NAMED_MAX);
    if more > 0 {
        findings.push(Finding::problem(
            "journals",
            format!("{more} more are damaged"),
            "mend those above first",
        ));
    }
    let open = found.open.len();
    findings.push(match (open, running.is_some()) {
        (0, _) => Finding::ok("journals", "no incident is open"),
        (1, true) => Finding::ok("journals", "1 incident is open, and Firstcause is running"),
        (_, true) => Finding::ok("journals", format!("{open} incidents are open, and Firstcause is running")),
        (_, false) => Finding::warning(
            "journals",
            if open == 1 {
                "1 incident was cut off".to_owned()
            } else {
                format!("{open} incidents were cut off")
            },
            "`firstcause serve` takes them up where they ended",
        ),
    });
    findings
}
