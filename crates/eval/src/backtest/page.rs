//! The backtest as a page of text: the sum first, then the lost incidents with their reasons, then the others.

use super::{Backtest, Outcome, Told};

pub(super) fn render(backtest: &Backtest) -> String {
    let mut text =
        format!("{} of {} incidents would have been explained", backtest.explained, backtest.incidents);
    let told =
        [(backtest.abstained, "not explained, and said so"), (backtest.misled, "somebody else blamed")];
    for (count, what) in told {
        if count > 0 {
            text += &format!("\n  {count} {what}");
        }
    }
    text += "\n";
    for outcome in [Outcome::Misled, Outcome::Abstained, Outcome::Explained] {
        for one in backtest.cases.iter().filter(|one| one.outcome == outcome) {
            text += &incident(one);
        }
    }
    text
}

fn incident(one: &Told) -> String {
    let outcome = match one.outcome {
        Outcome::Explained => "explained",
        Outcome::Abstained => "not explained",
        Outcome::Misled => "misled",
    };
    let truth = if one.roots.is_empty() { "nobody".to_owned() } else { one.roots.join(" + ") };
    let mut rows = vec![("cause", truth), ("said", plain(&one.said))];
    if let Some(is_named) = one.is_change_named {
        rows.push(("change", if is_named { "named" } else { "not named" }.to_owned()));
    }
    rows.extend(one.why.iter().map(|why| ("why", plain(why))));
    rows.extend(one.missing.iter().map(|missing| ("missing", plain(missing))));
    let rows: String = rows.iter().map(|(name, value)| format!("  {name:>8}  {value}\n")).collect();
    format!("\n{} [{outcome}] ({:.2} s, {})\n{rows}", plain(&one.incident), one.seconds, one.case)
}

/// Text of telemetry without control characters: it cannot move a cursor.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
