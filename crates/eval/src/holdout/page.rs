//! The result as tables in Markdown.

use super::{Holdout, LeftOut, Won};

impl Holdout {
    /// The tables.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text =
            "| system left out | AC@1 own | chosen without it | exact own | chosen without it | nobody rightly blamed own | chosen without it |\n|---|---|---|---|---|---|---|\n"
                .to_owned();
        for (name, LeftOut { own, held_out, .. }) in &self.systems {
            let rooted = own.cases - own.healthy;
            let of = |of: fn(&Won) -> usize, all: usize| {
                if all == 0 {
                    " - | - |".to_owned()
                } else {
                    format!(" {}/{all} | {}/{all} |", of(own), of(held_out))
                }
            };
            let first = of(|won| won.first, rooted);
            let exact = of(|won| won.exact, rooted);
            let abstained = of(|won| won.abstained, own.healthy);
            text += &format!("| {name} |{first}{exact}{abstained}\n");
        }
        text += "\n| system left out | thresholds that the others move | on which the others have a say |\n|---|---|---|\n";
        for (name, left_out) in &self.systems {
            let chosen: Vec<String> =
                left_out.chosen.iter().map(|(name, value)| format!("`{name}` {}", short(*value))).collect();
            let chosen = if chosen.is_empty() { "none".to_owned() } else { chosen.join(", ") };
            let informed: Vec<String> = left_out.informed.iter().map(|name| format!("`{name}`")).collect();
            text += &format!("| {name} | {chosen} | {} |\n", informed.join(", "));
        }
        text + &self.render_sensitivity()
    }

    /// The points of each system over the grid, where they are not all the same.
    fn render_sensitivity(&self) -> String {
        let mut text = "\n| threshold | values | system | points |\n|---|---|---|---|\n".to_owned();
        for one in &self.sensitivity {
            let values: Vec<String> = one.values.iter().map(|value| short(*value)).collect();
            let moving = one.points.iter().filter(|(_, points)| {
                points.iter().any(|point| points.first().is_some_and(|first| (point - first).abs() > 1e-9))
            });
            for (system, points) in moving {
                let points: Vec<String> = points.iter().map(|point| format!("{point:.3}")).collect();
                text += &format!(
                    "| `{}` | {} | {system} | {} |\n",
                    one.threshold,
                    values.join(", "),
                    points.join(", ")
                );
            }
        }
        text
    }
}

/// Three digits are what a grid is worth.
fn short(value: f64) -> String {
    if value < 0.01 { format!("{value:.5}") } else { format!("{value:.3}") }
}
