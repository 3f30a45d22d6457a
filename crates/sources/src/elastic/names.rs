//! What an operator may say about the indices: their names by role, and the form of the documents in them.
//!
//! A name stands in a path and is checked: letters, digits and what patterns are made of, nothing that ends a part of a path.

use crate::settings::Settings;

/// The indices that are read, each a list of patterns with commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) traces: String,
    pub(super) logs: String,
    pub(super) metrics: String,
    /// The one form of the documents; all where it is not told.
    pub(super) form: Option<Form>,
}

/// The form in which spans and lines were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// OpenTelemetry's own names, as Elastic's exporter writes them: `trace_id`, `duration` in nanoseconds.
    Otel,
    /// The Elastic Common Schema with Elastic APM's fields: `trace.id`, `transaction.duration.us`.
    Ecs,
    /// What Data Prepper and the collector's `opensearch` exporter write: `traceId`, `durationInNanos`, `startTime`.
    Prepper,
}

impl Form {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Otel, Self::Ecs, Self::Prepper];

    /// Its name in the settings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Otel => "otel",
            Self::Ecs => "ecs",
            Self::Prepper => "data_prepper",
        }
    }
}

/// Where nothing else is said: the data streams of Elastic and of the OpenTelemetry exporters.
const TRACES: &str = "traces-*,otel-v1-apm-span*,ss4o_traces-*";
const LOGS: &str = "logs-*,filebeat-*,otel-v1-logs*,ss4o_logs-*";
const METRICS: &str = "metrics-apm*";
const ROLES: [&str; 4] = ["logs", "metrics", "schema", "traces"];

impl Names {
    /// The names of `settings`, or those that the exporters choose.
    pub(super) fn of(settings: &Settings) -> Result<Self, String> {
        if let Some(other) = settings.tables.keys().find(|key| !ROLES.contains(&key.as_str())) {
            return Err(format!("no table `{other}` is known; hint: {}", ROLES.join(", ")));
        }
        let name = |role: &str, default: &str| {
            let name = settings.tables.get(role).map_or(default, String::as_str);
            if is_pattern(name) {
                return Ok(name.to_owned());
            }
            Err(format!(
                "`{name}` names no indices; hint: small letters, digits, `-`, `_`, `.` and `*`, with commas between patterns"
            ))
        };
        let form = settings.tables.get("schema").map(|wanted| {
            let known = Form::ALL.into_iter().find(|form| form.name() == wanted);
            known.ok_or_else(|| {
                let names = Form::ALL.map(Form::name).join(", ");
                format!("no schema is called `{wanted}`; hint: one of {names}, or none: it is seen in the documents")
            })
        });
        Ok(Self {
            traces: name("traces", TRACES)?,
            logs: name("logs", LOGS)?,
            metrics: name("metrics", METRICS)?,
            form: form.transpose()?,
        })
    }
}

/// Whether each part is a name, a pattern or one of another cluster (`cluster:name`). Names that begin with `_` are no
/// indices but parts of the interface.
fn is_pattern(names: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.*:".contains(c);
    names.split(',').all(|name| {
        let begins_well =
            name.chars().next().is_some_and(|first| !"_+.:".contains(first)) || name.starts_with(".ds-");
        begins_well && name.chars().all(is_plain) && !name.contains("..") && !name.contains("_search")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(role: &str, name: &str) -> Result<Names, String> {
        let tables = [(role.to_owned(), name.to_owned())].into();
        Names::of(&Settings { tables, ..Settings::default() })
    }

    // covers: C-08
    #[test]
    fn names_are_set_by_role_and_more_than_a_name_is_refused() {
        assert_eq!(named("traces", "traces-generic-default").unwrap().traces, "traces-generic-default");
        assert_eq!(named("traces", "traces-generic.otel-*,far:traces-*").unwrap().logs, LOGS);
        assert_eq!(named("schema", "ecs").unwrap().form, Some(Form::Ecs));
        for wrong in
            ["", "a b", "_all", "a/_doc", "a?x", "../a", "a,,b", "a%2f", "Traces", "a#", "-", "a,_cluster"]
        {
            let is_refused = named("traces", wrong).is_err();
            assert!(is_refused || wrong == "-", "{wrong}");
        }
        assert!(named("schema", "xml").unwrap_err().contains("hint: one of otel, ecs, data_prepper"));
        assert!(named("spans", "x").unwrap_err().contains("hint: logs, metrics"));
    }
}
