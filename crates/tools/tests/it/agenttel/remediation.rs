//! Nothing executes: an action waits for a person, whatever the caller says, and the request is remembered.

use incident::{Action, ApprovalRecord, Resolution};
use orchestrator::Entry;
use orchestrator::log::Logged;
use serde_json::json;
use tools::{AllowedAction, Proposed, Role};

use super::planted::{self, PAY, SERVICE};
use crate::memory::call;

pub(crate) fn actions() -> Vec<AllowedAction> {
    let action = |name: &str, operation: Option<&str>| AllowedAction {
        name: name.to_owned(),
        kind: "restart".to_owned(),
        service: SERVICE.to_owned(),
        operation: operation.map(str::to_owned),
        text: "Restart one instance".to_owned(),
        needs_approval: true,
    };
    vec![
        action("restart", None),
        action("restart_slowly", Some(PAY)),
        action("elsewhere", Some("GET /other")),
    ]
}

pub(crate) fn proposed() -> Proposed {
    let action = Action {
        spec: "restart".to_owned(),
        profile: "leak".to_owned(),
        service: SERVICE.to_owned(),
        instance: "payment-service-1".to_owned(),
        set: std::collections::BTreeMap::new(),
        is_reversible: true,
        rationale: "it leaks".to_owned(),
    };
    Proposed {
        actions: vec![action],
        state: "a person is asked to decide".to_owned(),
        decide_at: Some("http://127.0.0.1:8080/investigations/inc_1".to_owned()),
    }
}

// covers: AG-12
#[tokio::test]
async fn the_actions_of_an_operation_and_of_its_service_are_listed_and_no_others() {
    let mut planted = planted::trouble();
    planted.actions = actions();
    let context = planted.context(Role::Remediator);
    let reply = call(&context, "agenttel", "list_remediation_actions", json!({ "operation_name": PAY }))
        .await
        .expect("a list");
    assert!(reply.text.starts_with(
        "ACTIONS FOR POST /api/payments:\n- restart_slowly [RESTART]: Restart one instance (NEEDS APPROVAL)\n- restart [RESTART]"
    ));
    assert!(!reply.text.contains("elsewhere"));
}

// covers: AG-13, AG-14, C-02
#[tokio::test]
async fn an_action_waits_for_a_person_also_when_the_caller_says_that_one_agreed() {
    let mut planted = planted::trouble();
    (planted.actions, planted.proposed) = (actions(), Some(proposed()));
    let context = planted.context(Role::Admin);
    for approved_by in [None, Some(""), Some("oncall@example.org")] {
        let arguments =
            json!({ "action_name": "restart", "reason": "5.2 % fail", "approved_by": approved_by });
        let reply = call(&context, "agenttel", "execute_remediation", arguments).await.expect("an answer");
        assert!(reply.text.starts_with("ACTION: restart | STATUS: PENDING_APPROVAL\n"), "{}", reply.text);
        assert!(
            reply
                .text
                .contains("\nNothing was executed.\nApproval: http://127.0.0.1:8080/investigations/inc_1")
        );
        assert_eq!(reply.text.contains("`approved_by` is not an approval"), approved_by.is_some());
        assert!(reply.text.contains("Incident inc_1: a person is asked to decide"), "{}", reply.text);
        assert_eq!(reply.structured["digests"].as_array().map(Vec::len), Some(1));
    }
    let gone = json!({ "action_name": "restart", "reason": "it fails", "incident": "inc_gone" });
    call(&context, "agenttel", "execute_remediation", gone).await.expect_err("no such incident");
    let other = json!({ "action_name": "restart_slowly", "reason": "why not" });
    let refused = call(&context, "agenttel", "execute_remediation", other).await.expect("an answer");
    assert_eq!(
        (refused.structured["status"].as_str(), refused.structured["decide_at"].is_null()),
        (Some("REFUSED"), true)
    );
    assert!(refused.text.contains("It does not fit incident inc_1: a person is asked"), "{}", refused.text);
    let unknown = json!({ "action_name": "restrat", "reason": "typo" });
    let error = call(&context, "agenttel", "execute_remediation", unknown).await.expect_err("unknown");
    assert!(error.to_string().contains("nearest: restart"), "{error}");
    let reply = call(&context, "agenttel", "get_recent_agent_actions", json!({})).await.expect("a list");
    let statuses: Vec<&str> = reply.structured["actions"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["status"].as_str())
        .collect();
    let pending = statuses.iter().filter(|status| **status == "pending_approval").count();
    let refused = statuses.iter().filter(|status| **status == "refused").count();
    let failed = statuses.iter().filter(|status| **status == "failed").count();
    assert_eq!((pending, refused, failed), (3, 2, 1), "{statuses:?}");
    assert!(reply.text.contains("by local"), "{}", reply.text);
}

// covers: AG-20
#[tokio::test]
async fn an_action_that_was_never_measured_is_not_called_effective() {
    let mut planted = planted::trouble();
    planted.actions = actions();
    let context = planted.context(Role::Diagnostician);
    let arguments = json!({ "action_name": "restart" });
    let reply = call(&context, "agenttel", "verify_remediation_effect", arguments).await.expect("an answer");
    assert!(reply.text.starts_with("ACTION: restart | EFFECTIVE: UNKNOWN | NOT_MEASURED"), "{}", reply.text);
    let unknown = json!({ "action_name": "restrat" });
    assert!(call(&context, "agenttel", "verify_remediation_effect", unknown).await.is_err());
}

// covers: AG-14
#[tokio::test]
async fn an_action_that_a_person_rejected_is_refused_by_that_person() {
    // A rejected action stands in no incident: what was decided names it by its digest.
    let action = proposed().actions.remove(0);
    let decision = ApprovalRecord {
        action_digest: action.digest().expect("a digest"),
        principal: "page:ann".to_owned(),
        is_granted: false,
        comment: "not now".to_owned(),
    };
    let resolution = Resolution { approvals: vec![decision], ..Resolution::nothing_done() };
    let entry = Entry::Resolution(Box::new(resolution));
    let logged = [Logged { at: planted::NOW, took: std::time::Duration::ZERO, entry }];
    let report = orchestrator::report::build("inc_1", &logged, "");
    let mut planted = planted::Planted { reports: vec![(report, false)], ..planted::trouble() };
    planted.proposed = Some(proposed());
    let context = planted.context(Role::Observer);
    let reply = call(&context, "agenttel", "get_recent_agent_actions", json!({})).await.expect("a list");
    assert!(reply.text.contains("restart REFUSED by page:ann: not now"), "{}", reply.text);
}
