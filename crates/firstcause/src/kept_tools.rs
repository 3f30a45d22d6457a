//! Tools that were made over the Agent Builder's paths: `tools.journal` of a data directory.
//!
//! Each record is a tool as it was defined, or that it was removed; the last one of a name counts. The tools of the
//! configuration are not in it, and come before it.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tools::{Definition, Registry};

use crate::journals::{self, JournalFile, TOOLS};
use crate::terminal;
use crate::wiring::Doors;

/// The kind of its records.
const KIND: &str = "tool_kept";

/// A tool as it is from here on.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    name: String,
    /// Absent where it was removed.
    definition: Option<Definition>,
}

/// Keeps how a tool is from here on; durable when this returns.
///
/// # Errors
/// When the file is damaged, held by another for long, or the disk fails.
pub(crate) fn keep(
    doors: &Doors,
    data_dir: &Path,
    name: &str,
    definition: Option<&Definition>,
) -> anyhow::Result<()> {
    let kept = Kept { name: name.to_owned(), definition: definition.cloned() };
    journals::write(doors, data_dir, &TOOLS, |journal, _| {
        journal.append(KIND, &kept, None)?;
        journal.commit()?;
        Ok(())
    })
}

/// Adds the tools that were kept to `registry`. One that cannot be used any more is left out and told.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn restore(doors: &Doors, data_dir: &Path, registry: &Registry) -> anyhow::Result<()> {
    let mut last: BTreeMap<String, Option<Definition>> = BTreeMap::new();
    for record in
        JournalFile::of(doors, data_dir, &TOOLS).records()?.iter().filter(|record| record.kind == KIND)
    {
        let kept: Kept = serde_json::from_str(record.body.get())
            .with_context(|| format!("record {} of tools.journal is no tool", record.seq))?;
        last.insert(kept.name, kept.definition);
    }
    let known: Vec<String> =
        registry.custom().iter().map(|tool| tools::Tool::about(&**tool).name.clone()).collect();
    for (name, definition) in last {
        let Some(definition) = definition.filter(|_| !known.contains(&name)) else { continue };
        if let Err(error) = registry.add(&name, definition) {
            terminal::say_aside(&format!("warning: a tool that was kept is left out: {error}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use platform::clock::SystemClock;
    use platform::sim_disk::SimDisk;

    use super::*;

    fn defined(question: &str) -> Definition {
        Definition {
            description: "List who calls.\nWhen to use: for callers; for callees.\nWhen NOT to use: why (`investigate`)."
                .to_owned(),
            question: question.to_owned(),
            ..Definition::default()
        }
    }

    // covers: EL-51
    #[test]
    fn the_last_word_about_a_tool_counts_and_the_configuration_comes_first() {
        let doors = Doors { clock: Arc::new(SystemClock::new()), disk: Arc::new(SimDisk::new()) };
        let folder = Path::new("/data");
        let restored = || {
            let registry = Registry::new(tools::dialects::default());
            registry.add("configured", defined("health")).unwrap();
            restore(&doors, folder, &registry).unwrap();
            let question = |tool: &Arc<tools::Custom>| {
                (tools::Tool::about(&**tool).name.clone(), tool.definition().question.clone())
            };
            registry.custom().iter().map(question).collect::<Vec<_>>()
        };
        let pair = |name: &str, question: &str| (name.to_owned(), question.to_owned());
        assert_eq!(restored(), [pair("configured", "health")], "there is no file yet");
        for (name, definition) in [
            ("callers", Some(defined("edges"))),
            ("configured", Some(defined("edges"))),
            ("gone", Some(defined("edges"))),
            ("callers", Some(defined("onset"))),
            ("gone", None),
        ] {
            keep(&doors, folder, name, definition.as_ref()).unwrap();
        }
        assert_eq!(restored(), [pair("callers", "onset"), pair("configured", "health")]);
    }
}
