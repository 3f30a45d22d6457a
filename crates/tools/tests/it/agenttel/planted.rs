//! A payment service whose every figure is planted, asked at one moment.

use std::sync::Arc;

use evidence::health::Declared;
use incident::{Alert, Report};
use telemetry::answer::{
    Answer, ChangeDetail, ChangeKind, ChangeRow, Choice, EdgeRow, ExemplarRow, HealthRow, OnsetRow, Subject,
    Table, TraceRow,
};
use telemetry::source::BoxFuture;
use telemetry::{
    Answered, Ask, AskError, QuestionId, Scope, SourceName, SpanId, SpanKind, StatusCode, TraceId, UnixNanos,
    Window,
};
use tools::agents::Agents;
use tools::{
    AllowedAction, Caller, Context, IncidentRow, Installation, InstallationError, Listed, Proposed, Role,
};

/// 2025-01-15T14:30:00Z, the moment of the document's examples.
pub(crate) const NOW: UnixNanos = UnixNanos(1_736_951_400_000_000_000);
pub(crate) const SERVICE: &str = "payment-service";
pub(crate) const PAY: &str = "POST /api/payments";
pub(crate) const PRICES: &str = "GET /api/prices";

/// What is planted.
#[derive(Default)]
pub(crate) struct Planted {
    /// Requests by the age in seconds at which they were.
    pub(crate) requests: Vec<(i64, HealthRow)>,
    pub(crate) edges: Vec<EdgeRow>,
    pub(crate) changes: Vec<ChangeRow>,
    /// Traces by their age in seconds.
    pub(crate) traces: Vec<(i64, Vec<TraceRow>)>,
    pub(crate) declared: Arc<Declared>,
    pub(crate) actions: Vec<AllowedAction>,
    pub(crate) proposed: Option<Proposed>,
    pub(crate) agents: Agents,
    /// Seconds by which everything is asked and happened later.
    pub(crate) shift_seconds: i64,
    /// Seconds before now from which answers to `health` lack rows, and tell so.
    pub(crate) cut_from_age: Option<i64>,
    /// Nobody answers `health`, only seconds.
    pub(crate) tells_seconds_only: bool,
    /// The longest window of which seconds were asked.
    pub(crate) longest_seconds: std::sync::atomic::AtomicI64,
    /// Reports of incidents, and whether each still runs.
    pub(crate) reports: Vec<(Report, bool)>,
}

/// Requests with a median, a 95th and a 99th percentile in milliseconds.
pub(crate) fn row(operation: &str, (count, errors): (u64, u64), quantiles_ms: [f64; 3]) -> HealthRow {
    let [p50_ns, p95_ns, p99_ns] = quantiles_ms.map(|ms| (ms * 1e6) as i64);
    HealthRow {
        subject: Subject {
            service: SERVICE.to_owned(),
            operation: operation.to_owned(),
            instance: String::new(),
            version: String::new(),
        },
        count,
        errors,
        sum_ns: count as i64 * p50_ns,
        p50_ns,
        p95_ns,
        p99_ns,
    }
}

fn edge(callee: &str, errors: u64, mean_ms: i64) -> EdgeRow {
    EdgeRow {
        caller: SERVICE.to_owned(),
        callee: callee.to_owned(),
        is_instrumented: false,
        count: 1_000,
        errors,
        client_sum_ns: 1_000 * mean_ms * 1_000_000,
        server_sum_ns: 0,
        delay_p50_ns: 0,
        clock_offset_p50_ns: 0,
        blocks: Vec::new(),
        resends: 0,
        queue: None,
    }
}

fn change(age_seconds: i64, kind: ChangeKind, after: &str, message: &str) -> ChangeRow {
    ChangeRow {
        at: NOW.plus_seconds(-age_seconds),
        kind,
        service: SERVICE.to_owned(),
        instance: String::new(),
        before: String::new(),
        after: after.to_owned(),
        detail: Some(Box::new(ChangeDetail { message: message.to_owned(), ..ChangeDetail::default() })),
    }
}

const DECLARED: &str = r#"{"services": {"payment-service": {
    "team": "payments", "tier": "critical", "on-call-channel": "payments-pager",
    "consumers": [{"name": "checkout-service", "pattern": "async"}],
    "operations": {
        "POST /api/payments": {"expected-latency-p50": "45ms", "expected-latency-p99": "200ms", "expected-error-rate": 0.001},
        "GET /api/prices": {"expected-latency-p50": "12ms"}
    },
    "slos": [SLOS]
}}}"#;

/// The declaration, with these objectives.
pub(crate) fn declared(slos: &str) -> Arc<Declared> {
    Arc::new(serde_json::from_str(&DECLARED.replace("SLOS", slos)).expect("a declaration"))
}

/// The document's trouble: 5.2 % of the payments fail since 14:20, and they take seven times as long as they should.
pub(crate) fn trouble() -> Planted {
    let bad = (0..4).map(|at| (600 - 10 * at, row(PAY, (2_250, 117), [312.0, 800.0, 1_200.0])));
    let usual =
        (0..56).map(|at| (900 + 30 * (at + 1), row(PAY, (10, 0), [45.0 + (at % 3) as f64, 90.0, 200.0])));
    let mut requests: Vec<(i64, HealthRow)> = bad.chain(usual).collect();
    requests.push((600, row(PRICES, (1_000, 1), [12.0, 30.0, 45.0])));
    // Ten days ago: enough requests for 469 failed ones to leave 22 % of a thousandth.
    requests.push((10 * 86_400, row(PAY, (989_440, 311), [45.0, 90.0, 200.0])));
    Planted {
        requests,
        edges: vec![edge("postgres", 0, 8), edge("stripe-api", 123, 2_100)],
        changes: vec![
            change(1_800, ChangeKind::Deploy, "v2.1.0", ""),
            change(2_700, ChangeKind::Flag, "500 rps", "rate limit"),
        ],
        declared: declared(r#"{"name": "payment-availability", "type": "availability"}"#),
        ..Planted::default()
    }
}

/// The document's objectives, all of their requests long ago.
pub(crate) fn objectives() -> Planted {
    Planted {
        requests: vec![(30 * 86_400 - 60, row(PAY, (10_000, 5), [45.0, 203.534, 312.0]))],
        declared: declared(
            r#"{"name": "payment-availability", "type": "availability"},
               {"name": "payment-latency-p99", "type": "latency_p99", "threshold": "200ms"},
               {"name": "untouched", "type": "availability", "operation": "GET /never"}"#,
        ),
        ..Planted::default()
    }
}

/// Half an hour in which everything gets worse.
pub(crate) fn ramp() -> Planted {
    let along = |at: i64, from: f64, to: f64| from + (to - from) * (at - 2).clamp(0, 55) as f64 / 55.0;
    let requests = (0..60).map(|at| {
        let count = along(at, 9_000.0, 8_250.0).round();
        let errors = (count * along(at, 0.001, 0.052)).round();
        let quantiles = [along(at, 45.0, 312.0), along(at, 90.0, 700.0), along(at, 200.0, 1_200.0)];
        (1_800 - 30 * at, row(PAY, (count as u64, errors as u64), quantiles))
    });
    Planted { requests: requests.collect(), declared: declared(""), ..Planted::default() }
}

/// Browsers beside the trouble: 13 journeys of which 8 end, after 20 of which 13 did; one payment fails.
pub(crate) fn with_browsers() -> Planted {
    let now = (0..13).map(|at| (600 - at, journey(at as u8, at < 8, at == 0)));
    let before = (0..20).map(|at| (1_600 - at, journey(100 + at as u8, at < 13, false)));
    Planted { traces: now.chain(before).collect(), ..trouble() }
}

fn journey(user: u8, is_whole: bool, is_failed: bool) -> Vec<TraceRow> {
    let mut rows: Vec<TraceRow> = Vec::new();
    for step in 1..=if is_whole { 5_u8 } else { 4 } {
        let mut add = |name: &str, parent: Option<u8>, ms: i64, kind: SpanKind| {
            let attributes = [
                (
                    "agenttel.client.page.route",
                    if step == 4 { "/checkout/payment" } else { "/cart" }.to_owned(),
                ),
                ("agenttel.client.journey.name", "checkout".to_owned()),
                ("agenttel.client.journey.step", step.to_string()),
                ("agenttel.client.journey.total_steps", "5".to_owned()),
                ("agenttel.client.baseline.page_load_p50_ms", "800".to_owned()),
                ("agenttel.client.baseline.api_call_p50_ms", "300".to_owned()),
                ("user.id", format!("user-{user}")),
            ];
            let is_browser = kind != SpanKind::Server;
            let number = rows.len() as u8 + 1;
            rows.push(TraceRow {
                span_id: SpanId([number; 8]),
                parent: parent.map(|number| SpanId([number; 8])),
                subject: Subject {
                    service: if is_browser { "shop-page" } else { SERVICE }.to_owned(),
                    operation: name.to_owned(),
                    instance: String::new(),
                    version: String::new(),
                },
                kind,
                start: NOW.plus_seconds(-600 + i64::from(number)),
                duration_ns: ms * 1_000_000,
                exclusive_ns: 0,
                edge_delay_ns: None,
                status: if is_failed && !is_browser { StatusCode::Error } else { StatusCode::Unset },
                attributes: attributes
                    .into_iter()
                    .filter(|_| is_browser)
                    .map(|(key, value)| (key.to_owned(), value))
                    .chain(is_failed.then(|| ("http.response.status_code".to_owned(), "504".to_owned())))
                    .collect(),
            });
            number
        };
        let page = add("page_load", None, 850, SpanKind::Internal);
        if step == 4 {
            let call = add("fetch POST /api/payments", Some(page), 520, SpanKind::Client);
            add(PAY, Some(call), 312, SpanKind::Server);
        }
    }
    rows
}

impl Planted {
    pub(crate) fn context(self, role: Role) -> Context {
        Context { installation: Arc::new(self), caller: Caller::local(role) }
    }

    fn at(age_seconds: i64) -> UnixNanos {
        NOW.plus_seconds(-age_seconds)
    }

    fn health(&self, window: Window, scope: &Scope) -> Vec<HealthRow> {
        let inside = self.requests.iter().filter(|(age, _)| window.contains(Self::at(*age)));
        inside
            .map(|(_, row)| row.clone())
            .filter(|row| scope.admits(&row.subject.service, &row.subject.operation, ""))
            .collect()
    }

    fn onset(&self, window: Window, scope: &Scope) -> Vec<OnsetRow> {
        let inside = self.requests.iter().filter(|(age, _)| window.contains(Self::at(*age)));
        let mut rows: Vec<OnsetRow> = inside
            .filter(|(_, row)| scope.admits(&row.subject.service, &row.subject.operation, ""))
            .map(|(age, row)| OnsetRow {
                subject: row.subject.clone(),
                second: Self::at(*age),
                count: row.count,
                errors: row.errors,
                sum_ns: row.sum_ns,
                p50_ns: row.p50_ns,
                p95_ns: row.p95_ns,
                is_message: false,
            })
            .collect();
        rows.sort_by_key(|row| row.second);
        rows
    }

    fn exemplars(&self, window: Window) -> Vec<ExemplarRow> {
        let inside = self.traces.iter().enumerate().filter(|(_, (age, _))| window.contains(Self::at(*age)));
        inside
            .map(|(place, (age, _))| ExemplarRow {
                trace_id: TraceId((place as u128 + 1).to_be_bytes()),
                choice: Choice::Worst,
                operation: PAY.to_owned(),
                start: Self::at(*age),
                duration_ns: 0,
                is_error: false,
            })
            .collect()
    }

    fn trace(&self, id: TraceId) -> Vec<TraceRow> {
        let place = u128::from_be_bytes(id.0) as usize - 1;
        self.traces.get(place).map(|(_, rows)| rows.clone()).unwrap_or_default()
    }

    fn is_cut(&self, window: Window) -> bool {
        self.cut_from_age.is_some_and(|age| window.from <= Self::at(age))
    }

    fn answer(&self, ask: &Ask) -> Result<Answer, AskError> {
        let table = match ask {
            Ask::Health { .. } if self.tells_seconds_only => {
                return Err(AskError::Unsupported("health".to_owned()));
            }
            Ask::Health { window, scope } => {
                let mut answer = Answer::exact(Table::Health(self.health(*window, scope)));
                answer.truncated = self.is_cut(*window);
                answer.left_out = u64::from(answer.truncated);
                return Ok(answer);
            }
            Ask::Onset { window, scope } => {
                self.longest_seconds.fetch_max(window.seconds() as i64, std::sync::atomic::Ordering::Relaxed);
                Table::Onset(self.onset(*window, scope))
            }
            Ask::Edges { .. } => Table::Edges(self.edges.clone()),
            Ask::Changes { .. } => Table::Changes(self.changes.clone()),
            Ask::Exemplars { window, .. } => Table::Exemplars(self.exemplars(*window)),
            Ask::Trace { trace_id } => Table::Trace(self.trace(*trace_id)),
            Ask::SeriesChange { .. } => Table::SeriesChange(Vec::new()),
            other => return Err(AskError::Unsupported(other.name().to_owned())),
        };
        Ok(Answer::exact(table))
    }
}

impl Installation for Planted {
    fn now(&self) -> UnixNanos {
        NOW.plus_seconds(self.shift_seconds)
    }

    fn questions(&self) -> Vec<String> {
        ["changes", "edges", "exemplars", "health", "onset", "series_change", "trace"]
            .into_iter()
            .filter(|name| *name != "health" || !self.tells_seconds_only)
            .map(str::to_owned)
            .collect()
    }

    fn ask(&self, asks: Vec<Ask>) -> BoxFuture<'_, Vec<Answered>> {
        let answered = asks.iter().enumerate().map(|(place, ask)| Answered {
            question: QuestionId::numbered(place + 1),
            source: SourceName("planted".to_owned()),
            result: self.answer(ask),
        });
        let answered: Vec<Answered> = answered.collect();
        Box::pin(std::future::ready(answered))
    }

    fn incidents(&self, _: usize) -> Result<Listed, InstallationError> {
        let row = IncidentRow {
            incident: "inc_1".to_owned(),
            status: "running".to_owned(),
            headline: String::new(),
            symptom: String::new(),
            conclusion: None,
            service: String::new(),
            verdict: None,
            opened_at: NOW,
        };
        let mut rows: Vec<IncidentRow> = self.proposed.iter().map(|_| row.clone()).collect();
        rows.extend(self.reports.iter().map(|(report, runs)| IncidentRow {
            incident: report.incident.clone(),
            status: if *runs { "running" } else { "closed" }.to_owned(),
            opened_at: report.opened_at,
            ..row.clone()
        }));
        Ok(Listed { total: rows.len(), rows })
    }

    fn report(&self, incident: &str) -> Result<Report, InstallationError> {
        let found = self.reports.iter().find(|(report, _)| report.incident == incident);
        found.map(|(report, _)| report.clone()).ok_or_else(|| InstallationError::UnknownIncident {
            asked: incident.to_owned(),
            known: Vec::new(),
        })
    }

    fn investigate(&self, _: Alert) -> BoxFuture<'_, Result<Report, InstallationError>> {
        Box::pin(std::future::ready(Err(InstallationError::Failed("not here".to_owned()))))
    }

    fn propose(&self, incident: &str) -> Result<Proposed, InstallationError> {
        let unknown = || InstallationError::UnknownIncident { asked: incident.to_owned(), known: Vec::new() };
        self.proposed.clone().filter(|_| incident == "inc_1").ok_or_else(unknown)
    }

    fn declared(&self) -> Arc<Declared> {
        Arc::clone(&self.declared)
    }

    fn actions(&self) -> Vec<AllowedAction> {
        self.actions.clone()
    }

    fn agents(&self) -> Option<&Agents> {
        Some(&self.agents)
    }
}
