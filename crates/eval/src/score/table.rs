//! The report as a page of text: a table a system, then the losing cases.

use super::Report;
use super::figures::{Against, Figures};
use super::judged::Judged;

/// Components of a ranking that are shown.
const SHOWN: usize = 5;

pub(super) fn render(report: &Report) -> String {
    let mut text = report.headline.join("\n") + "\n";
    for (name, figures) in &report.systems {
        text += &format!("\n{name}\n{}", system(figures));
    }
    text += &format!("\nlosing cases: {}\n", report.losing.len());
    for judged in &report.losing {
        text += &losing(judged);
    }
    text
}

fn system(figures: &Figures) -> String {
    let mut rows: Vec<(String, String)> = Vec::new();
    for (share, k) in figures.ac.iter().zip(1..) {
        rows.push((format!("AC@{k}"), share.to_string()));
    }
    rows.push(("Avg@5".to_owned(), format!("{:.3}", figures.avg_at_5)));
    rows.push(("MRR".to_owned(), format!("{:.3}", figures.mrr)));
    let named = [
        ("inner level", figures.inner),
        ("exact root set", figures.exact),
        ("component and kind of fault", figures.fault),
        ("change", figures.change),
        ("path grounded", figures.grounded),
        ("abstention precision", figures.abstention_precision),
        ("abstention recall", figures.abstention_recall),
        ("decoys blamed", figures.decoys_blamed),
        ("loudest service", figures.loudest),
        ("AC@1, root is the loudest", figures.ac1_root_is_loudest),
        ("AC@1, root is not the loudest", figures.ac1_root_is_not_loudest),
    ];
    rows.extend(named.map(|(name, share)| (name.to_owned(), share.to_string())));
    rows.push(("AC@1 against the loudest".to_owned(), against(figures.against_loudest)));
    if let Some(baseline) = figures.against_baseline {
        rows.push(("AC@1 against the baseline".to_owned(), against(baseline)));
    }
    let seconds = format!(
        "median {:.2}, most {:.2}; the engine alone {:.3}",
        figures.seconds_median, figures.seconds_max, figures.engine_seconds_median
    );
    rows.push(("seconds a case".to_owned(), seconds));
    rows.push(("memory at most".to_owned(), format!("{} MiB", figures.peak_bytes_max / (1 << 20))));
    rows.iter().map(|(name, value)| format!("  {name:<30} {value}\n")).collect()
}

fn against(against: Against) -> String {
    format!("{} won, {} lost, p = {:.4}", against.wins, against.losses, against.p)
}

fn losing(judged: &Judged) -> String {
    let label = &judged.label;
    let truth = if label.is_none { "nobody".to_owned() } else { label.roots.join(" + ") };
    let rank = judged.rank.map_or("not ranked".to_owned(), |rank| format!("rank {rank}"));
    let mut text = format!("  {} ({}, {}): {truth}, {rank}\n", label.case, label.system, label.origin);
    text += &format!("      fault: {}\n", label.fault);
    let Some(line) = &judged.line else {
        return text + "      no conclusion\n";
    };
    let ranking: Vec<String> = line
        .ranking
        .iter()
        .take(SHOWN)
        .map(|ranked| format!("{} {:.2}", ranked.component, ranked.score))
        .collect();
    text += &format!("      said: {}\n", line.statement);
    text += &format!("      ranking: {}\n", ranking.join(", "));
    text + &format!("      loudest: {}\n", line.loudest.as_deref().unwrap_or("none"))
}
