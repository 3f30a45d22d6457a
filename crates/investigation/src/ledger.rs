//! Where a diagnosis keeps its answers, facts, gaps and settings while it works.
//!
//! When several sources answer one question, the first by name is used; the others are compared by size, and a
//! disagreement is a Gap. Answers are never merged but for changes and states, of which each source tells others.

use std::collections::BTreeMap;

use incident::{Evidence, EvidenceId, EvidenceKind, Gap};
use telemetry::answer::{Answer, Locator, SelfTimeTable, Table};
use telemetry::number::Num;
use telemetry::{Answered, QuestionId, SourceName, TraceId, Window};

use crate::settings::Settings;

/// The answers, facts and gaps so far.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    answers: BTreeMap<QuestionId, (SourceName, Answer)>,
    pub(crate) evidence: Vec<Evidence>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) settings: Settings,
}

/// Queries of one answer that its evidence names; the answer in the journal has the rest.
const LOCATORS_MAX: usize = 2;

/// A fact before it is sealed: what it says, its numbers, and the questions behind it.
pub(crate) struct Fact<'a> {
    pub(crate) kind: EvidenceKind,
    pub(crate) statement: String,
    pub(crate) numbers: &'a [(&'a str, f64)],
    pub(crate) questions: &'a [&'a QuestionId],
    pub(crate) window: Option<Window>,
    pub(crate) trace: Option<TraceId>,
}

impl Ledger {
    /// An empty ledger; settings other than the default are gaps.
    pub(crate) fn new(settings: Settings) -> Self {
        let differences = settings.differences();
        let mut ledger = Self { settings, ..Self::default() };
        for difference in differences {
            ledger.gap(difference, "what the engine would find as it is");
        }
        ledger
    }

    /// Takes answers in, whatever their order and that of their rows; failures become gaps.
    pub(crate) fn take<'a>(&mut self, answers: impl IntoIterator<Item = &'a Answered>) {
        let mut answers: Vec<&Answered> = answers.into_iter().collect();
        answers.sort_by(|a, b| (&a.question, &a.source).cmp(&(&b.question, &b.source)));
        for answered in answers {
            match &answered.result {
                Ok(answer) => self.keep(answered, answer),
                Err(error) => self.gap(
                    format!("{} from `{}`: {error}", answered.question, answered.source),
                    "a cause that only this answer shows would be missed",
                ),
            }
        }
    }

    fn keep(&mut self, answered: &Answered, answer: &Answer) {
        let id = &answered.question;
        if answer.truncated {
            self.gap(
                format!("{id} from `{}` was cut at its row limit", answered.source),
                "rows beyond the limit",
            );
        }
        if answer.unreadable > 0 {
            self.gap(
                format!("{} rows that {id} asked of `{}` are damaged", answer.unreadable, answered.source),
                "what only these rows show",
            );
        }
        // Each tells of the changes and states that it knows: those of Git and those of a cluster are other ones.
        let is_empty = self.answers.get(id).is_some_and(|(_, kept)| kept.table.is_empty());
        if let Some((first, kept)) = self.answers.get_mut(id).filter(|_| !is_empty)
            && let Some(has_grown) = extended(&mut kept.table, &answer.table)
        {
            if has_grown {
                kept.locators.extend(answer.locators.iter().cloned());
                kept.table.sort();
                *first = SourceName(format!("{first} + {}", answered.source));
            }
            return;
        }
        if let Some((first, kept)) = self.answers.get(id).filter(|_| !is_empty) {
            // Metrics know no operations: their rows are others, whatever they saw.
            // Who knows nothing of what is asked contradicts nobody.
            let is_comparable = kept.from_metrics == answer.from_metrics && !answer.table.is_empty();
            if is_comparable && kept.table.len() != answer.table.len() {
                let (kept, other) = (kept.table.len(), answer.table.len());
                let text = format!(
                    "sources disagree on {id}: {kept} rows from `{first}`, {other} from `{}`",
                    answered.source
                );
                self.gap(text, "which of them saw everything");
            }
            return;
        }
        let mut answer = answer.clone();
        answer.table.sort();
        self.answers.insert(id.clone(), (answered.source.clone(), answer));
    }

    /// The first answered question of those that `is` meant, with its table.
    pub(crate) fn find<'a, T>(&'a self, is: impl Fn(&'a Table) -> Option<T>) -> Option<(QuestionId, T)> {
        self.answers.iter().find_map(|(id, (_, answer))| Some((id.clone(), is(&answer.table)?)))
    }

    /// Notes something that could not be looked at.
    pub(crate) fn gap(&mut self, missing: impl Into<String>, could_change: impl Into<String>) {
        let gap = Gap { missing: missing.into(), could_change: could_change.into() };
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// The table that answers `id`.
    pub(crate) fn table(&self, id: &QuestionId) -> Option<&Table> {
        self.answers.get(id).map(|(_, answer)| &answer.table)
    }

    /// All answers, in the order of their questions.
    pub(crate) fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.answers.values().map(|(_, answer)| answer)
    }

    /// The whole answer to `id`.
    pub(crate) fn answer(&self, id: &QuestionId) -> Option<&Answer> {
        self.answers.get(id).map(|(_, answer)| answer)
    }

    /// The exclusive times that answer `id`, empty when there are none.
    pub(crate) fn self_time(&self, id: &QuestionId) -> &SelfTimeTable {
        static NOTHING: SelfTimeTable = SelfTimeTable { traces: 0, rows: Vec::new(), lanes: Vec::new() };
        match self.table(id) {
            Some(Table::SelfTime(table)) => table,
            _ => &NOTHING,
        }
    }

    /// The queries behind the answers to `questions`, the first few of each once.
    fn locators(&self, questions: &[&QuestionId]) -> Vec<Locator> {
        let mut found: Vec<Locator> = Vec::new();
        for (_, answer) in questions.iter().filter_map(|id| self.answers.get(*id)) {
            for locator in answer.locators.iter().take(LOCATORS_MAX) {
                if !found.contains(locator) {
                    found.push(locator.clone());
                }
            }
        }
        found
    }

    /// Seals a fact and gives its address; a fact whose questions were not answered is dropped.
    pub(crate) fn prove(&mut self, fact: Fact<'_>) -> Option<EvidenceId> {
        let source =
            fact.questions.iter().find_map(|id| self.answers.get(*id)).map(|(source, _)| source.clone())?;
        let evidence = Evidence {
            id: EvidenceId(String::new()),
            kind: fact.kind,
            statement: fact.statement,
            numbers: fact
                .numbers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Num::new(*value)))
                .collect(),
            questions: fact.questions.iter().map(|id| (*id).clone()).collect(),
            source,
            window: fact.window,
            trace: fact.trace,
            locators: self.locators(fact.questions),
        }
        .sealed();
        let id = evidence.id.clone();
        if !self.evidence.iter().any(|known| known.id == id) {
            self.evidence.push(evidence);
        }
        Some(id)
    }
}

/// Adds the rows of `more` that are not in `table` yet, where answers of this kind add up; whether there were any.
fn extended(table: &mut Table, more: &Table) -> Option<bool> {
    fn add<T: Clone + PartialEq>(rows: &mut Vec<T>, more: &[T]) -> bool {
        let new: Vec<T> = more.iter().filter(|row| !rows.contains(row)).cloned().collect();
        rows.extend_from_slice(&new);
        !new.is_empty()
    }
    match (table, more) {
        (Table::Changes(rows), Table::Changes(more)) => Some(add(rows, more)),
        (Table::State(rows), Table::State(more)) => Some(add(rows, more)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use telemetry::AskError;
    use telemetry::UnixNanos;
    use telemetry::answer::{CallRow, ChangeKind, ChangeRow, StateKind, StateRow, TopologyTable};

    use super::*;

    fn answered(source: &str, result: Result<Answer, AskError>) -> Answered {
        Answered { question: QuestionId::numbered(1), source: SourceName(source.into()), result }
    }

    // covers: AW-25
    #[test]
    fn one_failing_source_is_a_gap_and_the_other_still_answers() {
        let mut ledger = Ledger::default();
        let rows = Answer::exact(Table::Changes(Vec::new()));
        ledger.take(&[answered("a", Err(AskError::TimedOut(10))), answered("b", Ok(rows))]);
        assert_eq!(ledger.gaps.len(), 1);
        assert!(ledger.table(&QuestionId::numbered(1)).is_some());
    }

    #[test]
    fn what_an_answer_cut_or_could_not_read_is_a_gap() {
        let mut ledger = Ledger::default();
        let rows = Answer::exact(Table::Changes(Vec::new()));
        ledger.take(&[answered("a", Ok(Answer { truncated: true, unreadable: 7, ..rows }))]);
        let told: Vec<&str> = ledger.gaps.iter().map(|gap| gap.missing.as_str()).collect();
        assert!(told.len() == 2 && told[1].starts_with("7 rows that q0001 asked of `a`"), "{told:?}");
    }

    #[test]
    fn a_source_that_knows_nothing_does_not_stand_before_one_that_does() {
        let calls = |count: usize| {
            let call = CallRow { caller: "a".to_owned(), callee: "b".to_owned() };
            Ok(Answer::exact(Table::Topology(TopologyTable {
                services: Vec::new(),
                calls: vec![call; count],
            })))
        };
        for answers in [
            [answered("a", calls(0)), answered("b", calls(2))],
            [answered("a", calls(2)), answered("b", calls(0))],
        ] {
            let mut ledger = Ledger::default();
            ledger.take(&answers);
            assert_eq!(ledger.table(&QuestionId::numbered(1)).map(Table::len), Some(2));
            assert!(ledger.gaps.is_empty(), "and contradicts nobody: {:?}", ledger.gaps);
        }
        let mut ledger = Ledger::default();
        ledger.take(&[answered("a", calls(1)), answered("b", calls(2))]);
        assert_eq!(ledger.gaps.len(), 1, "who knows something may");
    }

    #[test]
    fn the_states_of_all_sources_are_known_and_who_told_none_is_not_named() {
        let state = |name: &str| StateRow {
            at: UnixNanos(5),
            since: None,
            kind: StateKind::Container,
            service: "web".to_owned(),
            name: name.to_owned(),
            status: "Running".to_owned(),
            text: String::new(),
            figures: Vec::new(),
            attributes: Vec::new(),
        };
        let told =
            |names: &[&str]| Ok(Answer::exact(Table::State(names.iter().map(|name| state(name)).collect())));
        let mut ledger = Ledger::default();
        ledger.take(&[
            answered("none", told(&[])),
            answered("a", told(&["x"])),
            answered("b", told(&["y", "x"])),
        ]);
        let id = QuestionId::numbered(1);
        assert_eq!(ledger.table(&id).map(Table::len), Some(2));
        assert_eq!((ledger.answers[&id].0.0.as_str(), ledger.gaps.len()), ("a + b", 0));
    }

    #[test]
    fn the_changes_of_all_sources_are_known_and_the_same_one_once() {
        let change = |kind, after: &str| ChangeRow {
            at: UnixNanos(5),
            kind,
            service: "web".to_owned(),
            instance: String::new(),
            before: String::new(),
            after: after.to_owned(),
            detail: None,
        };
        let (commit, deploy) = (change(ChangeKind::Commit, "abc"), change(ChangeKind::Deploy, "2.0"));
        let told = |rows: &[&ChangeRow]| {
            Ok(Answer::exact(Table::Changes(rows.iter().map(|&row| row.clone()).collect())))
        };
        let mut ledger = Ledger::default();
        ledger.take(&[answered("git", told(&[&commit])), answered("metrics", told(&[&deploy, &commit]))]);
        let id = QuestionId::numbered(1);
        assert_eq!(ledger.table(&id).map(Table::len), Some(2));
        assert_eq!(ledger.answers[&id].0.0, "git + metrics");
        assert!(ledger.gaps.is_empty());
    }

    #[test]
    fn neither_the_order_of_sources_nor_that_of_rows_is_kept() {
        let calls = |callers: [&str; 2]| {
            let call = |caller: &str| CallRow { caller: caller.to_owned(), callee: "x".to_owned() };
            let calls = callers.map(call).to_vec();
            Ok(Answer::exact(Table::Topology(TopologyTable { services: Vec::new(), calls })))
        };
        let kept = |answers: &[Answered]| {
            let mut ledger = Ledger::default();
            ledger.take(answers);
            format!("{:?}", ledger.table(&QuestionId::numbered(1)))
        };
        let one = kept(&[answered("a", calls(["p", "q"])), answered("b", calls(["r", "s"]))]);
        assert_eq!(kept(&[answered("b", calls(["s", "r"])), answered("a", calls(["q", "p"]))]), one);
    }

    // covers: W-16
    #[test]
    fn a_fact_without_an_answer_behind_it_is_dropped() {
        let mut ledger = Ledger::default();
        let fact = Fact {
            kind: EvidenceKind::Load,
            statement: "load".into(),
            numbers: &[],
            questions: &[&QuestionId::numbered(7)],
            window: None,
            trace: None,
        };
        assert!(ledger.prove(fact).is_none());
        assert!(ledger.evidence.is_empty());
    }
}
