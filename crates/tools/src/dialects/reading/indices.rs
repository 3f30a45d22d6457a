//! The indices of an installation: one of logs, one of traces, one of metrics, over whatever sources hold them.
//!
//! A pattern or a dated name (`logs-2026.03.25`, `traces-apm*`) means the one whose kind it begins with; what begins with
//! no kind is refused. Bytes are not known: nobody is asked for them.

use telemetry::answer::CoverageRow;
use telemetry::{Ask, Window};

use super::arguments::Index;
use super::told::{self, Told};
use crate::tool::{Context, ToolError};

/// The names, sorted.
pub(crate) const NAMES: [&str; 3] = ["logs", "metrics", "traces"];

/// Whether a pattern means an index.
pub(crate) fn means(pattern: &str, name: &str) -> bool {
    let pattern = pattern.trim();
    match pattern.split_once('*') {
        Some((start, _)) if start.len() <= name.len() => name.starts_with(start),
        _ => {
            pattern == name
                || pattern.strip_prefix(name).is_some_and(|rest| rest.starts_with(['-', '*', '.']))
        }
    }
}

/// The indices that are meant; all of them when none is named.
///
/// # Errors
/// When a pattern means none of them.
pub(crate) fn meant(index: &Option<Index>) -> Result<Vec<&'static str>, ToolError> {
    let Some(index) = index else { return Ok(NAMES.to_vec()) };
    let mut found = Vec::new();
    for pattern in index.0.split(',').filter(|pattern| !pattern.trim().is_empty()) {
        let these: Vec<&str> = NAMES.iter().copied().filter(|name| means(pattern, name)).collect();
        if these.is_empty() {
            let pattern: String = pattern.chars().take(80).collect();
            return Err(ToolError::Input(format!("no index `{pattern}`; there are {}", NAMES.join(", "))));
        }
        found.extend(these);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Refuses patterns that mean anything but `name`.
///
/// # Errors
/// When one does not mean it.
pub(crate) fn only(index: &Option<Index>, name: &str) -> Result<(), ToolError> {
    if meant(index)?.contains(&name) {
        return Ok(());
    }
    Err(ToolError::Input(format!("this tool reads the index `{name}`, which `index` does not name")))
}

/// What each service sent.
pub(crate) async fn coverage(context: &Context, window: Window) -> Told<Vec<CoverageRow>> {
    told::ask::<Vec<CoverageRow>>(context, Ask::Coverage { window }, told::rows!(Coverage)).await
}

/// How many documents of an index the services sent.
pub(crate) fn documents(rows: &[CoverageRow], name: &str) -> u64 {
    let of = |row: &CoverageRow| match name {
        "logs" => row.logs,
        "metrics" => row.points,
        _ => row.spans,
    };
    rows.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_the_index_of_its_kind_and_a_stranger_is_refused() {
        let named = |text: &str| meant(&Some(Index(text.to_owned())));
        assert_eq!(named("logs-*").unwrap(), ["logs"]);
        assert_eq!(named("logs-2026.03.25, traces-apm*").unwrap(), ["logs", "traces"]);
        assert_eq!(named("*").unwrap(), NAMES);
        assert_eq!(meant(&None).unwrap(), NAMES);
        assert!(named("filebeat-*").unwrap_err().to_string().contains("there are logs"));
        assert!(only(&Some(Index("traces*".to_owned())), "logs").is_err());
    }
}
