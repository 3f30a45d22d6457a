//! What may be declared and what may not.

use super::*;

const ALL: &str = r#"{
    "services": {"payments": {
        "team": "money", "tier": "critical", "domain": "commerce", "on-call-channel": "money-pager",
        "repo-url": "https://example.org/payments",
        "dependencies": [{"name": "bank", "type": "external_api", "criticality": "degraded", "protocol": "https",
            "timeout-ms": 2000, "circuit-breaker": true, "fallback": "queue it", "health-endpoint": "/up"}],
        "consumers": [{"name": "shop", "pattern": "streaming", "sla-latency-ms": 500}],
        "operations": {"POST /pay": {"profile": "writes", "expected-latency-p50": "45ms", "retryable": false}},
        "slos": [{"name": "fast", "type": "latency_p99", "threshold": "0.2s", "window-days": 7}]
    }},
    "profiles": {"writes": {"expected-latency-p50": "1s", "expected-latency-p99": "2s",
        "expected-error-rate": 0.001, "retryable": true, "idempotent": false, "runbook-url": "https://example.org/r",
        "fallback-description": "none", "escalation-level": "incident_commander", "safe-to-restart": true}},
    "settings": {"requests-min": 5, "calls-min": 3}
}"#;

fn read(text: &str) -> Result<Declared, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

// covers: AG-61, AG-62
#[test]
fn every_declared_key_is_read_and_an_operation_wins_over_its_profile() {
    let declared = read(ALL).unwrap();
    assert_eq!(declared.problems(), Vec::<String>::new());
    let service = declared.service("payments").unwrap();
    assert_eq!(
        (service.tier, service.dependencies[0].criticality),
        (Some(Tier::Critical), Criticality::Degraded)
    );
    assert_eq!(service.consumers[0].pattern, Consumption::Streaming);
    let operation = declared.operation("payments", "POST /pay").unwrap();
    assert_eq!(operation.expected_latency_p50.map(Latency::ms), Some(45.0));
    assert_eq!(operation.expected_latency_p99.map(Latency::ms), Some(2_000.0));
    assert_eq!((operation.retryable, operation.idempotent), (Some(false), Some(false)));
    assert_eq!(operation.escalation_level.map(Escalation::name), Some("incident_commander"));
    assert_eq!(operation.runbook_url.as_deref(), Some("https://example.org/r"));
    assert!(declared.operation("payments", "GET /other").is_none());
}

// covers: C-03
#[test]
fn the_documented_bounds_are_the_default_and_others_can_be_declared() {
    let settings = read("{}").unwrap().settings;
    assert_eq!((settings.requests_min, settings.calls_min), (100, 10));
    let settings = read(ALL).unwrap().settings;
    assert_eq!((settings.requests_min, settings.calls_min), (5, 3));
}

// covers: AG-61, AG-62
#[test]
fn an_unknown_key_anywhere_is_an_error() {
    for (known, unknown) in [
        ("\"team\"", "\"teem\""),
        ("\"timeout-ms\"", "\"timeout\""),
        ("\"sla-latency-ms\"", "\"sla\""),
        ("\"idempotent\"", "\"idempotant\""),
        ("\"threshold\"", "\"treshold\""),
        ("\"calls-min\"", "\"calls_min\""),
        ("\"profiles\"", "\"profile\""),
    ] {
        let error = read(&ALL.replacen(known, unknown, 1)).unwrap_err();
        assert!(error.contains("unknown field"), "{unknown}: {error}");
    }
    assert!(read(&ALL.replace("\"critical\"", "\"vital\"")).unwrap_err().contains("unknown variant"));
}

#[test]
fn latencies_have_a_unit_and_what_cannot_be_meant_is_told() {
    let ms = |text: &str| text.parse::<Latency>().map(Latency::ms);
    assert_eq!([ms("45ms"), ms(" 1.5 s ")], [Ok(45.0), Ok(1_500.0)]);
    for wrong in ["45", "fast", "-1ms", "0s", "NaNms", ""] {
        assert!(ms(wrong).is_err(), "{wrong}");
    }
    let mut declared = read(ALL).unwrap();
    let service = declared.services.get_mut("payments").unwrap();
    service.slos[0].threshold = None;
    let second = Slo { target: Some(1.0), kind: SloKind::Availability, ..service.slos[0].clone() };
    service.slos.push(second);
    declared.profiles.clear();
    declared.settings.critical_budget = 10.0;
    assert_eq!(declared.problems().len(), 5, "{:?}", declared.problems());
    let days =
        |days: u32| read(&format!(r#"{{"settings": {{"rolling-days": {days}}}}}"#)).unwrap().problems();
    assert_eq!([days(1).len(), days(7).len()], [0, 0]);
    assert!(days(8).join("").contains("from 1 to 7") && days(0).len() == 1);
}

// covers: AG-19
#[test]
fn a_playbook_of_ones_own_is_added_or_replaces_a_shipped_one_and_is_held_to_the_rules() {
    let own = |name: &str, target: &str| {
        let step = r#"{"id": "a", "type": "check", "text": "?", "condition": "failure_rate > 0.1", "on-success": "done","#;
        read(&format!(
            r#"{{"playbooks": [{{"name": "{name}", "steps": [{step} "on-failure": "{target}"}}]}}]}}"#
        ))
        .unwrap()
    };
    let names = |declared: Declared| -> Vec<String> {
        declared.playbooks().into_iter().map(|playbook| playbook.name).collect()
    };
    let added = names(own("our-way", "done"));
    assert_eq!((added.len(), added[0].as_str()), (5, "our-way"), "ours is asked first");
    let replaced = own("memory-leak-response", "done");
    assert_eq!((replaced.playbooks().len(), replaced.problems().len()), (4, 0));
    assert_eq!(own("our-way", "nowhere").problems().len(), 1);
}
