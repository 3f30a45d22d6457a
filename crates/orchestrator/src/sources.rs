//! Asking: every capable source, side by side, each within its limits; failures are answers, too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use platform::clock::Clock;
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answered, Answerer, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName,
};
use tokio::task::JoinSet;

/// A source that several questions are asked of at once.
type Shared = Arc<dyn Source>;

/// The configured sources.
#[derive(Clone, Default)]
pub struct Sources {
    sources: Vec<Arc<dyn Source>>,
    limits: Limits,
    preferred: BTreeMap<String, SourceName>,
}

impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<SourceName> = self.sources.iter().map(|source| source.name()).collect();
        f.debug_struct("Sources").field("names", &names).finish_non_exhaustive()
    }
}

impl Sources {
    /// These sources.
    #[must_use]
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Self {
        Self { sources, limits: Limits::default(), preferred: BTreeMap::new() }
    }

    /// The same, with other limits of an answer.
    #[must_use]
    pub fn within(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The limits of an answer.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The same, where a question is asked of one source first, and of the others only when that one knows nothing: by the
    /// question's name.
    #[must_use]
    pub fn preferring(self, preferred: BTreeMap<String, SourceName>) -> Self {
        Self { preferred, ..self }
    }

    /// The names of the questions that at least one of them answers, sorted.
    #[must_use]
    pub fn questions(&self) -> Vec<String> {
        let mut names: Vec<String> = self.sources.iter().flat_map(|source| source.can().questions).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Asks all `questions` of all capable sources, each when its data can be there. The answers are sorted by
    /// question and source. A question that nobody answers is answered `Unsupported` by the source "none".
    pub async fn ask(&self, questions: &[Question], clock: &Arc<dyn Clock>) -> Vec<Answered> {
        let mut asking: JoinSet<Vec<Answered>> = JoinSet::new();
        for question in questions {
            let name = question.ask.name();
            let (first, others) = self.capable(name);
            if first.is_none() && others.is_empty() {
                asking.spawn(std::future::ready(vec![unanswered(
                    question,
                    AskError::Unsupported(name.to_owned()),
                )]));
            }
            if let Some(first) = first {
                asking.spawn(ask_in_turn(first, others, question.clone(), self.limits, Arc::clone(clock)));
                continue;
            }
            for source in others {
                let (question, clock) = (question.clone(), Arc::clone(clock));
                let limits = self.limits;
                asking.spawn(async move { vec![ask_one(source, question, limits, clock).await] });
            }
        }
        // A panic in a source is that source's failure; its answer is then missing and the question stays open.
        let mut answers: Vec<Answered> = Vec::new();
        while let Some(joined) = asking.join_next().await {
            answers.extend(joined.into_iter().flatten());
        }
        let is_open = |question: &&Question| !answers.iter().any(|answer| answer.question == question.id);
        let open: Vec<Answered> = questions.iter().filter(is_open).map(failed).collect();
        answers.extend(open);
        answers.sort_by(|a, b| (&a.question, &a.source).cmp(&(&b.question, &b.source)));
        answers
    }

    /// Who is asked a question: the one that is preferred for it, if it answers it, and all others that do.
    fn capable(&self, question: &str) -> (Option<Shared>, Vec<Shared>) {
        let capable = self.sources.iter().filter(|source| source.can().answers(question)).cloned();
        let preferred = self.preferred.get(question);
        let (mut first, others): (Vec<_>, Vec<_>) =
            capable.partition(|source| Some(&source.name()) == preferred);
        (first.pop(), others)
    }
}

/// The answer of the first source, or those of all when it has none.
async fn ask_in_turn(
    first: Arc<dyn Source>,
    others: Vec<Arc<dyn Source>>,
    question: Question,
    limits: Limits,
    clock: Arc<dyn Clock>,
) -> Vec<Answered> {
    let mut answers = vec![ask_one(first, question.clone(), limits, Arc::clone(&clock)).await];
    for source in others {
        if answers.iter().any(says_something) {
            break;
        }
        answers.push(ask_one(source, question.clone(), limits, Arc::clone(&clock)).await);
    }
    answers
}

/// Whether there is an answer with something in it: who knows nothing of it has not answered.
fn says_something(answered: &Answered) -> bool {
    answered.result.as_ref().is_ok_and(|answer| !answer.table.is_empty())
}

fn unanswered(question: &Question, why: AskError) -> Answered {
    Answered { question: question.id.clone(), source: SourceName("none".to_owned()), result: Err(why) }
}

fn failed(question: &Question) -> Answered {
    unanswered(question, AskError::Unavailable("the source failed while it answered".to_owned()))
}

async fn ask_one(
    source: Arc<dyn Source>,
    question: Question,
    limits: Limits,
    clock: Arc<dyn Clock>,
) -> Answered {
    let wait = question.not_before.0.saturating_sub(clock.now_unix_nanos());
    if let Ok(wait) = u64::try_from(wait) {
        tokio::time::sleep(Duration::from_nanos(wait)).await;
    }
    let cancel = Cancel::default();
    let asked = source.ask(&question, limits, &cancel);
    let result = match tokio::time::timeout(Duration::from_secs(limits.seconds_max), asked).await {
        Ok(result) => result,
        Err(_) => {
            cancel.cancel();
            Err(AskError::TimedOut(limits.seconds_max))
        }
    };
    Answered { question: question.id, source: source.name(), result }
}

/// Makes a [`Source`] of what answers synchronously, on the blocking pool.
pub struct Blocking<A> {
    name: SourceName,
    answerer: A,
}

impl<A> std::fmt::Debug for Blocking<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blocking").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<A: Answerer + Clone + 'static> Blocking<A> {
    /// `answerer` under `name`.
    #[must_use]
    pub fn new(name: &str, answerer: A) -> Self {
        Self { name: SourceName(name.to_owned()), answerer }
    }
}

impl<A: Answerer + Clone + 'static> Source for Blocking<A> {
    fn name(&self) -> SourceName {
        self.name.clone()
    }

    fn can(&self) -> Capabilities {
        self.answerer.can()
    }

    fn ask<'a>(
        &'a self,
        question: &'a Question,
        limits: Limits,
        cancel: &'a Cancel,
    ) -> BoxFuture<'a, Result<Answer, AskError>> {
        let (answerer, question, cancel) = (self.answerer.clone(), question.clone(), cancel.clone());
        Box::pin(async move {
            let answered =
                tokio::task::spawn_blocking(move || answerer.answer(&question, &limits, &cancel)).await;
            answered
                .unwrap_or_else(|error| Err(AskError::Unavailable(format!("the answerer failed: {error}"))))
        })
    }
}

#[cfg(test)]
mod tests {
    use platform::clock::SystemClock;
    use telemetry::answer::{CallRow, TopologyTable};
    use telemetry::{Ask, QuestionId, Space, Table, UnixNanos, Window};

    use super::*;

    /// A source that answers `topology` with as many calls, or does not answer.
    #[derive(Debug, Clone)]
    struct Told(Option<usize>);

    impl Answerer for Told {
        fn can(&self) -> Capabilities {
            Capabilities { questions: vec!["topology".to_owned()] }
        }

        fn answer(&self, _: &Question, _: &Limits, _: &Cancel) -> Result<Answer, AskError> {
            let call = CallRow { caller: "a".to_owned(), callee: "b".to_owned() };
            let calls = self.0.ok_or_else(|| AskError::Unavailable("down".to_owned()))?;
            let table = TopologyTable { services: Vec::new(), calls: vec![call; calls] };
            Ok(Answer::exact(Table::Topology(table)))
        }
    }

    async fn asked(sources: &[(&str, Option<usize>)], preferred: Option<&str>) -> Vec<String> {
        let window = Window::new(UnixNanos(0), UnixNanos(1));
        let question = Question {
            id: QuestionId::numbered(1),
            space: Space::default(),
            ask: Ask::Topology { window },
            not_before: UnixNanos(0),
        };
        let source = |(name, calls): &(&str, Option<usize>)| -> Arc<dyn Source> {
            Arc::new(Blocking::new(name, Told(*calls)))
        };
        let preferred = preferred.map(|name| ("topology".to_owned(), SourceName(name.to_owned())));
        let sources =
            Sources::new(sources.iter().map(source).collect()).preferring(preferred.into_iter().collect());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let answers = sources.ask(&[question], &clock).await;
        answers.into_iter().map(|answered| answered.source.0).collect()
    }

    // covers: AW-25
    #[tokio::test]
    async fn all_are_asked_one_that_is_preferred_alone_and_the_others_when_it_knows_nothing() {
        let both = [("a", Some(1)), ("b", Some(1))];
        assert_eq!(asked(&both, None).await, ["a", "b"]);
        assert_eq!(asked(&both, Some("b")).await, ["b"]);
        assert_eq!(asked(&[("a", Some(1)), ("b", None)], Some("b")).await, ["a", "b"], "it failed");
        assert_eq!(asked(&[("a", Some(1)), ("b", Some(0))], Some("b")).await, ["a", "b"], "it is empty");
        assert_eq!(asked(&both, Some("c")).await, ["a", "b"], "nobody of that name");
        assert_eq!(asked(&[], None).await, ["none"]);
    }
}
