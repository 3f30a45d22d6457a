//! The four playbooks that come with the program.
//!
//! Their names are those of the specification (AG-55); an operator may replace one by declaring another of its name.

use super::{DONE, Playbook, Step, StepKind};
use crate::patterns::Pattern;

/// The playbooks, by name.
#[must_use]
pub fn shipped() -> Vec<Playbook> {
    vec![cascade(), error_spike(), latency(), leak()]
}

fn playbook(name: &str, description: &str, pattern: Pattern, steps: Vec<Step>) -> Playbook {
    Playbook {
        name: name.to_owned(),
        description: description.to_owned(),
        patterns: vec![pattern.name().to_owned()],
        steps,
    }
}

/// A step that asks; what it asks is one of ours and always reads, see the tests.
fn ask(kind: StepKind, id: &str, text: &str, condition: &str, ways: [&str; 2]) -> Step {
    let [on_success, on_failure] = ways.map(str::to_owned);
    Step {
        id: id.to_owned(),
        kind,
        text: text.to_owned(),
        condition: condition.parse().ok(),
        action: None,
        requires_approval: false,
        on_success,
        on_failure,
    }
}

fn check(id: &str, text: &str, condition: &str, ways: [&str; 2]) -> Step {
    ask(StepKind::Check, id, text, condition, ways)
}

fn decide(id: &str, text: &str, condition: &str, ways: [&str; 2]) -> Step {
    ask(StepKind::Decision, id, text, condition, ways)
}

/// A step that does something and asks for approval.
fn act(id: &str, text: &str, action: &str, ways: [&str; 2]) -> Step {
    let [on_success, on_failure] = ways.map(str::to_owned);
    Step {
        id: id.to_owned(),
        kind: StepKind::Action,
        text: text.to_owned(),
        condition: None,
        action: Some(action.to_owned()),
        requires_approval: true,
        on_success,
        on_failure,
    }
}

/// A step that only tells or looks.
fn tell(id: &str, text: &str, action: &str) -> Step {
    Step { requires_approval: false, ..act(id, text, action, [DONE, DONE]) }
}

fn cascade() -> Playbook {
    let steps = vec![
        check("failing", "Do several dependencies fail?", "failing_dependencies >= 3", ["cut-off", "alone"]),
        act(
            "cut-off",
            "Open the breakers of the dependencies that fail",
            "enable_circuit_breakers",
            ["better", "escalate"],
        ),
        check("better", "Do fewer requests fail?", "failure_rate < 0.1", [DONE, "escalate"]),
        decide(
            "alone",
            "Does a single dependency fail?",
            "failing_dependencies >= 1",
            ["cut-off", "investigate"],
        ),
        tell("escalate", "Call whoever is on call", "escalate"),
        tell("investigate", "No dependency fails: ask for the cause", "investigate"),
    ];
    playbook("cascade-failure-response", "Several dependencies fail at once", Pattern::CascadeFailure, steps)
}

fn error_spike() -> Playbook {
    let steps = vec![
        check(
            "deployed",
            "Was something deployed shortly before it began?",
            "deployments_before_onset >= 1",
            ["roll-back", "origin"],
        ),
        act("roll-back", "Go back to what ran before", "rollback_deployment", ["better", "escalate"]),
        decide(
            "origin",
            "Do most errors come from a dependency?",
            "dependency_error_share > 0.5",
            ["cut-off", "investigate"],
        ),
        act(
            "cut-off",
            "Open the breaker of the dependency that fails",
            "enable_circuit_breakers",
            ["better", "escalate"],
        ),
        check("better", "Is the failure rate usual again?", "failure_rate_growth <= 1.5", [DONE, "escalate"]),
        tell("investigate", "The errors are the program's own: ask for the cause", "investigate"),
        tell("escalate", "Call whoever is on call", "escalate"),
    ];
    playbook("error-rate-spike-response", "Suddenly many requests fail", Pattern::ErrorRateSpike, steps)
}

fn latency() -> Playbook {
    let steps = vec![
        check("load", "Are there many more requests?", "throughput_growth > 1.5", ["scale", "failing"]),
        act("scale", "Add instances", "scale_horizontally", ["better", "escalate"]),
        decide("failing", "Does a dependency fail?", "failing_dependencies >= 1", ["cut-off", "deployed"]),
        act(
            "cut-off",
            "Open the breaker of the dependency that fails",
            "enable_circuit_breakers",
            ["better", "escalate"],
        ),
        decide(
            "deployed",
            "Was something deployed shortly before it began?",
            "deployments_before_onset >= 1",
            ["roll-back", "investigate"],
        ),
        act("roll-back", "Go back to what ran before", "rollback_deployment", ["better", "escalate"]),
        check("better", "Is the latency usual again?", "latency_growth <= 1.5", [DONE, "escalate"]),
        tell("investigate", "Neither load nor a dependency nor a change: ask for the cause", "investigate"),
        tell("escalate", "Call whoever is on call", "escalate"),
    ];
    playbook(
        "latency-degradation-response",
        "Requests take much longer than usual",
        Pattern::LatencyDegradation,
        steps,
    )
}

fn leak() -> Playbook {
    let steps = vec![
        check("growing", "Does the memory of a process grow?", "memory_growth > 0.1", ["deployed", DONE]),
        decide(
            "deployed",
            "Was something deployed shortly before it began?",
            "deployments_before_onset >= 1",
            ["roll-back", "restart"],
        ),
        act("roll-back", "Go back to what ran before", "rollback_deployment", ["better", "restart"]),
        act("restart", "Restart one instance after the other", "restart_instances", ["better", "escalate"]),
        check("better", "Does the memory stay level?", "memory_growth <= 0.1", [DONE, "escalate"]),
        tell("escalate", "Call whoever is on call", "escalate"),
    ];
    playbook("memory-leak-response", "The memory of a process grows steadily", Pattern::MemoryLeak, steps)
}
