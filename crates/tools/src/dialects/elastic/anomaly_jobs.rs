//! `get_anomaly_detection_jobs`: an honest empty answer, since nobody here trains such jobs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::dialects::reading::arguments::{self, Kql, Short, When};
use crate::dialects::reading::filter::Filter;
use crate::dialects::reading::shape::{reads, shortened};
use crate::hint::Hint;
use crate::tool::{Context, Found, ToolError};

const BACK: i64 = 24 * 3600;
/// Jobs named, jobs given and records given at most.
const NAMED: usize = 20;
const JOBS: (usize, usize) = (10, 25);
const RECORDS: (usize, usize) = (10, 100);

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Input {
    start: Option<When>,
    end: Option<When>,
    #[expect(dead_code, reason = "taken as the origin takes it; there are no jobs to group")]
    group: Option<Short>,
    /// At most 20.
    job_ids: Option<Vec<Short>>,
    jobs_limit: Option<u32>,
    anomaly_records_limit: Option<u32>,
    /// 0-100.
    min_anomaly_score: Option<u32>,
    #[expect(dead_code, reason = "taken as the origin takes it; there are no records to explain")]
    include_explanation: Option<bool>,
    #[serde(alias = "influencerFilter")]
    kql_filter: Option<Kql>,
}

/// The answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Answer {
    total: usize,
    jobs: Vec<String>,
    records: Vec<String>,
    gaps: Vec<String>,
}

shortened!(Answer, "ANOMALY JOBS", [jobs, records]);
reads!(
    GetAnomalyDetectionJobs,
    "get_anomaly_detection_jobs",
    Input => Answer,
    call,
    "List anomaly detection jobs and their records; there are none where nobody trains any, and the answer says so.\n\
     When to use: to check for trained jobs; to be told what stands in for them.\n\
     When NOT to use: what the watch found (`get_alerts`); when a series changed (`get_trace_change_points`)."
);

async fn call(context: &Context, input: Input) -> Result<Found<Answer>, ToolError> {
    let window = arguments::window(context, (&input.start, &input.end), BACK)?;
    arguments::limit(input.jobs_limit, JOBS.0, JOBS.1)?;
    arguments::limit(input.anomaly_records_limit, RECORDS.0, RECORDS.1)?;
    Filter::read(context, &input.kql_filter)?;
    let named = input.job_ids.as_ref().map_or(0, Vec::len);
    if named > NAMED {
        return Err(ToolError::Input(format!("`jobIds` names at most {NAMED} jobs, not {named}")));
    }
    if input.min_anomaly_score.is_some_and(|score| score > 100) {
        return Err(ToolError::Input("`minAnomalyScore` is 0 to 100".to_owned()));
    }
    let gap = "no source here runs anomaly detection jobs: symptoms are found by the watch, and change points on demand";
    let answer = Answer { total: 0, jobs: Vec::new(), records: Vec::new(), gaps: vec![gap.to_owned()] };
    let next = vec![
        Hint::new("get_alerts", arguments::within(window, json!({})), "what the watch found"),
        Hint::new(
            "get_trace_change_points",
            arguments::within(window, json!({})),
            "which services changed, and when",
        ),
    ];
    Ok(Found::whole(answer, next))
}
