//! Figures for people: thresholds, medians and plain text tables.

use serde_json::{Value, json};

use super::judge::Row;

/// A threshold beside what was found.
#[derive(Clone, Debug)]
pub(super) struct Check {
    what: String,
    found: String,
    needed: String,
    pub(super) passed: bool,
}

impl Check {
    /// So many and no other number.
    pub(super) fn exactly(what: &str, found: usize, needed: usize) -> Self {
        Self::new(what, found.to_string(), needed.to_string(), found == needed)
    }

    /// So many of a number, or more.
    pub(super) fn at_least(what: &str, found: usize, (needed, of): (usize, usize)) -> Self {
        Self::new(what, format!("{found} of {of}"), format!("at least {needed}"), found >= needed)
    }

    /// No more seconds than these; not knowing is not enough.
    pub(super) fn seconds(what: &str, found: Option<f64>, most: f64) -> Self {
        let passed = found.is_some_and(|seconds| seconds <= most);
        Self::new(what, seconds(found), format!("at most {most} s"), passed)
    }

    pub(super) fn new(what: &str, found: String, needed: String, passed: bool) -> Self {
        Self { what: what.to_owned(), found, needed, passed }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"what": self.what, "found": self.found, "needed": self.needed, "passed": self.passed})
    }
}

/// The median; of an even number, the mean of the two in the middle.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Seconds with one digit, `-` when there are none.
pub(super) fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1} s"))
}

/// Lines of equal columns: the first to the left, the others to the right.
pub(crate) fn columns(head: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    all.iter().map(line).collect()
}

/// The thresholds.
pub(super) fn checks(checks: &[Check]) -> Vec<String> {
    let rows: Vec<Vec<String>> = checks
        .iter()
        .map(|check| {
            let word = if check.passed { "pass" } else { "FAIL" };
            vec![check.what.clone(), check.found.clone(), check.needed.clone(), word.to_owned()]
        })
        .collect();
    let mut lines = vec![String::new()];
    lines.extend(columns(&["threshold", "found", "needed", ""], &rows));
    lines
}

/// Every run that says something else than the truth, or needed another attempt.
pub(super) fn conspicuous(rows: &[Row]) -> Vec<String> {
    let lines: Vec<String> = rows.iter().filter(|row| !row.is_plain()).map(Row::line).collect();
    let head = format!("{} runs to look at", lines.len());
    [String::new(), head].into_iter().chain(lines).collect()
}

#[test]
fn medians_of_odd_even_and_no_numbers() {
    assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
    assert_eq!(median([]), None);
}

#[test]
fn thresholds_are_met_at_their_value_and_missing_seconds_do_not_pass() {
    assert!(Check::at_least("x", 19, (19, 21)).passed && !Check::at_least("x", 18, (19, 21)).passed);
    assert!(Check::seconds("x", Some(30.0), 30.0).passed && !Check::seconds("x", Some(30.1), 30.0).passed);
    assert!(!Check::seconds("x", None, 30.0).passed);
    assert!(!Check::exactly("x", 1, 0).passed);
}

#[test]
fn columns_are_as_wide_as_their_widest_cell() {
    let lines = columns(&["fault", "n"], &[vec!["a".to_owned(), "10".to_owned()]]);
    assert_eq!(lines, ["fault   n", "a      10"]);
}
