//! What an answer lacks that is made of the answers to many questions: each of them may miss rows or fail by itself.

use std::collections::BTreeSet;

use crate::asked::Picked;

/// Gaps told of one answer: the parts of a month would each tell the same at length.
const GAPS_MAX: usize = 6;

/// What is missing in the answers so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Lacks {
    /// Whether a source left rows out.
    pub(super) is_truncated: bool,
    gaps: BTreeSet<String>,
}

impl Lacks {
    /// Takes over what the answer lacks that `what` is made of.
    pub(super) fn of<T>(&mut self, what: &str, picked: &Picked<T>) {
        self.gaps.extend(picked.gaps.iter().cloned());
        if picked.is_truncated {
            self.is_truncated = true;
            self.gap(format!("{what}: {} left rows out, so that counts are too small", picked.source));
        }
    }

    /// Adds a sentence.
    pub(super) fn gap(&mut self, gap: String) {
        self.gaps.insert(gap);
    }

    /// Takes over all that `other` lacks.
    pub(super) fn extend(&mut self, other: Self) {
        self.is_truncated |= other.is_truncated;
        self.gaps.extend(other.gaps);
    }

    /// The sentences, sorted and each once; how many there are beyond those told.
    pub(super) fn told(&self) -> Vec<String> {
        let mut told: Vec<String> = self.gaps.iter().take(GAPS_MAX).cloned().collect();
        let more = self.gaps.len() - told.len();
        if more > 0 {
            told.push(format!("{more} more gaps of this kind"));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_each_part_lacks_is_told_once_and_how_much_is_left_untold() {
        let mut lacks = Lacks::default();
        for part in 0..20 {
            let gaps = vec!["es: timed out".to_owned(), format!("gap {part:02}")];
            let picked = Picked { rows: (), source: "es".to_owned(), is_truncated: part == 7, gaps };
            lacks.of("baseline", &picked);
        }
        let told = lacks.told();
        assert!(lacks.is_truncated && told.len() == GAPS_MAX + 1, "{told:?}");
        assert_eq!(told[0], "baseline: es left rows out, so that counts are too small");
        assert_eq!((told[1].as_str(), told[6].as_str()), ("es: timed out", "16 more gaps of this kind"));
    }
}
