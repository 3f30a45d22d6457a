//! `compare`: what bad requests have in common that good ones do not.

use ::evidence::measures::attribute_contrast::{AttributeContrast, contrasts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use telemetry::answer::{CompareTable, Table};
use telemetry::number::Num;
use telemetry::{Ask, Scope, Window};

use crate::access::Permission;
use crate::budget::{Budget, Shorten, clip};
use crate::hint::Hint;
use crate::tool::{About, Context, Found, ToolError, Typed};
use crate::{asked, services, when};

/// The tool.
#[derive(Debug)]
pub struct Compare;

/// Seconds looked at when no start is given.
const BACK: i64 = 300;
/// The good window is this many times as long as the bad one, and ends where it begins.
const GOOD_TIMES: i64 = 3;
/// Values at most.
const ROWS: usize = 20;

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    operation: Option<String>,
    /// Begin of the bad window, `now-5m` when not given.
    #[serde(default)]
    start: Option<String>,
    #[serde(default)]
    end: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Answer {
    requests: u64,
    /// Failed, or slower than 95 % of those before.
    bad: u64,
    total: usize,
    differences: Vec<Row>,
    gaps: Vec<String>,
}

/// One value of one attribute.
#[derive(Debug, Serialize, JsonSchema)]
struct Row {
    attribute: String,
    value: String,
    service: String,
    /// Of the requests with the value, 0-1.
    bad_share_with: Num,
    /// Of the others, 0-1.
    bad_share_without: Num,
    q_value: Num,
    /// Whether the difference is beyond chance and large.
    significant: bool,
}

impl Row {
    fn of(found: &AttributeContrast) -> Self {
        let share = |bad: u64, all: u64| Num::new(bad as f64 / all.max(1) as f64);
        Self {
            attribute: clip(&found.key, 160),
            value: clip(&found.value, 100),
            service: clip(&found.service, 160),
            bad_share_with: share(found.with.bad, found.with.all()),
            bad_share_without: share(found.without.bad, found.without.all()),
            q_value: Num::new(found.q_value),
            significant: found.is_claimed(),
        }
    }
}

impl Shorten for Answer {
    fn text(&self) -> String {
        let head = format!("COMPARE: {} requests, {} bad", self.requests, self.bad);
        let rows = self.differences.iter().map(|row| {
            let mark = if row.significant { "*" } else { "-" };
            format!(
                "\n{mark} {} {}={}: bad {:.0} % with, {:.0} % without, q={:.3}",
                row.service,
                row.attribute,
                row.value,
                row.bad_share_with.get() * 100.0,
                row.bad_share_without.get() * 100.0,
                row.q_value.get(),
            )
        });
        let rows: String = rows.collect();
        let none =
            if self.total == 0 { "\nno value that bad requests share more than good ones" } else { "" };
        let gaps: String = self.gaps.iter().map(|gap| format!("\ngap: {gap}")).collect();
        format!("{head}{none}{rows}{gaps}")
    }

    fn shorten(&mut self) -> bool {
        self.differences.pop().is_some()
    }
}

impl Typed for Compare {
    type Input = Input;
    type Answer = Answer;

    fn about() -> About {
        About {
            name: "compare".to_owned(),
            description: "Compare bad requests with good ones of the same minutes over every attribute.\n\
                          When to use: to find the version, host, region or customer that is hit; to test a change.\n\
                          When NOT to use: why it broke (`investigate`); one request (`trace`)."
                .to_owned(),
            permission: Permission::Read,
            budget: Budget::PAGE,
            is_read_only: true,
        }
    }

    async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
        let now = context.installation.now();
        let bad = when::window(input.start.as_deref(), input.end.as_deref(), now, BACK)
            .map_err(ToolError::Input)?;
        let long = (bad.seconds().ceil() as i64).saturating_mul(GOOD_TIMES);
        let good = Window::new(bad.from.plus_seconds(-long), bad.from);
        let scope =
            Scope { service: input.service.clone(), operation: input.operation.clone(), instance: None };
        let picked =
            asked::one::<CompareTable>(context, Ask::Compare { good, bad, scope }, |table| match table {
                Table::Compare(table) => Some(table),
                _ => None,
            });
        let picked = picked.await;
        let (requests, bad_count) =
            picked.rows.blocks.iter().fold((0, 0), |(all, bad), split| (all + split.all(), bad + split.bad));
        if requests == 0
            && let Some(service) = &input.service
        {
            services::known(context, bad, service).await?;
            if let Some(operation) = &input.operation {
                services::known_operation(context, bad, service, operation).await?;
            }
        }
        let mut found = contrasts(&picked.rows);
        found.retain(|found| found.uplift() > 0.0);
        found.sort_by(|one, other| {
            let key = |found: &AttributeContrast| (!found.is_claimed(), found.q_value, -found.uplift());
            key(one).partial_cmp(&key(other)).unwrap_or(std::cmp::Ordering::Equal)
        });
        let total = found.len();
        let differences = found.iter().take(ROWS).map(Row::of).collect();
        let answer = Answer { requests, bad: bad_count, total, differences, gaps: picked.gaps };
        let next = hints(&input, bad);
        Ok(Found { answer, is_truncated: picked.is_truncated || total > ROWS, next })
    }
}

fn hints(input: &Input, bad: Window) -> Vec<Hint> {
    let mut arguments = json!({ "start": bad.from.rfc3339() });
    if let (Some(service), Some(object)) = (&input.service, arguments.as_object_mut()) {
        object.insert("service".to_owned(), json!(service));
        let why = "the whole engine on this service and window";
        return vec![
            Hint::new("investigate", arguments.clone(), why),
            Hint::new("trace", arguments, "its worst request"),
        ];
    }
    vec![Hint::new("status", json!({}), "which services are there")]
}
