//! Who calls whom, how long it takes now and how long it took before.
//!
//! The drawing is for the eye; the table under it holds the same and more.

mod layout;

use std::collections::BTreeMap;

use incident::Report;
use incident::report::Call;
use maud::{Markup, html};

use super::figures::{clipped, ms, named, px};
use super::words::more;
use layout::{Layout, Slot};

/// Calls drawn at most.
const CALLS_MAX: usize = 60;
/// From this many times the mean before, and this many milliseconds more, a call is marked as slower.
const SLOWER_TIMES: f64 = 1.5;
const SLOWER_MS: f64 = 1.0;

const BOX: f64 = 138.0;
const GAP: f64 = 152.0;
/// The straight last piece of a line, on which its label stands.
const LANDING: f64 = 116.0;
const PORT: f64 = 34.0;
const PASSING: f64 = 30.0;
const SPACE: f64 = 18.0;

/// The section.
pub(super) fn section(report: &Report) -> Markup {
    let calls = report.service_map.get(..CALLS_MAX).unwrap_or(&report.service_map);
    html! {
        section #map aria-labelledby="map-title" {
            h2 #map-title { "Service map" }
            @if calls.is_empty() {
                p.missing { "No service map: no calls between services were seen." }
            } @else {
                p.lead {
                    "Mean latency as the caller saw it: now, and in brackets before. A dashed line leads to something that "
                    "sends no spans of its own; a heavy red one became slower."
                }
                div.scroll tabindex="0" role="region" aria-label="Service map, scrolls sideways" {
                    (drawing(culprit(report), calls, Before::Told))
                }
                (more(report.service_map.len(), CALLS_MAX))
                details { summary { "The same as a table" } (table(calls, "Calls between services in the bad window")) }
            }
        }
    }
}

/// The section of a system that is looked at now: there is no before.
pub(super) fn now(all: &[Call]) -> Markup {
    let calls = all.get(..CALLS_MAX).unwrap_or(all);
    html! {
        section #map aria-labelledby="map-title" {
            h2 #map-title { "Service map" }
            p.lead { "Mean latency as the caller sees it. A dashed line leads to something that sends no spans of its own." }
            div.scroll tabindex="0" role="region" aria-label="Service map, scrolls sideways" {
                (drawing(None, calls, Before::Unasked))
            }
            (more(all.len(), CALLS_MAX))
            details { summary { "The same as a table" } (table(calls, "Calls between services in the last minute")) }
        }
    }
}

/// Whether the drawing says what was before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Told,
    Unasked,
}

fn culprit(report: &Report) -> Option<&str> {
    report.diagnosis.root_cause.as_ref().map(|cause| cause.service.as_str())
}

fn is_slower(call: &Call) -> bool {
    let (now, before) = (call.mean_ms.get(), call.good_mean_ms.get());
    before > 0.0 && now > before * SLOWER_TIMES && now - before > SLOWER_MS
}

/// A box on the map, or the place where a line passes.
struct Place {
    x: f64,
    y: f64,
    height: f64,
}

/// A map ready to be drawn.
struct Map<'a> {
    names: Vec<&'a str>,
    edges: Vec<(usize, usize)>,
    layout: Layout,
    boxes: BTreeMap<usize, Place>,
    passings: BTreeMap<(usize, usize), Place>,
    width: f64,
    height: f64,
}

fn map(calls: &[Call]) -> Map<'_> {
    let mut names: Vec<&str> = Vec::new();
    let mut place = |name| {
        names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        })
    };
    let edges: Vec<(usize, usize)> =
        calls.iter().map(|call| (place(call.caller.as_str()), place(call.callee.as_str()))).collect();
    let layout = layout::layout(names.len(), &edges);
    let incoming = |service: usize| {
        let is_in =
            |(index, edge): &(usize, &(usize, usize))| edge.1 == service && !layout.back.contains(index);
        edges.iter().enumerate().filter(is_in).count()
    };
    let height_of = |slot: &Slot| match slot {
        Slot::Service(service) => (incoming(*service) as f64 * PORT + 14.0).max(48.0),
        Slot::Passing(_) => PASSING,
    };
    let heights: Vec<f64> =
        layout.layers.iter().map(|layer| layer.iter().map(|slot| height_of(slot) + SPACE).sum()).collect();
    let tallest = heights.iter().copied().fold(0.0, f64::max);
    let (mut boxes, mut passings) = (BTreeMap::new(), BTreeMap::new());
    for (depth, (layer, own)) in layout.layers.iter().zip(&heights).enumerate() {
        let mut y = 10.0 + (tallest - own) / 2.0;
        for slot in layer {
            let place = Place { x: 4.0 + depth as f64 * (BOX + GAP), y, height: height_of(slot) };
            y += place.height + SPACE;
            match slot {
                Slot::Service(service) => drop(boxes.insert(*service, place)),
                Slot::Passing(edge) => drop(passings.insert((*edge, depth), place)),
            }
        }
    }
    let width = 8.0 + BOX + layout.layers.len().saturating_sub(1) as f64 * (BOX + GAP);
    let height = 14.0 + tallest + layout.back.len() as f64 * 30.0;
    Map { names, edges, layout, boxes, passings, width: width.max(360.0), height }
}

fn drawing(culprit: Option<&str>, calls: &[Call], before: Before) -> Markup {
    let map = map(calls);
    html! {
        svg.map role="img" aria-labelledby="map-t map-d" width=(px(map.width)) height=(px(map.height + 8.0))
            viewBox={ "0 0 " (px(map.width)) " " (px(map.height + 8.0)) } {
            title #map-t { "Service map" }
            desc #map-d {
                (map.names.len()) " services and " (calls.len()) " calls between them. "
                @if let Some(culprit) = culprit { "The cause lies in " (named(culprit)) ". " }
                "The table below holds the figures."
            }
            @for (index, call) in calls.iter().enumerate() { (edge(&map, index, call, before)) }
            @for (service, name) in map.names.iter().enumerate() {
                @if let Some(place) = map.boxes.get(&service) {
                    @let silent = calls.iter().any(|call| call.callee == **name && !call.is_instrumented)
                        && !calls.iter().any(|call| call.caller == **name);
                    (service_box(place, name, Some(*name) == culprit, silent))
                }
            }
        }
    }
}

fn service_box(place: &Place, name: &str, is_culprit: bool, is_silent: bool) -> Markup {
    let middle = place.y + place.height / 2.0;
    let below = match (is_culprit, is_silent) {
        (true, _) => "cause",
        (false, true) => "no spans of its own",
        (false, false) => "",
    };
    html! {
        g.service.culprit[is_culprit].silent[is_silent] {
            title { (named(name)) }
            rect x=(px(place.x)) y=(px(place.y)) width=(px(BOX)) height=(px(place.height)) rx="6" {}
            text.middle.name x=(px(place.x + BOX / 2.0)) y=(px(middle + if below.is_empty() { 4.0 } else { -2.0 })) {
                (clipped(&named(name), 18))
            }
            @if !below.is_empty() {
                text.middle.below x=(px(place.x + BOX / 2.0)) y=(px(middle + 14.0)) { (below) }
            }
        }
    }
}

fn edge(map: &Map<'_>, index: usize, call: &Call, before: Before) -> Markup {
    let Some((path, (x, y))) = route(map, index) else { return html! {} };
    let (slower, silent) = (is_slower(call), !call.is_instrumented);
    html! {
        g.edge.slower[slower].silent[silent] {
            title { (named(&call.caller)) " calls " (named(&call.callee)) }
            path d=(path) {}
            text.middle x=(px(x)) y=(px(y - 6.0)) {
                tspan.now { (ms(call.mean_ms.get())) }
                @if call.good_mean_ms.get() > 0.0 { " (" (ms(call.good_mean_ms.get())) ")" }
                @else if before == Before::Told { " (new)" }
            }
        }
    }
}

/// The line of an edge, and the middle of its label.
fn route(map: &Map<'_>, index: usize) -> Option<(String, (f64, f64))> {
    let (from, to) = map.edges.get(index).copied()?;
    let (start, end) = (map.boxes.get(&from)?, map.boxes.get(&to)?);
    if map.layout.back.contains(&index) {
        return Some(around(map, index, start, end));
    }
    let is_before = |(other, edge): &(usize, &(usize, usize))| {
        edge.1 == to && *other < index && !map.layout.back.contains(other)
    };
    let port = map.edges.iter().enumerate().filter(is_before).count() as f64;
    let ports =
        map.edges.iter().enumerate().filter(|(other, edge)| edge.1 == to && !map.layout.back.contains(other));
    let free = end.height - ports.count() as f64 * PORT;
    let y = end.y + free / 2.0 + (port + 0.5) * PORT + 4.0;
    let y = y.min(end.y + end.height - 4.0);
    let mut at = (start.x + BOX, start.y + start.height / 2.0);
    let mut path = format!("M{} {}", px(at.0), px(at.1));
    for (_, passing) in map.passings.range((index, 0)..(index + 1, 0)) {
        let middle = passing.y + passing.height / 2.0;
        path.push_str(&landing(at, (passing.x, middle)));
        at = (passing.x + BOX, middle);
        path.push_str(&format!("H{}", px(at.0)));
    }
    path.push_str(&landing(at, (end.x, y)));
    path.push_str(&format!("H{}m-7 -4 l7 4l-7 4", px(end.x - 1.0)));
    Some((path, (end.x - LANDING / 2.0 - 4.0, y)))
}

/// A curve up to where labels begin; from there on lines are straight, so that none runs through a label.
fn landing(from: (f64, f64), to: (f64, f64)) -> String {
    let end = to.0 - LANDING;
    let (middle, end) = (px(from.0.midpoint(end)), px(end));
    format!("C{middle} {} {middle} {y} {end} {y}", px(from.1), y = px(to.1))
}

/// A call that leads back goes below everything.
fn around(map: &Map<'_>, index: usize, start: &Place, end: &Place) -> (String, (f64, f64)) {
    let lane = map.layout.back.iter().take_while(|other| **other != index).count() as f64;
    let low = map.height - (map.layout.back.len() as f64 - lane) * 30.0 + 24.0;
    let (from, to) = (start.x + BOX * 0.7, end.x + BOX * 0.3);
    let (bottom, tip) = (start.y + start.height, end.y + end.height + 1.0);
    let path = format!("M{} {}V{}H{}V{}m-4 7l4 -7l4 7", px(from), px(bottom), px(low), px(to), px(tip));
    (path, (from.midpoint(to).max(70.0), low))
}

fn table(calls: &[Call], caption: &str) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Calls between services, scrolls sideways" {
            table {
                caption { (caption) }
                thead { tr {
                    th scope="col" { "Caller" } th scope="col" { "Callee" } th.n scope="col" { "Calls" }
                    th.n scope="col" { "Errors" } th.n scope="col" { "Mean now" } th.n scope="col" { "Mean before" }
                } }
                tbody {
                    @for call in calls {
                        tr {
                            th scope="row" { (named(&call.caller)) }
                            td { (named(&call.callee)) @if !call.is_instrumented { " (no spans of its own)" } }
                            td.n { (call.count) } td.n { (call.errors) }
                            td.n { (ms(call.mean_ms.get())) @if is_slower(call) { " slower" } }
                            td.n {
                                @if call.good_mean_ms.get() > 0.0 { (ms(call.good_mean_ms.get())) } @else { "none" }
                            }
                        }
                    }
                }
            }
        }
    }
}
