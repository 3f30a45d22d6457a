//! Calls between services as a graph, and what can be reached from one of them.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::answer::EdgeRow;
use telemetry::{Ask, Scope, Window};

use super::told::{self, Told};
use crate::services;
use crate::tool::Context;

/// Which way to walk.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    /// To whom is called.
    #[default]
    Downstream,
    /// To who calls.
    Upstream,
    /// Either way.
    Both,
}

/// The calls of a window. With a service, only its own: the fast path.
pub(crate) async fn calls(context: &Context, window: Window, of: Scope) -> Told<Vec<EdgeRow>> {
    told::ask::<Vec<EdgeRow>>(context, Ask::Edges { window, scope: of }, told::rows!(Edges)).await
}

/// The calls within `depth` steps of a service, each once, nearest first, with their distance.
pub(crate) fn reached<'a>(
    edges: &'a [EdgeRow],
    service: &str,
    direction: Direction,
    depth: usize,
) -> Vec<(usize, &'a EdgeRow)> {
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for way in [Direction::Downstream, Direction::Upstream] {
        if direction != way && direction != Direction::Both {
            continue;
        }
        let mut seen: BTreeSet<&str> = BTreeSet::from([service]);
        let mut frontier: BTreeSet<&str> = seen.clone();
        for step in 1..=depth {
            let mut next: BTreeSet<&str> = BTreeSet::new();
            for (place, edge) in edges.iter().enumerate() {
                let (from, to) = match way {
                    Direction::Upstream => (edge.callee.as_str(), edge.caller.as_str()),
                    _ => (edge.caller.as_str(), edge.callee.as_str()),
                };
                if frontier.contains(from) {
                    found.entry(place).and_modify(|held| *held = (*held).min(step)).or_insert(step);
                    next.insert(to);
                }
            }
            frontier = next.into_iter().filter(|name| seen.insert(name)).collect();
            if frontier.is_empty() {
                break;
            }
        }
    }
    let mut rows: Vec<(usize, &EdgeRow)> =
        found.into_iter().filter_map(|(place, step)| Some((step, edges.get(place)?))).collect();
    rows.sort_by(|one, other| {
        (one.0, &one.1.caller, &one.1.callee).cmp(&(other.0, &other.1.caller, &other.1.callee))
    });
    rows
}

/// The services that are known in a window, as the default dialect knows them.
pub(crate) async fn services(context: &Context, window: Window) -> Vec<String> {
    services::names(context, window).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(caller: &str, callee: &str) -> EdgeRow {
        EdgeRow {
            caller: caller.to_owned(),
            callee: callee.to_owned(),
            is_instrumented: true,
            count: 1,
            errors: 0,
            client_sum_ns: 0,
            server_sum_ns: 0,
            delay_p50_ns: 0,
            clock_offset_p50_ns: 0,
            blocks: Vec::new(),
            resends: 0,
            queue: None,
        }
    }

    fn walked(edges: &[EdgeRow], from: &str, direction: Direction, depth: usize) -> Vec<String> {
        let reached = reached(edges, from, direction, depth);
        reached.iter().map(|(step, edge)| format!("{step}:{}>{}", edge.caller, edge.callee)).collect()
    }

    // covers: EL-09
    #[test]
    fn a_diamond_and_a_circle_are_walked_both_ways_and_each_call_once() {
        let diamond = [edge("a", "b"), edge("a", "c"), edge("b", "d"), edge("c", "d"), edge("d", "e")];
        assert_eq!(walked(&diamond, "a", Direction::Downstream, 2), ["1:a>b", "1:a>c", "2:b>d", "2:c>d"]);
        assert_eq!(walked(&diamond, "d", Direction::Upstream, 2), ["1:b>d", "1:c>d", "2:a>b", "2:a>c"]);
        assert_eq!(walked(&diamond, "b", Direction::Both, 2), ["1:a>b", "1:b>d", "2:d>e"]);
        let circle = [edge("a", "b"), edge("b", "c"), edge("c", "a")];
        assert_eq!(walked(&circle, "a", Direction::Downstream, 2), ["1:a>b", "2:b>c"]);
        assert_eq!(walked(&circle, "a", Direction::Both, 2), ["1:a>b", "1:c>a", "2:b>c"]);
        assert_eq!(walked(&circle, "a", Direction::Both, 10).len(), 3);
    }
}
