//! The arguments of `backtest`.

use std::path::PathBuf;

use clap::Args;

use super::eval::EvalConditions;

#[derive(Debug, Args)]
pub(crate) struct Backtest {
    /// The folder of your incidents, one folder each with `incident.json` and its telemetry
    #[arg(value_name = "DIR", required_unless_present = "example")]
    pub(crate) dir: Option<PathBuf>,
    /// Write a few made-up incidents into this new folder, to try it and to see the form
    #[arg(long, value_name = "DIR", conflicts_with_all = ["dir", "keep", "json", "at_least"])]
    pub(crate) example: Option<PathBuf>,
    /// Keep cases, answers and conclusions in this folder, which must be new
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Exit with 1 when a smaller share of the incidents than this is explained
    #[arg(long, value_name = "0..1", value_parser = share)]
    pub(crate) at_least: Option<f64>,
    /// Print the result as JSON (firstcause.backtest/1)
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) conditions: EvalConditions,
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| format!("`{text}` is no share; hint: a number from 0 to 1, such as 0.8"))
}
