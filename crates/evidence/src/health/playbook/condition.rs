//! Conditions of playbooks: comparisons of figures, which the health layer knows, with numbers.
//!
//! `failure_rate > 0.1 and deployments_before_onset >= 1`. There is no other operator and no text, so that a condition
//! is either evaluated or refused when it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// The figures that conditions may name, sorted.
pub const FIGURES: [&str; 8] = [
    // Share of failed requests whose errors come from a call: time-outs and connections, 0 to 1.
    "dependency_error_share",
    // Deployments before the onset and at most half an hour from it.
    "deployments_before_onset",
    // Dependencies of which more than a tenth of the calls fail.
    "failing_dependencies",
    // Share of failed requests, 0 to 1.
    "failure_rate",
    // The same over that of the baseline.
    "failure_rate_growth",
    // Median latency over that of the baseline.
    "latency_growth",
    // Largest growth of the memory of a process over the window, as a share of its start.
    "memory_growth",
    // Requests a minute over those of the baseline.
    "throughput_growth",
];

/// Figures by name; what is not known is absent.
pub type Facts = BTreeMap<&'static str, f64>;

/// Comparisons that must all hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    comparisons: Vec<Comparison>,
}

#[derive(Debug, Clone, PartialEq)]
struct Comparison {
    figure: &'static str,
    operator: Operator,
    value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Above,
    AtLeast,
    AtMost,
    Below,
}

/// A text that is no condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseConditionError(String);

impl fmt::Display for ParseConditionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "read `{}` as a condition: write `FIGURE > NUMBER`, with >, >=, < or <=, joined by `and`; ",
            self.0
        )?;
        write!(f, "figures are {}", FIGURES.join(", "))
    }
}

impl std::error::Error for ParseConditionError {}

impl Condition {
    /// Whether it holds; nothing when a figure is missing, unless another comparison fails already.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts) -> Option<bool> {
        let outcomes: Vec<Option<bool>> = self.comparisons.iter().map(|one| one.evaluate(facts)).collect();
        if outcomes.contains(&Some(false)) {
            Some(false)
        } else if outcomes.contains(&None) {
            None
        } else {
            Some(true)
        }
    }
}

impl Comparison {
    fn evaluate(&self, facts: &Facts) -> Option<bool> {
        let known = *facts.get(self.figure)?;
        Some(match self.operator {
            Operator::Above => known > self.value,
            Operator::AtLeast => known >= self.value,
            Operator::AtMost => known <= self.value,
            Operator::Below => known < self.value,
        })
    }
}

impl FromStr for Condition {
    type Err = ParseConditionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let comparisons: Option<Vec<Comparison>> = text.split(" and ").map(comparison).collect();
        comparisons
            .map(|comparisons| Self { comparisons })
            .ok_or_else(|| ParseConditionError(text.to_owned()))
    }
}

fn comparison(text: &str) -> Option<Comparison> {
    let mut words = text.split_whitespace();
    let (name, operator, number) = (words.next()?, words.next()?, words.next()?);
    let figure = FIGURES.into_iter().find(|figure| *figure == name)?;
    let operator = match operator {
        ">" => Operator::Above,
        ">=" => Operator::AtLeast,
        "<=" => Operator::AtMost,
        "<" => Operator::Below,
        _ => return None,
    };
    let value = number.parse::<f64>().ok().filter(|value| value.is_finite())?;
    words.next().is_none().then_some(Comparison { figure, operator, value })
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, one) in self.comparisons.iter().enumerate() {
            let operator = match one.operator {
                Operator::Above => ">",
                Operator::AtLeast => ">=",
                Operator::AtMost => "<=",
                Operator::Below => "<",
            };
            let joint = if place == 0 { "" } else { " and " };
            write!(f, "{joint}{} {operator} {}", one.figure, one.value)?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
