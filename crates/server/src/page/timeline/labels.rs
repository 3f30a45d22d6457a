//! How the labels of marks stack above the drawing, so that none covers another and no stem runs through one.
//!
//! Knows widths only by estimate: the page has no font of its own to measure.

/// A label with the place of its stem, which leads down to the drawing.
#[derive(Debug, Clone)]
pub(super) struct Label {
    /// The left end.
    pub(super) left: f64,
    /// The right end.
    pub(super) right: f64,
    /// Where the stem stands: at one of the ends.
    pub(super) stem: f64,
    /// What it says.
    pub(super) text: String,
}

impl Label {
    /// Whether the text stands to the left of the stem.
    pub(super) fn is_left(&self) -> bool {
        self.left < self.stem
    }

    fn touches(&self, other: &Self) -> bool {
        self.left <= other.right && other.left <= self.right
    }

    /// Whether a stem at `x` would run through the text.
    fn is_crossed(&self, x: f64) -> bool {
        self.left < x && x < self.right
    }
}

/// The lane of each label, 0 being next to the drawing.
pub(super) fn lanes(labels: &[Label]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    // From the right end to the left, each label starts where all before it are out of its stem's way. Labels on
    // the left of their stems see it mirrored.
    order.sort_by(|one, other| {
        let key = |at: &usize| {
            labels.get(*at).map_or((false, 0.0), |label| {
                (label.is_left(), if label.is_left() { label.stem } else { -label.stem })
            })
        };
        let (one, other) = (key(one), key(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    let mut placed: Vec<(usize, &Label)> = Vec::new();
    let mut lanes = vec![0; labels.len()];
    for at in order {
        let Some(label) = labels.get(at) else { continue };
        let lane = free_lane(label, &placed);
        placed.push((lane, label));
        if let Some(own) = lanes.get_mut(at) {
            *own = lane;
        }
    }
    lanes
}

fn free_lane(label: &Label, placed: &[(usize, &Label)]) -> usize {
    let is_bare = |lane: usize| placed.iter().all(|(other, there)| *other != lane || !there.touches(label));
    let is_clear = |lane: usize| {
        placed.iter().all(|(other, there)| match other.cmp(&lane) {
            std::cmp::Ordering::Less => !there.is_crossed(label.stem),
            std::cmp::Ordering::Equal => true,
            std::cmp::Ordering::Greater => !label.is_crossed(there.stem),
        })
    };
    let lanes = 0..=placed.len();
    // Where no lane keeps every stem out of every text, the text at least stands alone; it covers the stem.
    let bare = || lanes.clone().find(|lane| is_bare(*lane)).unwrap_or(placed.len());
    lanes.clone().find(|lane| is_bare(*lane) && is_clear(*lane)).unwrap_or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn right(stem: f64, length: f64) -> Label {
        Label { left: stem, right: stem + length, stem, text: String::new() }
    }

    #[test]
    fn a_label_stands_above_those_that_begin_under_it() {
        assert_eq!(lanes(&[right(0.0, 10.0), right(5.0, 10.0), right(20.0, 5.0)]), [1, 0, 0]);
        assert!(lanes(&[]).is_empty());
    }

    #[test]
    fn no_two_labels_of_a_lane_touch() {
        let labels: Vec<Label> = (0..12).map(|at| right(f64::from(at * 7 % 40), 30.0)).collect();
        let lanes = lanes(&labels);
        for (one, lane) in labels.iter().zip(&lanes) {
            let alike = labels.iter().zip(&lanes).filter(|(other, own)| *own == lane && other.touches(one));
            assert_eq!(alike.count(), 1);
        }
    }
}
