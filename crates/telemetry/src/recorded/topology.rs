//! Answers `topology`: who calls whom, where the data say so without traces.

use std::collections::BTreeSet;

use crate::answer::{CallRow, TopologyTable};

use super::tables::Tables;

pub(super) fn table(tables: &Tables) -> TopologyTable {
    let mut calls: Vec<CallRow> = tables
        .calls
        .iter()
        .map(|call| CallRow { caller: call.caller.clone(), callee: call.callee.clone() })
        .collect();
    calls.sort();
    calls.dedup();
    let mut services: BTreeSet<&str> = calls.iter().flat_map(|call| [&*call.caller, &*call.callee]).collect();
    services.extend(tables.series.iter().map(|series| series.key.service.as_str()));
    TopologyTable { services: services.into_iter().map(str::to_owned).collect(), calls }
}
