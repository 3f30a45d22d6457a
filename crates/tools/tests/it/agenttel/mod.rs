//! AgentTel's dialect over planted figures: the line shapes of its document, and what its document promises.

mod golden;
mod limits;
mod planted;
mod recorded;
mod remediation;
mod schema;
mod sessions;
