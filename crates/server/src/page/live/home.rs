//! The first page: what was investigated, how the system is now, who calls whom.

use std::collections::BTreeMap;

use incident::report::Call;
use maud::{Markup, html};
use telemetry::UnixNanos;
use telemetry::answer::{EdgeRow, HealthRow};
use telemetry::number::Num;

use super::{Shell, shell};
use crate::investigations::{Row, Status};
use crate::page::figures::{named, ns, percent, rounded, shown};
use crate::page::header::clock;
use crate::page::service_map;
use crate::page::words::{self, chip};

/// Services shown.
const SERVICES_MAX: usize = 100;

/// What the first page shows.
pub(crate) struct Home {
    /// The newest investigations.
    pub(crate) rows: Vec<Row>,
    /// How many older ones there are.
    pub(crate) more: usize,
    /// Entry spans of the last minute.
    pub(crate) health: Vec<HealthRow>,
    /// Calls of the last minute.
    pub(crate) edges: Vec<EdgeRow>,
    /// When that was.
    pub(crate) at: UnixNanos,
    /// Where signals are sent to.
    pub(crate) otlp: String,
}

/// The page.
pub(crate) fn home(home: &Home, nonce: &str) -> String {
    let running = home.rows.iter().filter(|row| row.status == Status::Running).count();
    let content = html! {
        header.top {
            p.over { "Firstcause" }
            h1 { "Why production broke" }
        }
        main #main {
            div #live {
                p.chips {
                    @match running {
                        0 => (chip("good", "\u{2713}", "nothing is being investigated")),
                        1 => (chip("note", "\u{25B6}", "1 investigation runs")),
                        count => (chip("note", "\u{25B6}", &format!("{count} investigations run"))),
                    }
                }
                (investigations(home))
                (system(home))
            }
            noscript { p { a href="/" { "Load the page again" } " for the newest state." } }
        }
        footer.foot { p.when { "For programs: " a href="/api/v1/investigations" { "/api/v1/investigations" } ", " a href="/stats" { "/stats" } "." } }
    };
    let page = Shell { title: "Investigations", nonce, refresh: Some(10), events: None, renew: Some("live") };
    shell(&page, &content)
}

fn investigations(home: &Home) -> Markup {
    html! {
        section #investigations aria-labelledby="investigations-title" {
            h2 #investigations-title { "Investigations" }
            @if home.rows.is_empty() {
                p.missing { "Nothing broke yet, or nothing was seen to break." }
            } @else {
                ol.list { @for row in &home.rows { (investigation(row)) } }
                @if home.more > 0 {
                    p.more { (home.more) " older ones: " a href="/api/v1/investigations" { "as JSON, page by page" } }
                }
            }
        }
    }
}

fn investigation(row: &Row) -> Markup {
    html! {
        li.card {
            h3 { a href={ "/investigations/" (row.investigation_id) } { (named(&row.headline)) } }
            p.chips {
                @match row.status {
                    Status::Running => (chip("note", "\u{25B6}", "running")),
                    Status::Closed => (chip("dull", "\u{25A0}", "closed")),
                    Status::CutOff => (chip("warn", "!", "cut off")),
                    Status::Unreadable => (chip("bad", "\u{2717}", "unreadable")),
                }
                @if let Some(kind) = row.conclusion { (words::conclusion(kind)) }
                @if let Some(verdict) = row.verdict { (words::verdict(verdict)) }
            }
            @if !row.symptom.is_empty() && row.symptom != row.headline { p { (shown(&row.symptom)) } }
            p.when {
                @if !row.service.is_empty() { "cause in " strong { (shown(&row.service)) } " \u{00B7} " }
                time datetime=(row.opened_at) { (row.opened_at.replace('T', " ").replace('Z', " UTC")) }
            }
        }
    }
}

/// The figures of a service over its operations and instances.
#[derive(Default)]
struct Sum {
    count: u64,
    errors: u64,
    p50: Vec<i64>,
    p95: Vec<i64>,
    versions: std::collections::BTreeSet<String>,
    instances: std::collections::BTreeSet<String>,
}

fn system(home: &Home) -> Markup {
    let mut services: BTreeMap<&str, Sum> = BTreeMap::new();
    for row in &home.health {
        let sum = services.entry(&row.subject.service).or_default();
        sum.count += row.count;
        sum.errors += row.errors;
        sum.p50.push(row.p50_ns);
        sum.p95.push(row.p95_ns);
        sum.versions.insert(row.subject.version.clone());
        sum.instances.insert(row.subject.instance.clone());
    }
    html! {
        section #system aria-labelledby="system-title" {
            h2 #system-title { "The system now" }
            @if services.is_empty() {
                (nothing(home))
            } @else {
                p.lead { "The minute before " (clock(home.at)) " UTC. A range spans the operations and instances of a service." }
                (table(&services))
            }
        }
        @if !home.edges.is_empty() { (service_map::now(&calls(&home.edges))) }
    }
}

fn nothing(home: &Home) -> Markup {
    html! {
        p { "No telemetry arrived in the last minute. Point an OpenTelemetry SDK here:" }
        pre tabindex="0" { code {
            "export OTEL_EXPORTER_OTLP_ENDPOINT=" (home.otlp) "\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf"
        } }
        p { "What arrives is counted at " a href="/stats" { "/stats" } ". To see it at work without a system of your own: " code { "firstcause demo" } "." }
    }
}

fn table(services: &BTreeMap<&str, Sum>) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Services, scrolls sideways" {
            table {
                caption { "Requests that services answered" }
                thead { tr {
                    th scope="col" { "Service" } th.n scope="col" { "Requests a minute" } th.n scope="col" { "Failed" }
                    th.n scope="col" { "p50" } th.n scope="col" { "p95" } th.n scope="col" { "Instances" }
                    th scope="col" { "Version" }
                } }
                tbody {
                    @for (service, sum) in services.iter().take(SERVICES_MAX) {
                        tr {
                            th scope="row" { (named(service)) }
                            td.n { (sum.count) }
                            td.n { (percent(sum.errors as f64 / sum.count.max(1) as f64)) }
                            td.n { (range(&sum.p50)) } td.n { (range(&sum.p95)) }
                            td.n { (sum.instances.len()) }
                            td { (sum.versions.iter().take(4).map(|version| shown(version)).collect::<Vec<_>>().join(", ")) }
                        }
                    }
                }
            }
        }
        @if services.len() > SERVICES_MAX { p.more { (services.len() - SERVICES_MAX) " more services" } }
    }
}

fn range(values: &[i64]) -> String {
    let (Some(low), Some(high)) = (values.iter().min(), values.iter().max()) else { return String::new() };
    let figure = |value: i64| rounded(value as f64 / 1e6);
    if figure(*low) == figure(*high) { ns(*high) } else { format!("{}\u{2013}{}", figure(*low), ns(*high)) }
}

fn calls(edges: &[EdgeRow]) -> Vec<Call> {
    let call = |row: &EdgeRow| Call {
        caller: row.caller.clone(),
        callee: row.callee.clone(),
        is_instrumented: row.is_instrumented,
        count: row.count,
        errors: row.errors,
        mean_ms: Num::new(row.client_sum_ns as f64 / row.count.max(1) as f64 / 1e6),
        good_mean_ms: Num::default(),
    };
    edges.iter().map(call).collect()
}
