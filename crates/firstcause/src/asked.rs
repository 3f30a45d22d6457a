//! The back ends that are asked: from the configuration and from the command line.

use std::collections::BTreeMap;
use std::sync::Arc;

use orchestrator::{Blocking, Sources};
use store::Store;
use telemetry::{Source, SourceName};
use tools::Registry;
use tools::dialects::Dialect;

use crate::config::Asked;
use crate::failure::Failure;
use crate::recorded::{self, Recorded};
use crate::wiring::STORE;

/// Opens every source of the configuration, and `more`, each `KIND=URL` or `NAME:KIND=URL`. Nothing is asked yet.
pub(crate) fn open(asked: &Asked, more: &[String]) -> anyhow::Result<Vec<Arc<dyn Source>>> {
    let mut settings = asked.sources.clone();
    for text in more {
        let (name, one) = written(text)?;
        if settings.insert(name.clone(), one).is_some() {
            let hint = "give it a name of its own: `NAME:KIND=URL`";
            return Err(Failure::usage(format!("there are two sources `{name}`"), hint));
        }
    }
    let opened = settings.iter().map(|(name, settings)| {
        sources::open(name, settings).map_err(|error| {
            let text = error.to_string();
            let (what, hint) = text.split_once("; hint: ").unwrap_or((&text, "look at its settings"));
            Failure::usage(what, hint)
        })
    });
    opened.collect()
}

/// All of them, with who is preferred for what.
pub(crate) fn with_preferences(sources: Vec<Arc<dyn Source>>, asked: &Asked) -> Sources {
    let preferred: BTreeMap<String, SourceName> =
        asked.prefer.iter().map(|(question, name)| (question.clone(), SourceName(name.clone()))).collect();
    Sources::new(sources).preferring(preferred)
}

/// The tools of `dialect`, and the operator's own of the configuration.
pub(crate) fn registry(dialect: &'static Dialect, asked: &Asked) -> anyhow::Result<Arc<Registry>> {
    let registry = Registry::new(dialect);
    for (name, definition) in &asked.tools {
        registry.add(name, definition.clone()).map_err(|error| {
            Failure::usage(
                format!("[tools.{name}]: {error}"),
                "`firstcause tools --dialect default` shows how tools describe themselves",
            )
        })?;
    }
    Ok(Arc::new(registry))
}

/// Our own store, the changes that somebody told, and every source of the configuration beside it. What the store answers it is asked first, unless the
/// configuration prefers another: what is watched is what it holds.
pub(crate) fn beside(store: &Store, recorded: Recorded, asked: &Asked) -> anyhow::Result<Sources> {
    Ok(all_beside(store, recorded, open(asked, &[])?, asked))
}

/// The same with sources that are open already.
pub(crate) fn all_beside(
    store: &Store,
    recorded: Recorded,
    opened: Vec<Arc<dyn Source>>,
    asked: &Asked,
) -> Sources {
    let own = Blocking::new(STORE, store.clone());
    let preferred = preferences(own.can().questions, asked);
    let mut all: Vec<Arc<dyn Source>> =
        vec![Arc::new(own), Arc::new(Blocking::new(recorded::NAME, recorded))];
    all.extend(opened);
    Sources::new(all).preferring(preferred)
}

/// Who is asked first beside a store that answers `questions`.
fn preferences(questions: Vec<String>, asked: &Asked) -> BTreeMap<String, SourceName> {
    let own = questions.into_iter().map(|question| (question, SourceName(STORE.to_owned())));
    let mut preferred: BTreeMap<String, SourceName> = own.collect();
    // Each tells of other changes, so that all are asked.
    preferred.remove("changes");
    let told = asked.prefer.iter().map(|(question, name)| (question.clone(), SourceName(name.clone())));
    preferred.extend(told);
    preferred
}

/// `KIND=URL`, whose name is its kind, or `NAME:KIND=URL`.
fn written(text: &str) -> anyhow::Result<(String, sources::Settings)> {
    let wrong =
        || Failure::usage(format!("`--source {text}` was not understood"), "KIND=URL or NAME:KIND=URL");
    let (head, url) = text.split_once('=').ok_or_else(wrong)?;
    let (name, kind) = head.split_once(':').unwrap_or((head, head));
    if name.is_empty() || kind.is_empty() || url.is_empty() {
        return Err(wrong());
    }
    let settings =
        sources::Settings { kind: kind.to_owned(), url: url.to_owned(), ..sources::Settings::default() };
    Ok((name.to_owned(), settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(more: &[&str]) -> Result<Vec<String>, String> {
        let more: Vec<String> = more.iter().map(|text| (*text).to_owned()).collect();
        let opened = open(&Asked::default(), &more).map_err(|error| format!("{error:#}"))?;
        Ok(opened.iter().map(|source| source.name().0).collect())
    }

    #[test]
    fn the_store_comes_first_for_what_it_answers_but_for_changes_and_what_is_preferred() {
        let answered = ["changes", "edges", "onset"].map(str::to_owned).to_vec();
        let prefer = [("onset".to_owned(), "metrics".to_owned())].into();
        let preferred = preferences(answered, &Asked { prefer, ..Asked::default() });
        let names: Vec<_> =
            preferred.iter().map(|(question, name)| (question.as_str(), name.0.as_str())).collect();
        assert_eq!(names, [("edges", STORE), ("onset", "metrics")]);
    }

    #[test]
    fn a_source_of_the_command_line_is_named_by_its_kind_or_by_hand() {
        assert_eq!(
            names(&["prometheus=http://a:1", "old:prometheus=http://b:2"]).unwrap(),
            ["old", "prometheus"]
        );
        assert!(names(&["prometheus=http://a", "prometheus=http://b"]).unwrap_err().contains("two sources"));
        for wrong in ["prometheus", "=http://a", "x:=http://a", "promtheus=http://a", "jaeger=a"] {
            assert!(names(&[wrong]).is_err(), "{wrong}");
        }
    }
}
