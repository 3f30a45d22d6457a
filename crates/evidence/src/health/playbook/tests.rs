//! The shipped playbooks hold together, broken ones are refused, and walks stop before anything is done.

use super::*;

fn named(name: &str) -> Playbook {
    shipped().into_iter().find(|playbook| playbook.name == name).unwrap()
}

// covers: AG-55
#[test]
fn the_shipped_playbooks_are_sound_graphs_and_their_conditions_can_be_evaluated() {
    let playbooks = shipped();
    let names: Vec<&str> = playbooks.iter().map(|playbook| playbook.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "cascade-failure-response",
            "error-rate-spike-response",
            "latency-degradation-response",
            "memory-leak-response"
        ]
    );
    for playbook in &playbooks {
        assert_eq!(playbook.problems(), Vec::<String>::new(), "{}", playbook.name);
        assert_eq!(Pattern::ALL.iter().filter(|pattern| playbook.answers(**pattern)).count(), 1);
        let all: Facts = FIGURES.into_iter().map(|figure| (figure, 0.0)).collect();
        for step in playbook.steps.iter().filter(|step| step.kind != StepKind::Action) {
            let condition = step.condition.as_ref().unwrap();
            assert!(condition.evaluate(&all).is_some(), "{condition}");
            assert_eq!(condition.to_string().parse::<Condition>().as_ref(), Ok(condition));
        }
        let acting = playbook.steps.iter().filter(|step| step.kind == StepKind::Action);
        let is_harmless = |step: &&Step| matches!(step.action.as_deref(), Some("escalate" | "investigate"));
        assert!(acting.filter(|step| !is_harmless(step)).all(|step| step.requires_approval));
    }
}

// covers: AG-55
#[test]
fn a_dangling_step_a_lost_one_an_endless_way_and_a_step_of_both_kinds_are_refused() {
    let broken = |change: &dyn Fn(&mut Playbook)| {
        let mut playbook = named("cascade-failure-response");
        change(&mut playbook);
        playbook.problems().join("; ")
    };
    assert!(
        broken(&|playbook| playbook.steps[0].on_success = "nowhere".into())
            .contains("`nowhere`, which is no step")
    );
    assert!(
        broken(&|playbook| playbook.steps[0].on_failure = DONE.into()).contains("`alone` is never reached")
    );
    let endless = broken(&|playbook| {
        (playbook.steps[4].on_success, playbook.steps[4].on_failure) = ("escalate".into(), "escalate".into());
    });
    assert!(endless.contains("from step `escalate` to the end"), "{endless}");
    assert!(
        broken(&|playbook| playbook.steps[0].condition = None)
            .contains("step `failing`: an action names one")
    );
    assert!(broken(&|playbook| playbook.steps[1].id = "failing".into()).contains("the id is taken"));
    assert!(
        broken(&|playbook| playbook.patterns.push("gremlins".into())).contains("`gremlins` is no pattern")
    );
    assert!(broken(&|playbook| playbook.steps.clear()).contains("has no steps"));
}

// covers: AG-55
#[test]
fn a_walk_follows_the_figures_and_stops_before_anything_is_done_or_where_a_figure_is_missing() {
    let spike = named("error-rate-spike-response");
    let walk = |facts: &[(&'static str, f64)]| spike.walk(&facts.iter().copied().collect());
    assert_eq!(walk(&[("deployments_before_onset", 1.0)]).end, WalkEnd::WouldAct("roll-back".into()));
    let none = walk(&[("deployments_before_onset", 0.0), ("dependency_error_share", 0.9)]);
    assert_eq!(none.answered, [("deployed".to_owned(), false), ("origin".to_owned(), true)]);
    assert_eq!(none.end, WalkEnd::WouldAct("cut-off".into()));
    assert_eq!(walk(&[("deployments_before_onset", 0.0)]).end, WalkEnd::Unknown("origin".into()));
    let level = named("memory-leak-response").walk(&Facts::from([("memory_growth", 0.0)]));
    assert_eq!(level.end, WalkEnd::Done);
}

#[test]
fn a_way_in_a_circle_ends() {
    let mut playbook = named("cascade-failure-response");
    playbook.steps[0].on_failure = "failing".into();
    assert_eq!(playbook.walk(&Facts::from([("failing_dependencies", 0.0)])).answered.len(), 1);
}

// covers: AG-55
#[test]
fn conditions_are_refused_when_they_are_read_and_not_when_they_are_needed() {
    let facts = Facts::from([("failure_rate", 0.2), ("failing_dependencies", 3.0)]);
    let evaluate = |text: &str| text.parse::<Condition>().map(|condition| condition.evaluate(&facts));
    assert_eq!(evaluate("failure_rate > 0.2"), Ok(Some(false)));
    assert_eq!(evaluate("failure_rate >= 0.2 and failing_dependencies < 4"), Ok(Some(true)));
    assert_eq!(evaluate("failure_rate <= 0.2 and memory_growth > 1"), Ok(None));
    assert_eq!(evaluate("failure_rate > 0.2 and memory_growth > 1"), Ok(Some(false)), "false whatever it is");
    for wrong in [
        "",
        "error_rate decreasing after 30s",
        "failure_rate > high",
        "failure_rate = 1",
        "unknown_figure > 1",
        "failure_rate > 1 or failure_rate < 0",
    ] {
        assert!(evaluate(wrong).is_err(), "{wrong}");
    }
    let own = r#"{"name": "own", "steps": [{"id": "a", "type": "check", "text": "?", "condition": "failure_rate > 0.1",
        "on-success": "done", "on-failure": "done"}]}"#;
    let read: Playbook = serde_json::from_str(own).unwrap();
    assert_eq!(read.problems(), Vec::<String>::new());
    assert!(serde_json::from_str::<Playbook>(&own.replace("failure_rate", "failures")).is_err());
    assert!(serde_json::from_str::<Playbook>(&own.replace("\"text\"", "\"txt\"")).is_err());
    assert!(FIGURES.windows(2).all(|pair| pair[0] < pair[1]));
}
