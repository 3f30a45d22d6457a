//! `rules`: what the engine measures and by which rules it rules out, told by the code itself.
//!
//! The page `docs/rules.md` is what `rules --markdown` prints, and a test holds it against that. Explains no single
//! conclusion: that is the report's.

use anyhow::Context as _;
use evidence::measures;
use investigation::rules;
use serde::Serialize;

use crate::cli::RulesCommand;
use crate::failure::Outcome;
use crate::terminal;

/// The schema name of the list.
const SCHEMA: &str = "firstcause.rules/1";

#[derive(Debug, Serialize)]
struct List {
    schema: &'static str,
    measures: Vec<MeasureRow>,
    rules: Vec<RuleRow>,
}

#[derive(Debug, Serialize)]
struct MeasureRow {
    name: &'static str,
    finds: &'static str,
    questions: &'static [&'static str],
}

#[derive(Debug, Serialize)]
struct RuleRow {
    id: &'static str,
    says: &'static str,
}

/// Prints the list in the form that was asked for.
pub(crate) fn run(args: &RulesCommand) -> anyhow::Result<Outcome> {
    let list = list();
    let text = if args.json {
        serde_json::to_string_pretty(&list).context("failed to write the list")?
    } else if args.markdown {
        markdown(&list)
    } else {
        plain(&list)
    };
    terminal::say(text.trim_end())?;
    Ok(Outcome::AsAsked)
}

fn list() -> List {
    let measures = measures::all()
        .iter()
        .map(|one| MeasureRow { name: one.name, finds: one.finds, questions: one.questions })
        .collect();
    let of_findings = rules::all().iter().map(|rule| RuleRow { id: rule.id, says: rule.says });
    let of_changes = rules::of_changes::all().iter().map(|rule| RuleRow { id: rule.id, says: rule.says });
    let of_state = rules::of_state::all().iter().map(|rule| RuleRow { id: rule.id, says: rule.says });
    let mut rules: Vec<RuleRow> = of_findings.chain(of_changes).chain(of_state).collect();
    rules.sort_by_key(|rule| rule.id);
    List { schema: SCHEMA, measures, rules }
}

fn markdown(list: &List) -> String {
    let mut text = "# Measures and rules\n\n\
        What `firstcause rules --markdown` prints: the list in the code, and nothing beside it.\n\n\
        ## Measures\n\nEach turns answers into evidence of one kind.\n\n\
        | measure | finds | from the answers to |\n|---|---|---|\n"
        .to_owned();
    for one in &list.measures {
        text += &format!("| `{}` | {} | {} |\n", one.name, one.finds, one.questions.join(", "));
    }
    text += "\n## Rules\n\nEach rules candidates out, with its check and its numbers in the report.\n\n\
        | rule | says |\n|---|---|\n";
    for rule in &list.rules {
        text += &format!("| `{}` | {} |\n", rule.id, rule.says);
    }
    text
}

fn plain(list: &List) -> String {
    let mut text = "measures\n".to_owned();
    for one in &list.measures {
        text += &format!("  {:<24} {} ({})\n", one.name, one.finds, one.questions.join(", "));
    }
    text += "rules\n";
    for rule in &list.rules {
        text += &format!("  {:<24} {}\n", rule.id, rule.says);
    }
    text
}
