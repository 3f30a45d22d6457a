//! Which service stands where on the map: layers from left to right by call depth.
//!
//! Calls that lead back (cycles) take no part in the layering. A call over several layers gets a place of its own in
//! each, so that its line does not run through a service.

use std::collections::{BTreeMap, BTreeSet};

/// A call between two services, given by their places in the list of names.
pub(super) type Edge = (usize, usize);

/// What stands at one place of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// A service.
    Service(usize),
    /// The line of this edge on its way.
    Passing(usize),
}

/// The layers, and which edges lead back.
#[derive(Debug)]
pub(super) struct Layout {
    /// From left to right; within a layer from top to bottom.
    pub(super) layers: Vec<Vec<Slot>>,
    /// The places of edges that lead back.
    pub(super) back: BTreeSet<usize>,
}

/// The layout of `count` services with these edges.
pub(super) fn layout(count: usize, edges: &[Edge]) -> Layout {
    let back = back_edges(count, edges);
    let forward: Vec<(usize, Edge)> =
        edges.iter().copied().enumerate().filter(|(index, _)| !back.contains(index)).collect();
    let depth = depths(count, &forward);
    let deepest = depth.iter().max().copied().unwrap_or(0);
    let mut layers = vec![Vec::new(); deepest + 1];
    for (service, depth) in depth.iter().enumerate() {
        if let Some(layer) = layers.get_mut(*depth) {
            layer.push(Slot::Service(service));
        }
    }
    let at = |service: usize| depth.get(service).copied().unwrap_or(0);
    for (index, (from, to)) in &forward {
        for layer in layers.iter_mut().take(at(*to)).skip(at(*from) + 1) {
            layer.push(Slot::Passing(*index));
        }
    }
    settle(&mut layers, &forward);
    Layout { layers, back }
}

/// Edges that would close a ring of those before them: the first named keep their direction.
fn back_edges(count: usize, edges: &[Edge]) -> BTreeSet<usize> {
    let mut back = BTreeSet::new();
    let mut reached = vec![BTreeSet::new(); count];
    for (index, (from, to)) in edges.iter().enumerate() {
        let beyond: BTreeSet<usize> = reached.get(*to).into_iter().flatten().copied().chain([*to]).collect();
        if beyond.contains(from) {
            back.insert(index);
            continue;
        }
        for (service, own) in reached.iter_mut().enumerate() {
            if service == *from || own.contains(from) {
                own.extend(&beyond);
            }
        }
    }
    back
}

/// The longest way from a root. `forward` has no cycle, so as many rounds as services suffice.
fn depths(count: usize, forward: &[(usize, Edge)]) -> Vec<usize> {
    let mut depth = vec![0usize; count];
    for _ in 0..count {
        let mut is_settled = true;
        for (_, (from, to)) in forward {
            let below = depth.get(*from).copied().unwrap_or(0) + 1;
            if let Some(own) = depth.get_mut(*to).filter(|own| **own < below && below < count) {
                *own = below;
                is_settled = false;
            }
        }
        if is_settled {
            break;
        }
    }
    depth
}

/// Orders each layer by the mean place of what leads to it, which keeps lines from crossing more than they must.
fn settle(layers: &mut [Vec<Slot>], forward: &[(usize, Edge)]) {
    let mut placed: BTreeMap<(bool, usize), f64> = BTreeMap::new();
    for layer in layers.iter_mut() {
        let size = layer.len().max(1) as f64;
        let before = |slot: &Slot| -> f64 {
            let of_edge = |(index, (from, _)): &(usize, Edge)| {
                placed.get(&(true, *index)).or_else(|| placed.get(&(false, *from))).copied()
            };
            let places: Vec<f64> = match slot {
                Slot::Passing(edge) => {
                    forward.iter().filter(|(index, _)| index == edge).filter_map(of_edge).collect()
                }
                Slot::Service(service) => {
                    forward.iter().filter(|(_, (_, to))| to == service).filter_map(of_edge).collect()
                }
            };
            places.iter().sum::<f64>() / places.len().max(1) as f64
        };
        let mut keyed: Vec<(f64, Slot)> = layer.iter().map(|slot| (before(slot), *slot)).collect();
        keyed.sort_by(|one, other| one.0.total_cmp(&other.0));
        *layer = keyed.into_iter().map(|(_, slot)| slot).collect();
        for (index, slot) in layer.iter().enumerate() {
            let key = match slot {
                Slot::Service(service) => (false, *service),
                Slot::Passing(edge) => (true, *edge),
            };
            placed.insert(key, (index as f64 + 0.5) / size);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_broken_where_it_leads_back() {
        let layout = layout(3, &[(0, 1), (1, 2), (2, 0), (1, 1)]);
        assert_eq!(layout.back, BTreeSet::from([2, 3]));
        assert_eq!(layout.layers.len(), 3);
    }

    #[test]
    fn a_call_over_a_layer_has_a_place_in_it() {
        let layout = layout(3, &[(0, 1), (1, 2), (0, 2)]);
        assert_eq!(layout.layers.get(1), Some(&vec![Slot::Service(1), Slot::Passing(2)]));
    }

    #[test]
    fn services_in_no_order_at_all_end_up_by_depth() {
        let layout = layout(4, &[(2, 1), (3, 2), (1, 0)]);
        let flat: Vec<Slot> = layout.layers.concat();
        assert_eq!(flat, [3, 2, 1, 0].map(Slot::Service));
    }
}
