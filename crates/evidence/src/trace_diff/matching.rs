//! Pairs spans of one key below one parent, so that what stays the same is paired first.
//!
//! Spans with equal subtrees (shape, status, significant attributes) are paired first, then the rest by duration.
//! Within both steps durations are paired in rank order with as little total distance as possible, which makes the
//! order of siblings irrelevant.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::{Graph, Key};
use super::significant;

/// Cells of the distance table at most; beyond it ranks are paired from the fast end.
const CELLS_MAX: usize = 1_000_000;

type Shape<'a> = (Key<'a>, bool, Vec<(&'static str, String)>, Vec<usize>);

/// Numbers for equal subtrees, shared by both traces.
#[derive(Debug, Default)]
pub(crate) struct Shapes<'a> {
    numbers: BTreeMap<Shape<'a>, usize>,
}

impl<'a> Shapes<'a> {
    /// The number of each node's subtree.
    pub(crate) fn number(&mut self, graph: &Graph<'a>) -> Vec<usize> {
        let mut order: Vec<usize> = graph.roots.iter().flat_map(|root| graph.subtree(*root)).collect();
        order.reverse();
        let mut found = vec![0; graph.nodes.len()];
        for place in order {
            let Some(node) = graph.get(place) else { continue };
            let mut below: Vec<usize> =
                node.children.iter().filter_map(|child| found.get(*child).copied()).collect();
            below.sort_unstable();
            let shape = (node.key(), node.span.is_error(), significant::attributes(node.span), below);
            let next = self.numbers.len();
            let number = *self.numbers.entry(shape).or_insert(next);
            if let Some(slot) = found.get_mut(place) {
                *slot = number;
            }
        }
        found
    }
}

/// What was paired and what is left.
#[derive(Debug, Default)]
pub(crate) struct Paired {
    pub(crate) pairs: Vec<(usize, usize)>,
    pub(crate) base: Vec<usize>,
    pub(crate) new: Vec<usize>,
}

/// A trace with the numbers of its subtrees.
#[derive(Debug)]
pub(crate) struct Shaped<'g, 'a> {
    pub(crate) graph: &'g Graph<'a>,
    pub(crate) shapes: Vec<usize>,
}

impl Shaped<'_, '_> {
    pub(crate) fn shape(&self, place: usize) -> Option<usize> {
        self.shapes.get(place).copied()
    }

    fn duration_ns(&self, place: usize) -> i64 {
        self.graph.get(place).map_or(0, |node| node.span.duration_ns())
    }
}

/// Pairs `base` with `new`, all of one key.
pub(crate) fn pair(base: (&Shaped<'_, '_>, &[usize]), new: (&Shaped<'_, '_>, &[usize])) -> Paired {
    let mut by_shape: BTreeMap<Option<usize>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for place in base.1 {
        by_shape.entry(base.0.shape(*place)).or_default().0.push(*place);
    }
    for place in new.1 {
        by_shape.entry(new.0.shape(*place)).or_default().1.push(*place);
    }
    let (mut paired, mut rest) = (Paired::default(), Paired::default());
    for (left, right) in by_shape.into_values() {
        let found = by_duration(base.0, left, new.0, right);
        paired.pairs.extend(found.pairs);
        rest.base.extend(found.base);
        rest.new.extend(found.new);
    }
    let found = by_duration(base.0, rest.base, new.0, rest.new);
    paired.pairs.extend(found.pairs);
    Paired { pairs: paired.pairs, base: found.base, new: found.new }
}

fn by_duration(
    base: &Shaped<'_, '_>,
    mut left: Vec<usize>,
    new: &Shaped<'_, '_>,
    mut right: Vec<usize>,
) -> Paired {
    left.sort_by_key(|place| base.duration_ns(*place));
    right.sort_by_key(|place| new.duration_ns(*place));
    let ns = |graph: &Shaped<'_, '_>, places: &[usize]| -> Vec<i64> {
        places.iter().map(|place| graph.duration_ns(*place)).collect()
    };
    let (left_ns, right_ns) = (ns(base, &left), ns(new, &right));
    let is_left_longer = left.len() >= right.len();
    let kept = if is_left_longer { keep(&left_ns, &right_ns) } else { keep(&right_ns, &left_ns) };
    let longer = if is_left_longer { &left } else { &right };
    let chosen: Vec<usize> = kept.iter().filter_map(|at| longer.get(*at).copied()).collect();
    let taken: BTreeSet<usize> = kept.into_iter().collect();
    let is_over = |(at, _): &(usize, &usize)| !taken.contains(at);
    let over: Vec<usize> = longer.iter().enumerate().filter(is_over).map(|(_, place)| *place).collect();
    if is_left_longer {
        Paired { pairs: chosen.into_iter().zip(right).collect(), base: over, new: Vec::new() }
    } else {
        Paired { pairs: left.into_iter().zip(chosen).collect(), base: Vec::new(), new: over }
    }
}

/// Which places of the ascending `long` pair with the ascending `short`, one each in order, at least total distance.
fn keep(long: &[i64], short: &[i64]) -> Vec<usize> {
    let spare = long.len() - short.len().min(long.len());
    if spare == 0 || short.is_empty() || (spare + 1).saturating_mul(short.len()) > CELLS_MAX {
        return (0..short.len().min(long.len())).collect();
    }
    // best[s] is the least distance of the first items of `short` when `s` items of `long` were passed over.
    let mut best = vec![0_i64; spare + 1];
    let mut choices: Vec<Vec<usize>> = Vec::with_capacity(short.len());
    for (at, wanted) in short.iter().enumerate() {
        let (mut next, mut chosen) = (Vec::with_capacity(spare + 1), Vec::with_capacity(spare + 1));
        let mut least = (i64::MAX, 0);
        for (skipped, before) in best.iter().enumerate() {
            let Some(offered) = long.get(at + skipped) else { break };
            let distance = before.saturating_add((offered - wanted).abs());
            if distance < least.0 {
                least = (distance, skipped);
            }
            next.push(least.0);
            chosen.push(least.1);
        }
        best = next;
        choices.push(chosen);
    }
    let mut skipped = spare;
    let mut kept = Vec::with_capacity(short.len());
    for (at, chosen) in choices.iter().enumerate().rev() {
        skipped = chosen.get(skipped).copied().unwrap_or(skipped);
        kept.push(at + skipped);
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::keep;

    #[test]
    fn the_one_that_does_not_fit_is_left_over() {
        assert_eq!(keep(&[1, 1, 1, 100], &[1, 1, 100]), [0, 1, 3]);
        assert_eq!(keep(&[1, 50, 100], &[1, 100]), [0, 2]);
        assert_eq!(keep(&[5, 6], &[]), Vec::<usize>::new());
        assert_eq!(keep(&[5, 6], &[5, 6]), [0, 1]);
        assert_eq!(keep(&[10, 20, 30], &[29]), [2]);
    }
}
