//! The back ends that are asked: whether each answers, what it knows, and how fresh that is.

use std::collections::BTreeSet;

use telemetry::answer::Table;
use telemetry::{
    Ask, AskError, Cancel, Limits, Question, QuestionId, Scope, Source, Space, UnixNanos, Window,
};

use super::Finding;
use crate::asked;
use crate::config::Asked;
use crate::wiring::Doors;

const CHECK: &str = "source";
/// How far back data are looked for.
const BACK_SECONDS: i64 = 300;
/// Age of the latest data from which they are called old: scrapes and exports come at least once a minute.
const OLD_SECONDS: i64 = 120;

/// One finding for each source.
pub(super) async fn check(asked: &Asked, doors: &Doors) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, settings) in &asked.sources {
        let alone = Asked { sources: [(name.clone(), settings.clone())].into(), ..Asked::default() };
        match asked::open(&alone, &[]) {
            Err(error) => findings.push(Finding::failed(CHECK, &error, "look at [sources.NAME]")),
            Ok(opened) => {
                for source in opened {
                    findings.push(one(&*source, UnixNanos(doors.clock.now_unix_nanos())).await);
                }
            }
        }
    }
    findings
}

async fn one(source: &dyn Source, now: UnixNanos) -> Finding {
    let name = source.name();
    let window = Window::new(now.plus_seconds(-BACK_SECONDS), now);
    let tells_requests = source.can().answers("onset");
    let ask = if tells_requests {
        Ask::Onset { window, scope: Scope::all() }
    } else {
        Ask::Changes { window, scope: Scope::all() }
    };
    let question = Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: now };
    match source.ask(&question, Limits::default(), &Cancel::default()).await {
        Err(error @ AskError::LimitReached(_)) => Finding::warning(
            CHECK,
            format!("`{name}` answers: {error}"),
            "ask it for less, or count elsewhere",
        ),
        Ok(_) if !tells_requests => {
            Finding::ok(CHECK, format!("`{name}` answers {}", source.can().questions.join(", ")))
        }
        Err(error) => {
            let text = format!("`{name}`: {error}");
            let (says, hint) = text.split_once("; hint: ").unwrap_or((&text, "is its `url` right?"));
            Finding::problem(CHECK, says, hint)
        }
        Ok(answer) => {
            let Table::Onset(rows) = answer.table else {
                return Finding::problem(
                    CHECK,
                    format!("`{name}` answers something else"),
                    "our bug: report it",
                );
            };
            let services: BTreeSet<&str> = rows.iter().map(|row| row.subject.service.as_str()).collect();
            let Some(latest) = rows.iter().map(|row| row.second).max() else {
                let says = format!("`{name}` answers, and knows of no request in the last five minutes");
                return Finding::warning(CHECK, says, "`firstcause config sources` tells what is looked for");
            };
            let age = now.since(latest) / telemetry::time::SECOND_NS;
            let says =
                format!("`{name}` knows requests of {} services, the latest {age} s ago", services.len());
            if age > OLD_SECONDS {
                return Finding::warning(CHECK, says, "do its data come late, or do the clocks differ?");
            }
            Finding::ok(CHECK, says)
        }
    }
}
