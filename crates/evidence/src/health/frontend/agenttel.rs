//! What the browser library of AgentTel writes on its spans: its own names for pages, journeys and what is usual.
//!
//! Names of its attribute registry, `agenttel.client.*`; nothing of it is needed where the conventions of OpenTelemetry
//! are followed.

/// What all of its attributes begin with.
pub(super) const PREFIX: &str = "agenttel.client.";
/// The page.
pub(super) const ROUTE: &str = "agenttel.client.page.route";
/// The journey, where in it, how long it is, and when it began.
pub(super) const JOURNEY: &str = "agenttel.client.journey.name";
/// See [`JOURNEY`].
pub(super) const JOURNEY_STEP: &str = "agenttel.client.journey.step";
/// See [`JOURNEY`].
pub(super) const JOURNEY_STEPS: &str = "agenttel.client.journey.total_steps";
/// See [`JOURNEY`].
pub(super) const JOURNEY_BEGAN: &str = "agenttel.client.journey.started_at";
/// What is usual on this page, milliseconds.
pub(super) const USUAL_PAGE_LOAD: &str = "agenttel.client.baseline.page_load_p50_ms";
/// See [`USUAL_PAGE_LOAD`].
pub(super) const USUAL_API_CALL: &str = "agenttel.client.baseline.api_call_p50_ms";
/// What was done, and to what.
pub(super) const INTERACTION: &str = "agenttel.client.interaction.type";
/// See [`INTERACTION`].
pub(super) const TARGET: &str = "agenttel.client.interaction.target";
/// How the names of its page loads begin.
pub(super) const PAGE_LOAD: &str = "page_load";
