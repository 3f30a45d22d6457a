//! Conversations that go on: what was said, and by whom.
//!
//! Kept in memory, bounded; the least recently used one leaves first. A conversation belongs to the principal who
//! began it: for anybody else it does not exist.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::Round;
use super::intent::Subject;

/// Conversations that are kept.
pub const CONVERSATIONS_MAX: usize = 50;
/// Rounds of one that are kept; the oldest leave first.
pub const ROUNDS_MAX: usize = 10;

/// One conversation.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: String,
    /// Who began it.
    pub principal: String,
    /// What was asked and answered, oldest first.
    pub rounds: VecDeque<Round>,
    /// How many rounds there were in all.
    pub total: usize,
}

impl Conversation {
    /// What was spoken of last.
    #[must_use]
    pub fn subject(&self) -> Subject {
        self.rounds.back().map(|round| round.subject.clone()).unwrap_or_default()
    }
}

/// The conversations that go on, the most recently used last.
#[derive(Debug, Default)]
pub struct Conversations(Mutex<VecDeque<Conversation>>);

impl Conversations {
    /// What was spoken of in conversation `id` of `principal`; none when there is none.
    #[must_use]
    pub fn subject(&self, id: &str, principal: &str) -> Option<Subject> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| one.id == id && one.principal == principal).map(Conversation::subject)
    }

    /// The conversation `id` of `principal`.
    #[must_use]
    pub fn get(&self, id: &str, principal: &str) -> Option<Conversation> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().find(|one| one.id == id && one.principal == principal).cloned()
    }

    /// Adds a round to conversation `id`, which begins with it when there was none. Gives the number of the round.
    pub fn add(&self, id: &str, principal: &str, round: Round) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = all.iter().position(|one| one.id == id && one.principal == principal);
        let mut conversation = place.and_then(|place| all.remove(place)).unwrap_or_else(|| Conversation {
            id: id.to_owned(),
            principal: principal.to_owned(),
            rounds: VecDeque::new(),
            total: 0,
        });
        conversation.rounds.push_back(round);
        conversation.total += 1;
        if conversation.rounds.len() > ROUNDS_MAX {
            conversation.rounds.pop_front();
        }
        let number = conversation.total;
        all.push_back(conversation);
        if all.len() > CONVERSATIONS_MAX {
            all.pop_front();
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(service: &str) -> Round {
        Round {
            input: String::new(),
            steps: Vec::new(),
            message: String::new(),
            subject: Subject { service: Some(service.to_owned()), incident: None },
            prompt: None,
            allowed: None,
        }
    }

    #[test]
    fn a_conversation_is_remembered_by_its_principal_alone_and_the_oldest_leaves() {
        let conversations = Conversations::default();
        assert_eq!(conversations.add("c1", "key:a", round("orders")), 1);
        assert_eq!(conversations.add("c1", "key:a", round("gateway")), 2);
        let subject = conversations.subject("c1", "key:a").expect("it is there");
        assert_eq!(subject.service.as_deref(), Some("gateway"));
        assert_eq!(conversations.subject("c1", "key:b"), None);
        for number in 0..CONVERSATIONS_MAX {
            conversations.add(&format!("other{number}"), "key:a", round("x"));
        }
        assert_eq!(conversations.subject("c1", "key:a"), None);
    }

    #[test]
    fn of_a_long_conversation_the_last_rounds_are_kept() {
        let conversations = Conversations::default();
        for _ in 0..=ROUNDS_MAX {
            conversations.add("c", "p", round("x"));
        }
        let kept = conversations.get("c", "p").expect("it is there");
        assert_eq!((kept.rounds.len(), kept.total), (ROUNDS_MAX, ROUNDS_MAX + 1));
    }
}
