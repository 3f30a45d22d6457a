//! Answers `edges` from what both sides of calls measured, where no spans say more: a mesh reports the latency of each
//! call at its source and at its destination.
//!
//! Such series carry `peer.service` and `side` (`client` or `server`). A block is one interval of export; its count is
//! one, because how many calls it stands for is not told, and its sum is the difference of both sides.

use std::collections::BTreeMap;

use crate::answer::{Block, EdgeRow};
use crate::time::SECOND_NS;
use crate::{Scope, UnixNanos, Window};

use super::tables::Series;

/// Two points of one interval: both sides export within half a minute.
const APART_NS: i64 = 30 * SECOND_NS;

/// Seconds of one unit of duration, for those that series of latency have.
fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "s" => 1.0,
        "ms" => 1e-3,
        "us" => 1e-6,
        "ns" => 1e-9,
        _ => return None,
    })
}

pub(super) fn rows(series: &[Series], window: Window, scope: &Scope) -> Vec<EdgeRow> {
    let mut sides: BTreeMap<(&str, &str), [Option<&Series>; 2]> = BTreeMap::new();
    for one in series {
        let side = match one.key.attributes.get("side").map(String::as_str) {
            Some("client") => 0,
            Some("server") => 1,
            _ => continue,
        };
        let Some(callee) = one.key.attributes.get("peer.service") else { continue };
        let both = sides.entry((&one.key.service, callee)).or_default();
        if let Some(place) = both.get_mut(side) {
            *place = Some(one);
        }
    }
    let is_asked = |(caller, callee): &(&str, &str)| {
        let operation = scope.operation.as_deref().unwrap_or_default();
        [caller, callee].iter().any(|service| scope.admits(service, operation, ""))
    };
    let row = |((caller, callee), both): ((&str, &str), [Option<&Series>; 2])| {
        let [Some(client), Some(server)] = both else { return None };
        Some(row((caller, callee), (client, server), window))
    };
    sides.into_iter().filter(|(names, _)| is_asked(names)).filter_map(row).flatten().collect()
}

fn row(
    (caller, callee): (&str, &str),
    (client, server): (&Series, &Series),
    window: Window,
) -> Option<EdgeRow> {
    let (client_ns, server_ns) = (seconds(&client.key.unit)? * 1e9, seconds(&server.key.unit)? * 1e9);
    let mut row = EdgeRow {
        caller: caller.to_owned(),
        callee: callee.to_owned(),
        is_instrumented: true,
        count: 0,
        errors: 0,
        client_sum_ns: 0,
        server_sum_ns: 0,
        delay_p50_ns: 0,
        clock_offset_p50_ns: 0,
        blocks: Vec::new(),
        resends: 0,
        queue: None,
    };
    for (at, value) in client.points.iter().filter(|(at, _)| window.contains(*at)) {
        let Some(other) = nearest(&server.points, *at) else { continue };
        let (client_ns, server_ns) = ((value * client_ns) as i64, (other * server_ns) as i64);
        row.count += 1;
        row.client_sum_ns += client_ns;
        row.server_sum_ns += server_ns;
        row.blocks.push(Block {
            second: at.floor_second(),
            count: 1,
            sum_ns: (client_ns - server_ns).max(0),
        });
    }
    let mut delays: Vec<i64> = row.blocks.iter().map(|block| block.sum_ns).collect();
    delays.sort_unstable();
    row.delay_p50_ns = crate::rows::exact_quantile(&delays, 0.5);
    Some(row).filter(|row| row.count > 0)
}

/// The value nearest in time, if it is of the same interval.
fn nearest(points: &[(UnixNanos, f64)], at: UnixNanos) -> Option<f64> {
    let place = points.partition_point(|(other, _)| *other < at);
    let around = points.get(place.saturating_sub(1)..points.len().min(place + 1))?;
    let best = around.iter().min_by_key(|(other, _)| other.since(at).abs())?;
    (best.0.since(at).abs() <= APART_NS).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use crate::answer::SeriesKind;

    use super::*;
    use crate::recorded::tables::SeriesKey;

    fn series(side: &str, offset: i64, values: &[f64]) -> Series {
        let attributes = [("peer.service", "b"), ("side", side)];
        let key = SeriesKey {
            service: "a".to_owned(),
            instance: String::new(),
            metric: "latency".to_owned(),
            unit: "ms".to_owned(),
            attributes: attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            kind: SeriesKind::Gauge,
        };
        let at = |place: usize| UnixNanos(0).plus_seconds(60 * place as i64 + offset);
        Series { key, points: values.iter().enumerate().map(|(place, value)| (at(place), *value)).collect() }
    }

    #[test]
    fn the_delay_of_an_interval_is_what_the_two_sides_differ_by() {
        let both = [series("client", 1, &[5.0, 300.0, 7.0]), series("server", 0, &[3.0, 3.0, 8.0])];
        let window = Window::new(UnixNanos(0), UnixNanos(0).plus_seconds(180));
        let rows = rows(&both, window, &Scope::all());
        let delays: Vec<i64> = rows[0].blocks.iter().map(|block| block.sum_ns / 1_000_000).collect();
        assert_eq!((rows[0].callee.as_str(), delays), ("b", vec![2, 297, 0]));
        assert!(super::rows(&both, window, &Scope::service("c")).is_empty());
        assert!(super::rows(&both[..1], window, &Scope::all()).is_empty(), "one side alone says nothing");
    }
}
