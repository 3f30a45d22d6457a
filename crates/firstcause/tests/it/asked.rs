//! `serve` asks a person on its page: only the token that it printed decides, and the record names the page.

use std::time::Duration;

use serde_json::{Value, json};

use crate::alone;
use crate::hints;
use crate::resume::{Stand, is_closed, wait};
use crate::serving::exchange;

#[test]
fn a_word_on_the_page_of_serve_decides_with_the_token_and_not_without() {
    let _turn = alone();
    let stand = Stand::start(5);
    let serving = stand.serve_asking();
    let request = wait("a person is asked", Duration::from_secs(90), || {
        let journal = stand.newest()?;
        let request = std::fs::read_to_string(journal.with_extension("request")).ok()?;
        Some((journal.file_stem()?.to_str()?.to_owned(), request))
    });
    let (incident, question) = request;
    let digest = question.lines().find_map(|line| line.strip_prefix("action ")).unwrap().to_owned();
    let told = std::fs::read_to_string(stand.path("told")).unwrap();
    let token = told.lines().find_map(|line| line.split_once("#token=")).unwrap().1.trim().to_owned();

    let page = exchange(serving.http, &format!("GET /investigations/{incident}"), "text/plain", &[]).unwrap();
    assert!(String::from_utf8_lossy(&page.1).contains(&digest), "the page shows what would be done");
    // While a person thinks: a client that only follows hints comes to the same cause.
    let followed = hints::followed(serving.http);
    assert_eq!(followed.service.as_deref(), Some("orders"), "{followed:?}");
    let proposed = hints::call(serving.http, "propose_action", &json!({}));
    assert_eq!(proposed["structured"]["actions"][0]["digest"], json!(digest), "{proposed}");
    let decide_at = format!("http://{}/investigations/{incident}", serving.http);
    assert_eq!(
        proposed["structured"]["decide_at"],
        json!(decide_at),
        "a tool tells where, and cannot decide"
    );
    let say = |token: &str, decision: &str| {
        let word =
            json!({ "token": token, "decision": decision, "digest": digest, "name": "night", "comment": "" });
        let place = format!("POST /api/v1/investigations/{incident}/approvals");
        exchange(serving.http, &place, "application/json", word.to_string().as_bytes()).unwrap().0
    };
    assert_eq!(say("guessed", "approve"), 403);
    assert_eq!(say(&token, "reject"), 200);

    let closed = || stand.journal().filter(|(_, records)| is_closed(records));
    let (_, records) = wait("the incident is closed", Duration::from_secs(30), closed);
    let resolution = &records.iter().rev().find(|record| record["kind"] == "resolution").unwrap()["body"];
    let approval = &resolution["approvals"].as_array().unwrap()[0];
    assert_eq!(approval["is_granted"], false);
    let principal = approval["principal"].as_str().unwrap();
    assert!(principal.starts_with("page:") && principal.contains("night"), "{principal}");
    assert_eq!(resolution["actions"].as_array().map_or(0, Vec::len), 0, "nothing was done: {resolution}");
    assert_ne!(resolution["approvals"], Value::Null);
}
