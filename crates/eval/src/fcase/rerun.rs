//! The engine again on what a case file holds, with a kind of data taken away: how does the conclusion move?
//!
//! Where the signals are in the file they are asked anew without that kind. Where only answers are, those are filtered,
//! and a question that nobody asked before stays unanswered: that is told, because it may be what moves the conclusion.

use incident::{Conclusion, ConclusionKind, canonical};
use investigation::Diagnosis;
use serde::Serialize;
use telemetry::{Answered, Inquiry, Next};

use super::contents::Contents;
use super::recorded::{Recorded, not_recorded};
use crate::predict;
use telemetry::recorded::TableSource;
use telemetry::recorded::{Kind, Tables};

/// The schema name of what moved.
pub const SCHEMA: &str = "firstcause.fcase-without/1";

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Without {
    /// Everything that was changed.
    Changes,
    /// Deploys alone.
    Deploys,
    /// Log records.
    Logs,
    /// Metric series.
    Metrics,
    /// Spans.
    Traces,
}

impl Without {
    /// All of them, sorted by name.
    pub const ALL: [Self; 5] = [Self::Changes, Self::Deploys, Self::Logs, Self::Metrics, Self::Traces];

    /// The kind of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Deploys => "deploys",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }

    fn take_from(self, tables: &mut Tables) {
        match self {
            Self::Changes => tables.remove(Kind::Changes),
            Self::Deploys => tables.changes.retain(|change| change.kind != "deploy"),
            Self::Logs => tables.remove(Kind::Logs),
            Self::Metrics => tables.remove(Kind::Metrics),
            Self::Traces => tables.remove(Kind::Traces),
        }
    }
}

/// One side of the comparison.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Side {
    /// Which of the three conclusions.
    pub conclusion: ConclusionKind,
    /// Its sentence.
    pub statement: String,
    /// Who is blamed.
    pub blamed: Vec<String>,
    /// The kind of fault.
    pub fault: Option<String>,
    /// The change that is named as its trigger.
    pub trigger: Option<String>,
    /// Who and what was ruled out, with the rule.
    pub ruled_out: Vec<String>,
    /// What could not be looked at.
    pub gaps: Vec<String>,
}

/// The conclusion with everything and without something.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Changed {
    /// [`SCHEMA`].
    pub schema: String,
    /// The incident.
    pub incident: String,
    /// What was taken away.
    pub without: Vec<Without>,
    /// Whether the conclusion differs in anything.
    pub has_moved: bool,
    /// With everything.
    pub before: Side,
    /// Without it.
    pub after: Side,
    /// Whether the signals were asked anew, or recorded answers were filtered.
    pub is_from_signals: bool,
    /// Questions that came up and that nobody had asked when this was recorded.
    pub not_recorded: Vec<String>,
}

impl Contents {
    /// The conclusion without these kinds of data; nothing when the file holds no alert, or the engine does not end.
    #[must_use]
    pub fn without(&self, without: &[Without]) -> Option<Changed> {
        let alert = self.alert()?.clone();
        let mut open = Vec::new();
        let after = match &self.case {
            Some(case) => {
                let mut tables = case.tables.clone();
                without.iter().for_each(|kind| kind.take_from(&mut tables));
                let source = TableSource::new(tables);
                drive(Diagnosis::new(alert), |question| vec![predict::answer(question, &source)])?
            }
            None => {
                let recorded = Recorded::of(&self.logged);
                drive(Diagnosis::new(alert), |question| {
                    recorded.answers(question, without).unwrap_or_else(|| {
                        open.push(format!("{} {}", question.id, question.ask.name()));
                        vec![not_recorded(question)]
                    })
                })?
            }
        };
        let text = |conclusion: &Conclusion| canonical::to_text(conclusion).ok();
        Some(Changed {
            schema: SCHEMA.to_owned(),
            incident: self.about.incident.clone(),
            without: without.to_vec(),
            has_moved: text(&self.conclusion) != text(&after),
            before: side(&self.conclusion),
            after: side(&after),
            is_from_signals: self.case.is_some(),
            not_recorded: open,
        })
    }
}

fn drive(
    mut diagnosis: Diagnosis,
    mut answer: impl FnMut(&telemetry::Question) -> Vec<Answered>,
) -> Option<Conclusion> {
    let mut answers: Vec<Answered> = Vec::new();
    for _ in 0..predict::STEPS_MAX {
        match diagnosis.step(&answers).next {
            Next::Done(conclusion) => return Some(conclusion),
            Next::Ask(questions) => answers = questions.iter().flat_map(&mut answer).collect(),
        }
    }
    None
}

fn side(conclusion: &Conclusion) -> Side {
    let cause = conclusion.root_cause.as_ref();
    let trigger = cause.and_then(|cause| cause.trigger.as_ref()).map(|trigger| {
        let change = &trigger.change;
        format!("{} {} -> {}", change.service, change.before, change.after).trim().to_owned()
    });
    let ruled_out = conclusion.ruled_out.iter().map(|item| {
        let candidate = &item.candidate;
        format!("{} {} ({})", candidate.service, candidate.name, item.rule).trim().to_owned()
    });
    Side {
        conclusion: conclusion.kind,
        statement: conclusion.statement.clone(),
        blamed: cause
            .into_iter()
            .chain(&conclusion.further_causes)
            .map(|cause| cause.service.clone())
            .collect(),
        fault: cause.map(|cause| cause.fault.name().to_owned()),
        trigger,
        ruled_out: ruled_out.collect(),
        gaps: conclusion.gaps.iter().map(|gap| gap.missing.clone()).collect(),
    }
}

impl Changed {
    /// Both sides beside each other, as a page of text.
    #[must_use]
    pub fn render(&self) -> String {
        let names: Vec<&str> = self.without.iter().map(|kind| kind.name()).collect();
        let how = if self.is_from_signals {
            "the signals were asked anew"
        } else {
            "recorded answers were filtered"
        };
        let moved = if self.has_moved { "moves" } else { "stays to the byte" };
        let mut text = format!("without {} the conclusion {moved} ({how})\n", names.join(" and "));
        let word = |side: &Side| {
            serde_json::to_value(side.conclusion).ok().and_then(|value| value.as_str().map(str::to_owned))
        };
        let rows = [
            ("conclusion", word(&self.before).unwrap_or_default(), word(&self.after).unwrap_or_default()),
            ("blamed", self.before.blamed.join(", "), self.after.blamed.join(", ")),
            (
                "fault",
                self.before.fault.clone().unwrap_or_default(),
                self.after.fault.clone().unwrap_or_default(),
            ),
            (
                "trigger",
                self.before.trigger.clone().unwrap_or_default(),
                self.after.trigger.clone().unwrap_or_default(),
            ),
            ("statement", self.before.statement.clone(), self.after.statement.clone()),
            ("ruled out", self.before.ruled_out.join("; "), self.after.ruled_out.join("; ")),
            ("gaps", self.before.gaps.join("; "), self.after.gaps.join("; ")),
        ];
        for (name, before, after) in rows {
            text += &columns(name, &before, &after);
        }
        for open in &self.not_recorded {
            text += &format!("not recorded: {open}, which nobody had asked\n");
        }
        text
    }
}

/// Characters of a column.
const WIDTH: usize = 56;

/// A row of two columns, folded at blanks; a sign between them tells whether they differ.
fn columns(name: &str, before: &str, after: &str) -> String {
    let (left, right) = (folded(before), folded(after));
    let sign = if before == after { ' ' } else { '>' };
    let line = |lines: &[String], place: usize| lines.get(place).cloned().unwrap_or_default();
    let rows = (0..left.len().max(right.len()).max(1)).map(|place| {
        let name = if place == 0 { name } else { "" };
        let (left, right) = (line(&left, place), line(&right, place));
        format!("{name:>10}  {left:<WIDTH$} {sign} {right}").trim_end().to_owned() + "\n"
    });
    rows.collect()
}

fn folded(text: &str) -> Vec<String> {
    let clean: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    let mut lines: Vec<String> = Vec::new();
    for word in clean.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + word.chars().count() < WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
