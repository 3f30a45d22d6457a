//! The result as a page in Markdown.

use super::{Calibration, Figures, Interval, Tally};

const HEAD: &str = "\
# calibration

From `firstcause eval calibrate NEZHA PETSHOP ROOTCAUSEBENCH OPENSRE --keep DIR --out docs/results` of the release build; the same command with `--table crates/investigation/src/confidence/table.rs` writes what the engine reads.
Decision [0033](../decisions/0033-calibrated-confidence.md) says how a confidence is made.

Every case is run as recorded and under conditions that really happen: the alert early or late, kinds of telemetry missing, traces sampled at the head.
A condition that takes nothing away from a case is no run of it.
A run counts below when it names a cause on evidence that had a bar to clear (what things are has none: there a mechanism is shown or it is not); it is right when the component, and where the labels tell it the kind of fault, is right. Naming anybody where nobody is to blame is wrong.
For each system the weights are fitted to the *other* systems and tried on it: none of its runs is in the fit.
What is scored is the figure as it would be shown, capped by coverage.

- **Skill** is one minus the Brier score over that of a constant: the base rate of the *learned* systems, which a forecaster would have. Beside it stands the skill against the base rate of the *own* runs, which nobody can know beforehand; it is positive only when the figure tells one run from another.
- **Intervals in brackets** are at 95 %, by drawing cases anew with all their runs (1000 times). Those of the reliability tables are Wilson's, as if all runs were independent: they are too narrow.
- **ECE** is the expected calibration error over ten bins; **concordance** is how often a right run has the higher confidence than a wrong one (0.5 is chance).
- **At 80 %** only the surest four fifths of the causes are named.
";

/// The page.
pub(super) fn render(calibration: &Calibration) -> String {
    let mut text = HEAD.to_owned();
    text += "\n## Ways to a conclusion\n\n";
    text += "A way is measured when its skill has an interval above zero, and its skill against its own base rate is positive too.\n\n";
    text += &format!("| way | measured | systems |{FIGURES}\n|---|---|---|{FIGURES_RULE}\n");
    for (name, verdict) in &calibration.routes {
        let systems: Vec<&str> = verdict.systems.iter().map(String::as_str).collect();
        let measured = if verdict.is_measured { "yes" } else { "no" };
        text += &format!("| {name} | {measured} | {} |{}\n", systems.join(", "), cells(&verdict.figures));
    }
    text += "\n";
    for (name, verdict) in &calibration.routes {
        text += &format!("- {name}: {}.\n", verdict.why);
    }
    text += "\n## Systems, each left out in turn\n\n";
    text += &format!("| system left out |{FIGURES}\n|---|{FIGURES_RULE}\n");
    for (name, figures) in &calibration.systems {
        text += &format!("| {name} |{}\n", cells(figures));
    }
    text += &format!("| all of them |{}\n", cells(&calibration.overall));
    text += "\n## Reliability\n\n![reliability curve](calibration.svg)\n\nAll systems, each as it was left out; the number at a point is its runs.\n";
    text += &reliability(&calibration.overall);
    for (name, verdict) in calibration.routes.iter().filter(|(_, verdict)| verdict.figures.runs > 0) {
        text += &format!("\nOn the way of {name}:\n{}", reliability(&verdict.figures));
    }
    for (name, figures) in &calibration.systems {
        text += &format!("\n{name} left out:\n{}", reliability(figures));
    }
    text += &weights(calibration);
    text += "\n## Where the runs come from\n\n";
    let (cases, runs) = calibration
        .tallies
        .values()
        .fold((0, 0), |(cases, runs), tally| (cases + tally.cases, runs + tally.runs));
    text += &format!("{cases} cases under {} conditions are {runs} runs.\n\n", calibration.conditions);
    text += &tallies("system", calibration.tallies.iter());
    text += "\n";
    text += &tallies("what is taken away, at every time", calibration.losses.iter());
    text += "\n";
    text + &tallies("seconds from the time of the alert, whatever is taken away", calibration.shifts.iter())
}

const FIGURES: &str = " cases | runs | right | learned base rate | Brier | skill | skill, own base rate | ECE | concordance | right at 100 % | right at 80 % |";
const FIGURES_RULE: &str = "---|---|---|---|---|---|---|---|---|---|---|";

fn cells(figures: &Figures) -> String {
    if figures.runs == 0 {
        return " 0 | 0 | - | - | - | - | - | - | - | - | - |".to_owned();
    }
    let concordance = figures.concordance.map_or("-".to_owned(), |value| format!("{value:.2}"));
    format!(
        " {} | {} | {:.3} | {:.3} | {:.3} | {} | {} | {:.3} | {concordance} | {} | {} |",
        figures.cases,
        figures.runs,
        figures.base_rate,
        figures.base_rate_learned,
        figures.brier,
        interval(figures.skill),
        interval(figures.skill_own),
        figures.ece,
        interval(figures.accuracy),
        interval(figures.accuracy_at_80),
    )
}

fn interval(interval: Option<Interval>) -> String {
    interval
        .map_or("-".to_owned(), |Interval { value, low, high }| format!("{value:.3} [{low:.2}, {high:.2}]"))
}

fn reliability(figures: &Figures) -> String {
    let mut text = "\n| confidence | runs | mean | right |\n|---|---|---|---|\n".to_owned();
    for bin in &figures.reliability {
        let (share, low, high) = (bin.right.share, bin.right.low, bin.right.high);
        text += &format!(
            "| {:.1} to {:.1} | {} | {:.3} | {share:.3} [{low:.2}, {high:.2}] |\n",
            bin.from, bin.to, bin.right.of, bin.predicted
        );
    }
    text
}

fn weights(calibration: &Calibration) -> String {
    let names: Vec<&str> = calibration.fitted.weights.keys().copied().collect();
    let mut text = format!(
        "\n## Weights\n\nIn logits, of figures between 0 and 1 that reassure more the larger they are; none may fall below zero.\n\n| fitted without | intercept | {} |\n|---|---|{}\n",
        names.join(" | "),
        "---|".repeat(names.len())
    );
    let all = ("none of them", &calibration.fitted);
    let without = calibration.without.iter().map(|(name, weights)| (name.as_str(), weights));
    for (name, fitted) in without.chain([all]) {
        let cells: String = fitted.weights.values().map(|weight| format!(" {weight:.2} |")).collect();
        text += &format!("| {name} | {:.2} |{cells}\n", fitted.intercept);
    }
    text
}

fn tallies<'a, N: std::fmt::Display + 'a>(
    what: &str,
    tallies: impl Iterator<Item = (&'a N, &'a Tally)>,
) -> String {
    let mut text = format!(
        "| {what} | cases | runs | named | right | wrong | cases with a wrong run | with a bar |\n|---|---|---|---|---|---|---|---|\n"
    );
    for (name, Tally { cases, runs, named, right, barred, cases_wrong, .. }) in tallies {
        text += &format!(
            "| {name} | {cases} | {runs} | {named} | {right} | {} | {cases_wrong} | {barred} |\n",
            named - right
        );
    }
    text
}
