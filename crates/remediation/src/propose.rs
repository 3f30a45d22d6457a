//! From a conclusion to proposed actions, one an instance, or the reason why there is none.

use incident::{Action, Conclusion, RootCause};

use crate::inventory::Inventory;
use crate::profiles;

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// These actions, in the order of the inventory: the first is the canary, the other instances wait for it.
    Act(Vec<Action>),
    /// Nothing, and why.
    Nothing(String),
}

/// What can be done about `conclusion` with what `inventory` allows.
#[must_use]
pub fn propose(conclusion: &Conclusion, inventory: &Inventory) -> Proposal {
    let Some(cause) = &conclusion.root_cause else {
        return Proposal::Nothing("there is no root cause to act on".to_owned());
    };
    let Some(profile) = profiles::fitting(cause) else {
        return Proposal::Nothing(format!("no fix profile fits a cause of kind `{}`", cause.fault.name()));
    };
    let Some(target) = inventory.target(&cause.service) else {
        return Proposal::Nothing(format!("the inventory has no target for service `{}`", cause.service));
    };
    let Some(fix) = target.fix(profile.name) else {
        return Proposal::Nothing(format!(
            "the inventory has no fix `{}` for `{}`",
            profile.name, target.service
        ));
    };
    // The instances and every value are the inventory's; telemetry only says which of them suffer.
    let suffers = |name: &&String| cause.instances.is_empty() || cause.instances.contains(name);
    let actions: Vec<Action> = target
        .instances
        .iter()
        .filter(suffers)
        .map(|instance| Action {
            spec: "restart_with_override".to_owned(),
            profile: profile.name.to_owned(),
            service: target.service.clone(),
            instance: instance.clone(),
            set: fix.set.clone(),
            is_reversible: fix.reversible,
            rationale: rationale(cause),
        })
        .collect();
    if actions.is_empty() {
        return Proposal::Nothing(format!(
            "no instance of `{}` in the inventory is affected",
            target.service
        ));
    }
    Proposal::Act(actions)
}

/// Why, in words of the engine alone: no text of telemetry goes into an action (I10).
fn rationale(cause: &RootCause) -> String {
    format!("the fix for a cause of kind `{}`", cause.fault.name())
}

#[cfg(test)]
mod tests {
    use incident::{ConclusionKind, Fault};

    use super::*;

    fn conclusion(service: &str, instances: &[&str], fault: Fault) -> Conclusion {
        let cause = RootCause {
            component: incident::ComponentKind::Service,
            seen_from: Vec::new(),
            service: service.into(),
            instances: instances.iter().map(|name| (*name).to_owned()).collect(),
            operation: "GET /".into(),
            span: "SELECT orders".into(),
            resource: "SELECT orders".into(),
            fault,
            statement: String::new(),
            trigger: None,
            factors: Vec::new(),
            evidence: Vec::new(),
        };
        Conclusion {
            schema: String::new(),
            kind: ConclusionKind::RootCause,
            statement: String::new(),
            root_cause: Some(cause),
            further_causes: Vec::new(),
            onset: None,
            symptoms: Vec::new(),
            hypotheses: Vec::new(),
            ruled_out: Vec::new(),
            gaps: Vec::new(),
            confidence: None,
            evidence: Vec::new(),
        }
    }

    fn inventory() -> Inventory {
        Inventory::parse(
            "[[target]]\nservice = \"orders\"\ninstances = [\"orders-1\", \"orders-2\"]\n\
             [[target.fix]]\nprofile = \"slow_query\"\nset = { CUSTOMER_INDEX = \"true\" }",
        )
        .unwrap()
    }

    // covers: W-23, AT-06
    #[test]
    fn the_argument_is_the_inventorys_value_and_a_hostile_name_matches_nothing() {
        let Proposal::Act(actions) = propose(&conclusion("orders", &[], Fault::SlowQuery), &inventory())
        else {
            panic!("acts")
        };
        let instances: Vec<_> = actions.iter().map(|action| action.instance.as_str()).collect();
        assert_eq!(instances, ["orders-1", "orders-2"]);
        assert_eq!(actions[0].set.len(), 1);
        let hostile = conclusion("orders; rm -rf /", &[], Fault::SlowQuery);
        assert!(matches!(propose(&hostile, &inventory()), Proposal::Nothing(_)));
        let hostile = conclusion("orders", &["$(reboot)"], Fault::SlowQuery);
        assert!(matches!(propose(&hostile, &inventory()), Proposal::Nothing(_)));
    }

    #[test]
    fn an_unknown_kind_of_cause_gets_no_action() {
        let other = conclusion("orders", &[], Fault::SlowWork);
        assert!(matches!(propose(&other, &inventory()), Proposal::Nothing(why) if why.contains("slow_work")));
    }
}
