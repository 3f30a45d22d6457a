//! What was injected, and where inside the service it shows.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::super::Incident;
use super::service;
use crate::files::{self, FileError};
use crate::label::Label;

#[derive(Debug, Deserialize)]
struct Fault {
    inject_time: String,
    inject_pod: String,
    inject_type: String,
}

/// Service, then kind of fault, then the metric or the code region.
type Inner = BTreeMap<String, BTreeMap<String, String>>;

pub(super) fn read(root: &Path) -> Result<Vec<Incident>, FileError> {
    let construct = root.join("construct_data");
    let mut inner = Inner::new();
    for name in files::list(&construct)?.iter().filter(|name| name.starts_with("root_cause_")) {
        inner.extend(files::read_json::<Inner>(&construct.join(name))?);
    }
    let mut incidents = Vec::new();
    let days = root.join("rca_data");
    for day in files::list(&days)? {
        let path = days.join(&day).join(format!("{day}-fault_list.json"));
        if !path.is_file() {
            continue;
        }
        let hours: BTreeMap<String, Vec<Fault>> = files::read_json(&path)?;
        incidents.extend(hours.into_values().flatten().map(|fault| incident(&day, fault, &inner)));
    }
    Ok(incidents)
}

fn incident(day: &str, fault: Fault, inner: &Inner) -> Incident {
    let root = service(&fault.inject_pod).to_owned();
    let named = inner.get(&root).and_then(|kinds| kinds.get(&fault.inject_type));
    let label = Label {
        system: format!("nezha {day}"),
        origin: fault.inject_time.clone(),
        // A code region is named by its two statements, `A_B`; the engine writes the way from one to the other.
        inner: named.map(|named| named.replacen('_', " -> ", 1)).into_iter().collect(),
        roots: vec![root],
        fault: fault.inject_type,
        ..Label::default()
    };
    Incident { key: fault.inject_time, label }
}
