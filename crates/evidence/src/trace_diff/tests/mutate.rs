//! One change to a description, and the difference it must be told as.

use std::collections::BTreeSet;

use telemetry::SpanKind;

use super::super::Kind;
use super::generate::{Chance, Spec, call, query, span};

/// A description after one change.
pub(super) struct Mutated {
    pub(super) spec: Spec,
    pub(super) kind: Kind,
    pub(super) what: &'static str,
}

/// Where a span stands: the places of children from the root down.
type Place = Vec<usize>;

fn places(spec: &Spec, fits: &dyn Fn(&Spec) -> bool) -> Vec<Place> {
    fn visit(spec: &Spec, at: &Place, fits: &dyn Fn(&Spec) -> bool, found: &mut Vec<Place>) {
        if fits(spec) {
            found.push(at.clone());
        }
        for (place, child) in spec.children.iter().enumerate() {
            visit(child, &[at.as_slice(), &[place]].concat(), fits, found);
        }
    }
    let mut found = Vec::new();
    visit(spec, &Vec::new(), fits, &mut found);
    found
}

fn at<'s>(spec: &'s mut Spec, place: &[usize]) -> &'s mut Spec {
    place.iter().fold(spec, |spec, child| &mut spec.children[*child])
}

/// The place of a span with the most ancestors.
pub(super) fn deepest(spec: &Spec) -> Place {
    places(spec, &|_| true).into_iter().max_by_key(Vec::len).unwrap()
}

/// Fails the span at `place` and all its ancestors.
pub(super) fn fail_upwards(spec: &mut Spec, place: &[usize]) {
    for length in 0..=place.len() {
        at(spec, &place[..length]).is_error = true;
    }
}

/// Services and edges, counted by hand from the description.
fn topology(spec: &Spec) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    fn visit(spec: &Spec, all: &mut (BTreeSet<String>, BTreeSet<(String, String)>)) {
        all.0.insert(spec.service.clone());
        let value = |key: &str| spec.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let peer = value("db.namespace").map(|name| format!("sqlite:{name}"));
        let peer = peer.or_else(|| value("messaging.destination.name").cloned());
        if let Some(peer) = peer.filter(|_| spec.children.is_empty()) {
            all.0.insert(peer.clone());
            all.1.insert((spec.service.clone(), peer));
        }
        for child in &spec.children {
            if child.service != spec.service {
                all.1.insert((spec.service.clone(), child.service.clone()));
            }
            visit(child, all);
        }
    }
    let mut all = Default::default();
    visit(spec, &mut all);
    all
}

fn removal(base: &Spec, new: &Spec) -> Kind {
    let (before, now) = (topology(base), topology(new));
    if !before.0.is_subset(&now.0) {
        Kind::ServiceMissing
    } else if !before.1.is_subset(&now.1) {
        Kind::EdgeMissing
    } else {
        Kind::SpanMissing
    }
}

/// Applies the mutation that `seed` selects.
pub(super) fn mutate(base: &Spec, seed: u64, chance: &mut Chance) -> Mutated {
    let mut spec = base.clone();
    let number = seed % 19;
    let (kind, what) = if number < 9 {
        shape_or_figure(&mut spec, base, number, chance)
    } else {
        call_or_value(&mut spec, base, number, chance)
    };
    Mutated { spec, kind, what }
}

fn pick(base: &Spec, chance: &mut Chance, fits: &dyn Fn(&Spec) -> bool) -> Place {
    let found = places(base, fits);
    found[chance.below(found.len())].clone()
}

fn shape_or_figure(spec: &mut Spec, base: &Spec, number: u64, chance: &mut Chance) -> (Kind, &'static str) {
    let mut pick = |fits: &dyn Fn(&Spec) -> bool| pick(base, chance, fits);
    let internal = |spec: &Spec| spec.kind == SpanKind::Internal;
    match number {
        0 => {
            let place = pick(&|spec| spec.name != "POST /pay" && spec.name != "process mail");
            let (last, above) = place.split_last().unwrap();
            at(spec, above).children.remove(*last);
            (removal(base, spec), "subtree removed")
        }
        1 => {
            let place = pick(&|spec| internal(spec) && !spec.children.is_empty());
            let (last, above) = place.split_last().unwrap();
            let parent = at(spec, above);
            let middle = parent.children.remove(*last);
            parent.children.extend(middle.children);
            (Kind::SpanMissing, "span taken out of the middle")
        }
        2 => {
            let place = pick(&|spec| spec.kind == SpanKind::Client && !spec.children.is_empty());
            let (last, above) = place.split_last().unwrap();
            let parent = at(spec, above);
            let mut middle = span(&parent.service, "new layer", SpanKind::Internal, 1.0);
            middle.children.push(parent.children.remove(*last));
            parent.children.push(middle);
            (Kind::SpanNew, "span put into the middle")
        }
        3 => {
            let target = at(spec, &pick(&|spec| spec.kind == SpanKind::Server));
            let service = target.service.clone();
            target.children.push(span(&service, "audit", SpanKind::Internal, 3.0));
            (Kind::SpanNew, "span added")
        }
        4 => {
            at(spec, &pick(&|spec| !spec.name.starts_with("POST"))).name = "renamed".to_owned();
            (Kind::SpanRenamed, "span renamed")
        }
        5 => {
            at(spec, &pick(&|_| true)).is_error = true;
            (Kind::Status, "status flipped")
        }
        6 => {
            let place = pick(&|spec| spec.children.is_empty());
            fail_upwards(spec, &place);
            (Kind::Status, "status flipped, and of all callers")
        }
        _ => {
            let target = at(spec, &pick(&|spec| spec.kind != SpanKind::Client || spec.children.is_empty()));
            target.own_ms = target.own_ms * 4.0 + 60.0;
            (Kind::Latency, "latency grown")
        }
    }
}

fn call_or_value(spec: &mut Spec, base: &Spec, number: u64, chance: &mut Chance) -> (Kind, &'static str) {
    let mut pick = |fits: &dyn Fn(&Spec) -> bool| pick(base, chance, fits);
    match number {
        9 | 10 => {
            let place = pick(&|spec| spec.name.starts_with("SELECT o"));
            let (last, above) = place.split_last().unwrap();
            let parent = at(spec, above);
            let mut attempt = parent.children[*last].clone();
            attempt.is_error = true;
            parent.children.insert(*last, attempt);
            (Kind::Retries, "retry added")
        }
        11 => {
            let target = at(spec, &pick(&|spec| spec.name.starts_with("GET GET")));
            target.attributes.push(("http.request.resend_count".to_owned(), "2".to_owned()));
            (Kind::Retries, "retry told by the client")
        }
        12 => {
            let target = at(spec, &pick(&|spec| spec.kind == SpanKind::Server));
            let service = target.service.clone();
            target.children.push(call(&service, span("fraud", "POST /score", SpanKind::Server, 4.0)));
            (Kind::ServiceNew, "service added")
        }
        13 => {
            let target = at(spec, &pick(&|spec| spec.kind == SpanKind::Server));
            let service = target.service.clone();
            target.children.push(query(&service, "ledger", "entries", 2.0));
            (Kind::ServiceNew, "database added")
        }
        14 => {
            let target = at(spec, &pick(&|spec| spec.name == "GET /stock"));
            target.children.push(call("stock", span("orders", "GET /late", SpanKind::Server, 4.0)));
            (Kind::EdgeNew, "edge added")
        }
        15 => {
            let place = pick(&|spec| spec.name.starts_with("SELECT"));
            at(spec, &place).attributes[1].1 = "SELECT everything".to_owned();
            (Kind::Attribute, "statement changed")
        }
        16 => {
            spec.children.pop();
            (Kind::EdgeMissing, "edge removed")
        }
        17 => {
            let place =
                pick(&|spec| spec.attributes.iter().any(|(key, _)| key == "http.response.status_code"));
            let attributes = &mut at(spec, &place).attributes;
            attributes
                .iter_mut()
                .filter(|(key, _)| key.starts_with("http.resp"))
                .for_each(|(_, v)| *v = "404".into());
            (Kind::Attribute, "status code changed")
        }
        _ => {
            let place = pick(&|spec| spec.name.starts_with("SELECT o"));
            let (last, above) = place.split_last().unwrap();
            let parent = at(spec, above);
            let again = parent.children[*last].clone();
            parent.children.push(again);
            (Kind::SpanNew, "one call more")
        }
    }
}
