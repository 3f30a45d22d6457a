//! How much a word tells: nothing when it stands in many changes or in healthy messages.
//!
//! Inverse document frequency over the incident's own material, so that no list of rare words is needed: each change
//! and each healthy message is a document.

use std::collections::{BTreeMap, BTreeSet};

/// How much each word tells.
#[derive(Debug, Clone, Default)]
pub struct Rarity {
    documents: usize,
    held_by: BTreeMap<String, usize>,
    mute: BTreeSet<String>,
}

impl Rarity {
    /// Counts words over `documents`; the words of `mute` tell nothing: names of services stand in everything that
    /// belongs to them.
    #[must_use]
    pub fn over(documents: &[BTreeSet<String>], mute: BTreeSet<String>) -> Self {
        let mut held_by: BTreeMap<String, usize> = BTreeMap::new();
        for word in documents.iter().flatten() {
            *held_by.entry(word.clone()).or_default() += 1;
        }
        Self { documents: documents.len(), held_by, mute }
    }

    /// From 0, in every document, to 1, in none.
    #[must_use]
    pub fn of(&self, word: &str) -> f64 {
        if self.mute.contains(word) {
            return 0.0;
        }
        let all = (self.documents + 1) as f64;
        let with = self.held_by.get(word).copied().unwrap_or(0).max(1) as f64;
        // With fewer than two documents nothing is known to be common.
        if self.documents < 2 { 1.0 } else { (libm::log(all / with) / libm::log(all)).clamp(0.0, 1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_every_document_tells_nothing() {
        let documents: Vec<BTreeSet<String>> =
            (0..20).map(|n| BTreeSet::from(["common".to_owned(), format!("own{n}")])).collect();
        let rarity = Rarity::over(&documents, BTreeSet::from(["cart".to_owned()]));
        assert!(rarity.of("common") < 0.05);
        assert!(rarity.of("own3") > 0.9);
        assert_eq!(rarity.of("cart"), 0.0);
    }
}
