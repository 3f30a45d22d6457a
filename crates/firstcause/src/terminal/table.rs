//! An answer as a plain table: one line a row, columns aligned, units in the heads.

use evidence::measures::messages;
use telemetry::answer::{
    Answer, CompareTable, CoverageRow, LogRow, LogTemplateRow, PathRow, SeriesKind, SeriesRow, Split,
    StateRow, Subject, Table, Tally,
};
use telemetry::number::Num;

use super::plain;

/// The answer as text.
pub(crate) fn table(answer: &Answer) -> String {
    let (heads, rows) = cells(&answer.table);
    let mut text = aligned(&heads, &rows);
    if rows.is_empty() {
        text.push_str("(no rows)\n");
    }
    if let Table::Message(rows) = &answer.table {
        text.push_str(&format!("{}\n", plain(&messages::stop(rows))));
    }
    if answer.unreadable > 0 {
        text.push_str(&format!(
            "damaged: {} rows could not be read; hint: firstcause store check\n",
            answer.unreadable
        ));
    }
    if answer.left_out > 0 {
        text.push_str(&format!("left out: {} items not complete\n", answer.left_out));
    }
    if answer.truncated {
        text.push_str("truncated: there are more rows; narrow the window or the scope\n");
    }
    if answer.quantile_error.get() > 0.0 {
        text.push_str(&format!("quantiles are within {:.0} %\n", answer.quantile_error.get() * 100.0));
    }
    if !answer.from_metrics.is_empty() {
        let services = plain(&answer.from_metrics.join(", "));
        text.push_str(&format!("from metrics, quantiles are of means: {services}\n"));
    }
    text.trim_end().to_owned()
}

type Cells = (Vec<&'static str>, Vec<Vec<String>>);

fn ms(ns: i64) -> String {
    format!("{:.2}", ns as f64 / 1e6)
}

fn mean_ms(sum_ns: i64, count: u64) -> String {
    format!("{:.2}", sum_ns as f64 / count.max(1) as f64 / 1e6)
}

fn subject(subject: &Subject) -> Vec<String> {
    vec![
        subject.service.clone(),
        subject.operation.clone(),
        subject.instance.clone(),
        subject.version.clone(),
    ]
}

fn with(subject_of: &Subject, more: Vec<String>) -> Vec<String> {
    let mut cells = subject(subject_of);
    cells.extend(more);
    cells
}

const WHO: [&str; 4] = ["service", "operation", "instance", "version"];

fn heads(more: &[&'static str]) -> Vec<&'static str> {
    WHO.iter().chain(more).copied().collect()
}

fn cells(table: &Table) -> Cells {
    match table {
        Table::Health(rows) => (
            heads(&["count", "errors", "p50_ms", "p95_ms", "p99_ms"]),
            rows.iter()
                .map(|row| {
                    let figures = [row.count.to_string(), row.errors.to_string()];
                    let latency = [ms(row.p50_ns), ms(row.p95_ns), ms(row.p99_ns)];
                    with(&row.subject, figures.into_iter().chain(latency).collect())
                })
                .collect(),
        ),
        Table::Onset(rows) => (
            heads(&["second", "count", "errors", "p50_ms", "p95_ms"]),
            rows.iter()
                .map(|row| {
                    let figures = [row.second.clock(), row.count.to_string(), row.errors.to_string()];
                    with(&row.subject, figures.into_iter().chain([ms(row.p50_ns), ms(row.p95_ns)]).collect())
                })
                .collect(),
        ),
        Table::SelfTime(table) => (
            heads(&["resource", "count", "errors", "mean_self_ms", "p95_self_ms"]),
            table
                .rows
                .iter()
                .map(|row| {
                    let counts = [row.resource.clone(), row.count.to_string(), row.errors.to_string()];
                    let own = [mean_ms(row.sum_ns, row.count), ms(row.p95_ns)];
                    with(&row.subject, counts.into_iter().chain(own).collect())
                })
                .collect(),
        ),
        other => more_cells(other),
    }
}

fn more_cells(table: &Table) -> Cells {
    match table {
        Table::Exemplars(rows) => (
            vec!["trace_id", "choice", "operation", "start", "duration_ms", "error"],
            rows.iter()
                .map(|row| {
                    vec![
                        row.trace_id.to_string(),
                        format!("{:?}", row.choice).to_lowercase(),
                        row.operation.clone(),
                        row.start.clock(),
                        ms(row.duration_ns),
                        row.is_error.to_string(),
                    ]
                })
                .collect(),
        ),
        Table::Trace(rows) => (
            heads(&["start", "duration_ms", "exclusive_ms"]),
            rows.iter()
                .map(|row| {
                    with(&row.subject, vec![row.start.rfc3339(), ms(row.duration_ns), ms(row.exclusive_ns)])
                })
                .collect(),
        ),
        Table::Edges(rows) => (
            vec!["caller", "callee", "count", "errors", "client_mean_ms", "server_mean_ms", "delay_p50_ms"],
            rows.iter()
                .map(|row| {
                    let mut cells = vec![row.caller.clone(), row.callee.clone()];
                    cells.extend([row.count.to_string(), row.errors.to_string()]);
                    cells.extend([
                        mean_ms(row.client_sum_ns, row.count),
                        mean_ms(row.server_sum_ns, row.count),
                    ]);
                    cells.push(ms(row.delay_p50_ns));
                    cells
                })
                .collect(),
        ),
        Table::Changes(rows) => (
            vec!["at", "kind", "service", "instance", "before", "after"],
            rows.iter()
                .map(|row| {
                    let kind = format!("{:?}", row.kind).to_lowercase();
                    let names =
                        [row.service.clone(), row.instance.clone(), row.before.clone(), row.after.clone()];
                    [row.at.rfc3339(), kind].into_iter().chain(names).collect()
                })
                .collect(),
        ),
        Table::Message(rows) => (
            heads(&["step", "queue", "start", "duration_ms", "error", "trace_id"]),
            rows.iter()
                .map(|row| {
                    let step = format!("{:?}", row.step).to_lowercase();
                    let times = [row.at.rfc3339(), ms(row.duration_ns)];
                    let end = [row.is_error.to_string(), row.trace_id.to_string()];
                    let cells = [step, row.queue.clone()].into_iter().chain(times).chain(end);
                    with(&row.subject, cells.collect())
                })
                .collect(),
        ),
        Table::Paths(table) => (
            vec!["service", "operation", "callers", "kind", "event", "spans"],
            table.rows.iter().flat_map(path_cells).collect(),
        ),
        other => metric_cells(other),
    }
}

/// One line an event; spans without any have a line without one.
fn path_cells(row: &PathRow) -> Vec<Vec<String>> {
    let count = |spans: &[Tally]| spans.iter().map(|tally| tally.count).sum::<u64>().to_string();
    let line = |kind: &str, event: &str, spans: String| {
        let callers = row.callers.join(" < ");
        vec![row.service.clone(), row.operation.clone(), callers, kind.to_owned(), event.to_owned(), spans]
    };
    let whole = std::iter::once(line("span", "", count(&row.spans)));
    let events = row
        .events
        .iter()
        .map(|event| line(&format!("{:?}", event.kind).to_lowercase(), &event.name, count(&event.spans)));
    whole.chain(events).collect()
}

fn template_cells(row: &LogTemplateRow) -> Vec<String> {
    let numbers = [row.severity.to_string(), row.count.to_string(), row.first.rfc3339()];
    [row.service.clone()].into_iter().chain(numbers).chain([row.template.clone()]).collect()
}

fn line_cells(row: &LogRow) -> Vec<String> {
    let trace = row.trace_id.map(|id| id.to_string()).unwrap_or_default();
    let place = [row.at.rfc3339(), row.service.clone(), row.instance.clone(), row.severity.to_string()];
    place.into_iter().chain([trace, row.body.clone()]).collect()
}

fn metric_cells(table: &Table) -> Cells {
    match table {
        Table::LogTemplates(rows) => (
            vec!["service", "severity", "count", "first", "template"],
            rows.iter().map(template_cells).collect(),
        ),
        Table::LogSearch(rows) => (
            vec!["at", "service", "instance", "severity", "trace", "line"],
            rows.iter().map(line_cells).collect(),
        ),
        Table::Compare(table) => (
            vec!["key", "value", "service", "bad_with", "fine_with", "bad_without", "fine_without"],
            compare_cells(table),
        ),
        Table::SeriesChange(rows) => (
            vec![
                "service",
                "instance",
                "version",
                "metric",
                "attributes",
                "kind",
                "unit",
                "n",
                "mean_before",
                "n",
                "mean_now",
                "min_now",
                "max_now",
            ],
            rows.iter().map(series_cells).collect(),
        ),
        Table::State(rows) => (
            vec!["at", "kind", "service", "name", "status", "figures", "text"],
            rows.iter().map(state_cells).collect(),
        ),
        Table::Topology(table) => (
            vec!["caller", "callee"],
            table.calls.iter().map(|call| vec![call.caller.clone(), call.callee.clone()]).collect(),
        ),
        Table::Coverage(rows) => coverage_cells(rows),
        Table::Health(_)
        | Table::Onset(_)
        | Table::SelfTime(_)
        | Table::Paths(_)
        | Table::Exemplars(_)
        | Table::Trace(_)
        | Table::Message(_)
        | Table::Edges(_)
        | Table::Changes(_) => (Vec::new(), Vec::new()),
    }
}

fn coverage_cells(rows: &[CoverageRow]) -> Cells {
    let names = vec![
        "service",
        "instrumented",
        "spans",
        "entry_spans",
        "logs",
        "points",
        "unanswered_calls",
        "sampled",
    ];
    let cells = |row: &CoverageRow| {
        let counts = [row.spans, row.entry_spans, row.logs, row.points, row.unanswered_calls];
        let mut cells = vec![row.service.clone(), row.is_instrumented.to_string()];
        cells.extend(counts.iter().map(u64::to_string));
        cells.push(row.sampled.join(" "));
        cells
    };
    (names, rows.iter().map(cells).collect())
}

fn state_cells(row: &StateRow) -> Vec<String> {
    let figures: Vec<String> =
        row.figures.iter().map(|(name, value)| format!("{name}={}", value.get())).collect();
    let kind = row.kind.name().to_owned();
    let names = [row.service.clone(), row.name.clone(), row.status.clone(), figures.join(" ")];
    [row.at.rfc3339(), kind].into_iter().chain(names).chain([row.text.clone()]).collect()
}

/// One line a value: traces of the bad window with it, and those with another value of the same attribute.
fn compare_cells(table: &CompareTable) -> Vec<Vec<String>> {
    let sum = |blocks: &[Split]| {
        blocks.iter().fold((0, 0), |(fine, bad), block| (fine + block.fine, bad + block.bad))
    };
    let mut lines = Vec::new();
    for attribute in &table.attributes {
        let (fine, bad) = sum(&attribute.blocks);
        for value in &attribute.values {
            let (fine_with, bad_with) = sum(&value.blocks);
            let counts = [bad_with, fine_with, bad - bad_with, fine - fine_with];
            let names = [attribute.key.clone(), value.value.clone(), attribute.service.clone()];
            lines.push(names.into_iter().chain(counts.iter().map(u64::to_string)).collect());
        }
    }
    lines
}

fn series_cells(row: &SeriesRow) -> Vec<String> {
    let attributes: Vec<String> =
        row.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let kind = format!("{:?}", row.kind).to_lowercase();
    let unit = if row.kind == SeriesKind::Rate { format!("{}/s", row.unit) } else { row.unit.clone() };
    let (was, is) = (row.good, row.bad);
    let figure = |n: u64, value: Num| if n == 0 { "-".to_owned() } else { format!("{}", value.get()) };
    let mut cells = vec![row.service.clone(), row.instance.clone(), row.version.clone(), row.metric.clone()];
    cells.extend([attributes.join(" "), kind, unit]);
    cells.extend([was.n.to_string(), figure(was.n, was.mean), is.n.to_string()]);
    cells.extend([is.mean, is.min, is.max].map(|value| figure(is.n, value)));
    cells
}

fn aligned(heads: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let longest = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        longest.unwrap_or(0).max(heads.get(column).map_or(0, |head| head.len()))
    };
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{:<width$}", plain(&cell), width = *width))
            .collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = line(&mut heads.iter().map(|head| (*head).to_owned()));
    for row in rows {
        text.push_str(&line(&mut row.iter().cloned()));
    }
    text
}
