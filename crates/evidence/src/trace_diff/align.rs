//! Aligns the children of two aligned spans: pairs, retries, renames, spans taken out of the middle, and the rest.
//!
//! Does not look below the children; the walk does, pair by pair.

use std::collections::BTreeMap;

use super::graph::{Key, retries, told_resends};
use super::matching::{Shaped, pair};

/// How the children of two aligned spans correspond.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    /// The same call on both sides.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// The same call under another name.
    pub(crate) renamed: Vec<(usize, usize)>,
    /// Only before; with those of its children that now stand in its place, paired.
    pub(crate) missing: Vec<Unmatched>,
    /// Only now, likewise.
    pub(crate) added: Vec<Unmatched>,
    /// Calls whose number of retries moved: one of them, before and now.
    pub(crate) retries: Vec<Retried>,
}

/// A span that is on one side only.
#[derive(Debug)]
pub(crate) struct Unmatched {
    pub(crate) place: usize,
    /// Pairs (before, now) of what was below it and is still there; empty when all of it is gone.
    pub(crate) kept: Vec<(usize, usize)>,
}

/// A call whose number of retries moved.
#[derive(Debug)]
pub(crate) struct Retried {
    pub(crate) new_place: usize,
    pub(crate) base: usize,
    pub(crate) new: usize,
}

/// Aligns `base` with `new`, the children of two aligned spans (or the roots).
pub(crate) fn align(base: (&Shaped<'_, '_>, &[usize]), new: (&Shaped<'_, '_>, &[usize])) -> Aligned {
    let mut groups: BTreeMap<Key<'_>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for place in base.1 {
        if let Some(node) = base.0.graph.get(*place) {
            groups.entry(node.key()).or_default().0.push(*place);
        }
    }
    for place in new.1 {
        if let Some(node) = new.0.graph.get(*place) {
            groups.entry(node.key()).or_default().1.push(*place);
        }
    }
    let mut aligned = Aligned::default();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for (left, right) in groups.into_values() {
        let before = retries(base.0.graph, &left);
        let now = retries(new.0.graph, &right);
        let mut paired = pair((base.0, &left), (new.0, &right));
        // A loop that goes on after a failed item is no retry: without another call, or a client that counts, nothing was
        // repeated.
        let is_told = resends(base.0, &left) != resends(new.0, &right);
        let is_more = left.len() != right.len() && (left.len() < right.len()) == (before < now);
        let is_moved = before != now && !left.is_empty() && (is_told || is_more);
        if let Some(first) = right.first().filter(|_| is_moved) {
            aligned.retries.push(Retried { new_place: *first, base: before, new: now });
            drop_attempts(base.0, &mut paired.base, before.saturating_sub(now));
            drop_attempts(new.0, &mut paired.new, now.saturating_sub(before));
        }
        aligned.pairs.extend(paired.pairs);
        gone.extend(paired.base);
        come.extend(paired.new);
    }
    lift((base.0, &mut gone), (new.0, &mut come), &mut aligned.missing, |before, now| (before, now));
    lift((new.0, &mut come), (base.0, &mut gone), &mut aligned.added, |now, before| (before, now));
    rename((base.0, &mut gone), (new.0, &mut come), &mut aligned.renamed);
    let alone = |place| Unmatched { place, kept: Vec::new() };
    aligned.missing.extend(gone.into_iter().map(alone));
    aligned.added.extend(come.into_iter().map(alone));
    aligned
}

/// The largest number that the client itself counted.
fn resends(shaped: &Shaped<'_, '_>, places: &[usize]) -> usize {
    places
        .iter()
        .filter_map(|place| shaped.graph.get(*place))
        .map(|node| told_resends(node.span))
        .max()
        .unwrap_or(0)
}

/// Attempts that the difference in retries accounts for are no spans of their own; failed ones go first.
fn drop_attempts(shaped: &Shaped<'_, '_>, places: &mut Vec<usize>, count: usize) {
    places.sort_by_key(|place| shaped.graph.get(*place).is_none_or(|node| !node.span.is_error()));
    places.drain(..count.min(places.len()));
}

/// A span without counterpart whose children all stand where it stood was taken out of (or put into) the middle.
fn lift(
    from: (&Shaped<'_, '_>, &mut Vec<usize>),
    into: (&Shaped<'_, '_>, &mut Vec<usize>),
    found: &mut Vec<Unmatched>,
    order: impl Fn(usize, usize) -> (usize, usize),
) {
    from.1.retain(|place| {
        let children = from.0.graph.below(Some(*place));
        let mut free = into.1.clone();
        let mut kept = Vec::new();
        for child in children {
            let key = from.0.graph.get(*child).map(super::graph::Node::key);
            let same = |at: &usize| into.0.graph.get(*at).map(super::graph::Node::key) == key;
            let Some(at) = free.iter().position(same) else { return true };
            kept.push(order(*child, free.remove(at)));
        }
        if kept.is_empty() {
            return true;
        }
        *into.1 = free;
        found.push(Unmatched { place: *place, kept });
        false
    });
}

/// One name gone and another come, of one service and kind: the same work renamed, when what is below is the same or
/// the names occur on one side only.
fn rename(
    gone: (&Shaped<'_, '_>, &mut Vec<usize>),
    come: (&Shaped<'_, '_>, &mut Vec<usize>),
    found: &mut Vec<(usize, usize)>,
) {
    let below = |shaped: &Shaped<'_, '_>, place: usize| {
        let mut shapes: Vec<_> =
            shaped.graph.below(Some(place)).iter().map(|child| shaped.shape(*child)).collect();
        shapes.sort_unstable();
        shapes
    };
    for is_exact in [true, false] {
        gone.1.retain(|left| {
            let fits = |right: &usize| {
                let (Some(left_node), Some(right_node)) = (gone.0.graph.get(*left), come.0.graph.get(*right))
                else {
                    return false;
                };
                let (before, now) = (left_node.key(), right_node.key());
                let is_alike = before.service == now.service && before.kind == now.kind;
                let is_equal_below = below(gone.0, *left) == below(come.0, *right);
                // Two leaves are equal below without being alike: what they did must agree as well.
                let is_equal = is_equal_below
                    && super::significant::attributes(left_node.span)
                        == super::significant::attributes(right_node.span);
                is_alike && before.operation != now.operation && (is_equal || !is_exact)
            };
            match come.1.iter().position(fits) {
                Some(at) => {
                    found.push((*left, come.1.remove(at)));
                    false
                }
                None => true,
            }
        });
    }
}
