//! `handover`: what the next shift must know: incidents and what became of them, changes, and how the system is now.

use serde_json::{Value, json};

use crate::cli::tools::Handover;
use crate::failure::Outcome;
use crate::{remote, terminal};

/// Gathers and prints it.
pub(crate) async fn run(args: Handover) -> anyhow::Result<Outcome> {
    let start = format!("now-{}s", args.since);
    let asked = [
        ("incidents", json!({ "start": start })),
        ("changes", json!({ "start": start })),
        ("status", json!({})),
    ];
    let mut parts = Vec::new();
    for (tool, arguments) in asked {
        parts.push((tool, remote::call(args.at, tool, &arguments).await?));
    }
    // What waits for a person is said first: nobody else does it.
    let waiting = waiting(&args, &parts).await?;
    if args.json {
        let mut whole = json!({ "schema": "firstcause.handover/1", "waiting": waiting });
        if let Value::Object(whole) = &mut whole {
            whole.extend(
                parts.into_iter().map(|(tool, reply)| (tool.to_owned(), reply["structured"].clone())),
            );
        }
        terminal::say(&serde_json::to_string_pretty(&whole)?)?;
        return Ok(Outcome::AsAsked);
    }
    let texts = parts.iter().filter_map(|(_, reply)| reply["text"].as_str()).map(without_hints);
    let texts: Vec<String> =
        waiting.iter().map(|line| format!("WAITS FOR A PERSON: {line}")).chain(texts).collect();
    terminal::say(&texts.join("\n\n"))?;
    Ok(Outcome::AsAsked)
}

/// The incidents about which a person is asked, and where.
async fn waiting(args: &Handover, parts: &[(&str, Value)]) -> anyhow::Result<Vec<String>> {
    let rows = parts
        .iter()
        .find(|(tool, _)| *tool == "incidents")
        .map(|(_, reply)| &reply["structured"]["incidents"]);
    let mut waiting = Vec::new();
    for row in rows.and_then(Value::as_array).into_iter().flatten() {
        let (Some(incident), true) = (row["incident"].as_str(), row["status"] == "running") else { continue };
        let asked = remote::call(args.at, "propose_action", &json!({ "incident": incident })).await;
        let Ok(reply) = asked else {
            waiting.push(format!(
                "{incident} runs; with this key it cannot be asked whether a person must decide"
            ));
            continue;
        };
        if let Some(place) = reply["structured"]["decide_at"].as_str() {
            waiting.push(format!("{incident} {} at {place}", row["headline"].as_str().unwrap_or_default()));
        }
    }
    Ok(waiting)
}

/// A person who reads a page calls no tool.
fn without_hints(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("next: "));
    lines.map(terminal::plain).collect::<Vec<_>>().join("\n")
}
