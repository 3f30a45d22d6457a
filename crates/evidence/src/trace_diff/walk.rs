//! Walks two aligned traces from the roots down and writes each difference once.

use std::collections::{BTreeMap, BTreeSet};

use super::align::{Aligned, Unmatched, align};
use super::graph::{Graph, name};
use super::matching::{Shaped, Shapes};
use super::{Difference, Kind, Tolerance, significant};

/// A difference in how a call ended travels up to its callers; it is kept where it began.
#[derive(Debug)]
struct Outcome {
    new_place: usize,
    difference: Difference,
}

/// The comparison under way.
#[derive(Debug)]
pub(crate) struct Walk<'g, 'a> {
    base: Shaped<'g, 'a>,
    new: Shaped<'g, 'a>,
    tolerance: Tolerance,
    found: Vec<Difference>,
    outcomes: Vec<Outcome>,
}

/// One side of the comparison: its services and edges.
struct Known {
    services: BTreeSet<String>,
    edges: BTreeSet<(String, String)>,
}

impl Known {
    fn of(graph: &Graph<'_>) -> Self {
        Self { services: graph.services(), edges: graph.edges() }
    }
}

impl<'g, 'a> Walk<'g, 'a> {
    pub(crate) fn new(base: &'g Graph<'a>, new: &'g Graph<'a>, tolerance: Tolerance) -> Self {
        let mut shapes = Shapes::default();
        let base_shapes = shapes.number(base);
        let new_shapes = shapes.number(new);
        Self {
            base: Shaped { graph: base, shapes: base_shapes },
            new: Shaped { graph: new, shapes: new_shapes },
            tolerance,
            found: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) -> Vec<Difference> {
        let (before, now) = (Known::of(self.base.graph), Known::of(self.new.graph));
        let mut open: Vec<(Option<usize>, Option<usize>)> = vec![(None, None)];
        while let Some((left, right)) = open.pop() {
            let (base, new) = (self.base.graph.below(left), self.new.graph.below(right));
            let aligned = align((&self.base, base), (&self.new, new));
            self.tell_retries(&aligned);
            for gone in &aligned.missing {
                let words = [Kind::ServiceMissing, Kind::EdgeMissing, Kind::SpanMissing];
                let difference = one_sided(self.base.graph, gone, &now, words);
                self.found.push(Difference {
                    base: "present".to_owned(),
                    new: "absent".to_owned(),
                    ..difference
                });
                open.extend(gone.kept.iter().map(|(base, new)| (Some(*base), Some(*new))));
            }
            for come in &aligned.added {
                let words = [Kind::ServiceNew, Kind::EdgeNew, Kind::SpanNew];
                let difference = one_sided(self.new.graph, come, &before, words);
                self.found.push(Difference {
                    base: "absent".to_owned(),
                    new: "present".to_owned(),
                    ..difference
                });
                open.extend(come.kept.iter().map(|(base, new)| (Some(*base), Some(*new))));
            }
            let lifted = aligned.missing.iter().chain(&aligned.added).flat_map(|unmatched| &unmatched.kept);
            for (base, new) in lifted {
                self.compare(*base, *new);
            }
            for (base, new) in &aligned.pairs {
                self.compare(*base, *new);
                self.compare_edges(*base, *new);
            }
            for (base, new) in &aligned.renamed {
                self.tell_renamed(*base, *new);
                self.compare(*base, *new);
            }
            open.extend(
                aligned.pairs.iter().chain(&aligned.renamed).map(|(base, new)| (Some(*base), Some(*new))),
            );
        }
        let outcomes = std::mem::take(&mut self.outcomes);
        self.found.extend(originate(self.new.graph, outcomes));
        merge(self.found)
    }

    fn tell_retries(&mut self, aligned: &Aligned) {
        for retried in &aligned.retries {
            let path = self.new.graph.path(retried.new_place);
            self.tell(Kind::Retries, path, "", retried.base.to_string(), retried.new.to_string());
        }
    }

    fn tell_renamed(&mut self, base: usize, new: usize) {
        let called = |graph: &Graph<'_>, place| graph.get(place).map(|node| node.span.name.to_string());
        let before = called(self.base.graph, base).unwrap_or_default();
        let now = called(self.new.graph, new).unwrap_or_default();
        self.tell(Kind::SpanRenamed, self.base.graph.path(base), &now.clone(), before, now);
    }

    /// Compares two aligned spans by themselves.
    fn compare(&mut self, base: usize, new: usize) {
        let (Some(before), Some(now)) = (self.base.graph.get(base), self.new.graph.get(new)) else { return };
        let path = self.new.graph.path(new);
        let pairs =
            [("", before.exclusive_ns, now.exclusive_ns), ("edge", before.edge_delay_ns, now.edge_delay_ns)];
        let mut found = Vec::new();
        for (what, before_ns, now_ns) in pairs {
            if self.tolerance.is_exceeded(before_ns, now_ns) {
                found.push(difference(Kind::Latency, &path, what, ms(before_ns), ms(now_ns)));
            }
        }
        let is_flipped = before.span.is_error() != now.span.is_error();
        let word = |is_error: bool| if is_error { "error" } else { "ok" }.to_owned();
        if is_flipped {
            let (before, now) = (word(before.span.is_error()), word(now.span.is_error()));
            let difference = difference(Kind::Status, &path, "", before, now);
            self.outcomes.push(Outcome { new_place: new, difference });
        }
        let then: BTreeMap<_, _> = significant::attributes(before.span).into_iter().collect();
        let since: BTreeMap<_, _> = significant::attributes(now.span).into_iter().collect();
        for key in then.keys().chain(since.keys()).collect::<BTreeSet<_>>() {
            let (old, fresh) = (then.get(key), since.get(key));
            let is_outcome = significant::OUTCOME.contains(key);
            if old == fresh || (is_outcome && is_flipped) {
                continue;
            }
            let text = |value: Option<&String>| value.map_or_else(|| "absent".to_owned(), Clone::clone);
            let difference = difference(Kind::Attribute, &path, key, text(old), text(fresh));
            if is_outcome {
                self.outcomes.push(Outcome { new_place: new, difference });
            } else {
                found.push(difference);
            }
        }
        self.found.extend(found);
    }

    /// A call to somebody else, and work that has another further cause.
    fn compare_edges(&mut self, base: usize, new: usize) {
        if self.base.graph.is_answered(base) || self.new.graph.is_answered(new) {
            return;
        }
        let path = self.new.graph.path(new);
        let side = |graph: &Graph<'_>, place: usize| -> BTreeSet<String> {
            graph.edges_at(place).into_iter().map(|(from, to)| format!("{from} -> {to}")).collect()
        };
        let (before, now) = (side(self.base.graph, base), side(self.new.graph, new));
        let list = |edges: Vec<&String>| edges.into_iter().cloned().collect::<Vec<_>>().join(", ");
        let gone = list(before.difference(&now).collect());
        let come = list(now.difference(&before).collect());
        match (gone.is_empty(), come.is_empty()) {
            (true, true) => {}
            (_, false) => self.tell(Kind::EdgeNew, path, &come, gone, come.clone()),
            (false, true) => self.tell(Kind::EdgeMissing, path, &gone, gone.clone(), come),
        }
    }

    fn tell(&mut self, kind: Kind, path: String, what: &str, base: String, new: String) {
        self.found.push(difference(kind, &path, what, base, new));
    }
}

fn difference(kind: Kind, path: &str, what: &str, base: String, new: String) -> Difference {
    let (path, what) = (path.to_owned(), what.to_owned());
    Difference { kind, strategy: kind.strategy(), path, what, base, new, times: 1, also: Vec::new() }
}

/// What a span on one side only amounts to, by the services and edges that the `other` side knows.
fn one_sided(graph: &Graph<'_>, unmatched: &Unmatched, other: &Known, words: [Kind; 3]) -> Difference {
    let places =
        if unmatched.kept.is_empty() { graph.subtree(unmatched.place) } else { vec![unmatched.place] };
    let mut services: BTreeSet<String> = BTreeSet::new();
    let mut edges: BTreeSet<String> = BTreeSet::new();
    for place in &places {
        services.extend(graph.get(*place).map(|node| node.span.resource.service.to_string()));
        for edge in graph.edges_at(*place) {
            services.insert(edge.1.clone());
            if !other.edges.contains(&edge) {
                edges.insert(format!("{} -> {}", edge.0, edge.1));
            }
        }
    }
    services.retain(|service| !other.services.contains(service));
    let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(", ");
    let [service, edge, span] = words;
    let (kind, what) = match (services.is_empty(), edges.is_empty()) {
        (false, _) => (service, list(services)),
        (true, false) => (edge, list(edges)),
        (true, true) => (span, String::new()),
    };
    difference(kind, &graph.path(unmatched.place), &what, String::new(), String::new())
}

/// Keeps each outcome where it began: a caller that shows the same as something below it is named there instead.
fn originate(graph: &Graph<'_>, outcomes: Vec<Outcome>) -> Vec<Difference> {
    let same = |difference: &Difference| match difference.kind {
        // Ok became error, or the other way round.
        Kind::Status => (Kind::Status, String::new(), difference.base.clone(), difference.new.clone()),
        kind => (kind, difference.what.clone(), difference.base.clone(), difference.new.clone()),
    };
    let by_place: BTreeSet<(usize, _)> =
        outcomes.iter().map(|outcome| (outcome.new_place, same(&outcome.difference))).collect();
    let mut carried: BTreeSet<(usize, _)> = BTreeSet::new();
    for outcome in &outcomes {
        let mark = same(&outcome.difference);
        let above = graph.upwards(outcome.new_place).skip(1).map(|place| (place, mark.clone()));
        carried.extend(above.filter(|at| by_place.contains(at)));
    }
    let mut kept = Vec::new();
    for mut outcome in outcomes {
        let mark = same(&outcome.difference);
        if carried.contains(&(outcome.new_place, mark.clone())) {
            continue;
        }
        let above =
            graph.upwards(outcome.new_place).skip(1).filter(|at| by_place.contains(&(*at, mark.clone())));
        outcome.difference.also =
            above.filter_map(|place| graph.get(place)).map(|node| name(node.span)).collect();
        kept.push(outcome.difference);
    }
    kept
}

/// The same difference at the same path is one, with its number; the figures are those of the first.
fn merge(mut found: Vec<Difference>) -> Vec<Difference> {
    found.sort();
    let mut merged: BTreeMap<(Kind, String, String), Difference> = BTreeMap::new();
    for difference in found {
        let key = (difference.kind, difference.path.clone(), difference.what.clone());
        match merged.get_mut(&key) {
            Some(first) => first.times += 1,
            None => {
                merged.insert(key, difference);
            }
        }
    }
    merged.into_values().collect()
}

fn ms(ns: i64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}
