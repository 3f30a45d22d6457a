//! Asking: every capable source, side by side, each within its limits; failures are answers, too.

use std::sync::Arc;
use std::time::Duration;

use platform::clock::Clock;
use telemetry::source::BoxFuture;
use telemetry::{
    Answer, Answered, Answerer, AskError, Cancel, Capabilities, Limits, Question, Source, SourceName,
};
use tokio::task::JoinSet;

/// The configured sources.
#[derive(Clone, Default)]
pub struct Sources {
    sources: Vec<Arc<dyn Source>>,
    limits: Limits,
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
        Self { sources, limits: Limits::default() }
    }

    /// Asks all `questions` of all capable sources, each when its data can be there. The answers are sorted by
    /// question and source. A question that nobody answers is answered `Unsupported` by the source "none".
    pub async fn ask(&self, questions: &[Question], clock: &Arc<dyn Clock>) -> Vec<Answered> {
        let mut asking: JoinSet<Answered> = JoinSet::new();
        for question in questions {
            let mut is_asked = false;
            for source in self.sources.iter().filter(|source| source.can().answers(question.ask.name())) {
                is_asked = true;
                let (source, clock) = (Arc::clone(source), Arc::clone(clock));
                asking.spawn(ask_one(source, question.clone(), self.limits, clock));
            }
            if !is_asked {
                let name = question.ask.name().to_owned();
                let question = question.id.clone();
                let none = SourceName("none".to_owned());
                asking.spawn(std::future::ready(Answered {
                    question,
                    source: none,
                    result: Err(AskError::Unsupported(name)),
                }));
            }
        }
        // A panic in a source is that source's failure; its answer is then missing and the question stays open.
        let mut answers: Vec<Answered> = Vec::new();
        while let Some(joined) = asking.join_next().await {
            answers.extend(joined.ok());
        }
        let is_open = |question: &&Question| !answers.iter().any(|answer| answer.question == question.id);
        let open: Vec<Answered> = questions.iter().filter(is_open).map(failed).collect();
        answers.extend(open);
        answers.sort_by(|a, b| (&a.question, &a.source).cmp(&(&b.question, &b.source)));
        answers
    }
}

fn failed(question: &Question) -> Answered {
    Answered {
        question: question.id.clone(),
        source: SourceName("none".to_owned()),
        result: Err(AskError::Unavailable("the source failed while it answered".to_owned())),
    }
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
