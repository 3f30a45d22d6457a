//! The names and line shapes that AgentTel gives to the health layer: fifteen tools.
//!
//! Answers are those of `evidence::health`; where the figures of its own examples contradict its own tables, the tables
//! hold. Its server speaks for one service: here the service is the one that has the operation asked about, or the worst one,
//! unless `service` names it. Nothing executes: `execute_remediation` tells where a person decides.

mod add_session_entry;
mod create_session;
pub mod events;
mod execute_remediation;
mod facts;
mod get_cross_stack_context;
mod get_error_analysis;
mod get_executive_summary;
mod get_incident_context;
mod get_playbook;
mod get_recent_agent_actions;
mod get_service_health;
mod get_session;
mod get_slo_report;
mod get_trend_analysis;
mod lacks;
mod list_remediation_actions;
mod past;
mod shown;
mod situation;
mod traces;
mod verify_remediation_effect;
mod words;

use std::sync::Arc;

use crate::tool::{Tool, registered};

/// Tools whose origin requires two arguments or more.
pub const MANY_REQUIRED: &[&str] = &["add_session_entry", "execute_remediation"];

/// Its tools, in the order in which an agent uses them.
#[must_use]
pub fn tools() -> Vec<Arc<dyn Tool>> {
    vec![
        registered::<get_executive_summary::GetExecutiveSummary>(),
        registered::<get_service_health::GetServiceHealth>(),
        registered::<get_incident_context::GetIncidentContext>(),
        registered::<get_trend_analysis::GetTrendAnalysis>(),
        registered::<get_error_analysis::GetErrorAnalysis>(),
        registered::<get_slo_report::GetSloReport>(),
        registered::<get_cross_stack_context::GetCrossStackContext>(),
        registered::<get_playbook::GetPlaybook>(),
        registered::<list_remediation_actions::ListRemediationActions>(),
        registered::<execute_remediation::ExecuteRemediation>(),
        registered::<verify_remediation_effect::VerifyRemediationEffect>(),
        registered::<get_recent_agent_actions::GetRecentAgentActions>(),
        registered::<create_session::CreateSession>(),
        registered::<add_session_entry::AddSessionEntry>(),
        registered::<get_session::GetSession>(),
    ]
}
