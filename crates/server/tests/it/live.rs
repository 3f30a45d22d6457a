//! The live page and the interface over a real socket: pages, paging, the stream, and who may approve.

use std::sync::Arc;
use std::time::Duration;

use incident::{Action, Report};
use remediation::Authority;
use remediation::channels::page::PageChannel;
use remediation::channels::{ApprovalChannel, ApprovalRequest, Decision};
use serde_json::Value;
use server::identity::key::id_of;
use telemetry::Space;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::identity::oracle::Scope;
use super::identity::world;
use super::rig::{Rig, TOKEN};
use super::story::{self, INCIDENT};

const LIMIT: Duration = Duration::from_secs(30);

async fn open(rig: &Rig, head: &str, more: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(rig.address).await.expect("it accepts");
    let length = body.len();
    let host = if more.contains("host:") { String::new() } else { format!("host: {}\r\n", rig.address) };
    let text =
        format!("{head} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {length}\r\n{more}\r\n{body}");
    stream.write_all(text.as_bytes()).await.expect("it reads");
    stream
}

async fn whole(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_string(&mut text));
    read.await.expect("it answers in time").expect("it answers in text");
    text
}

async fn get(rig: &Rig, path: &str) -> String {
    whole(open(rig, &format!("GET {path}"), "", "").await).await
}

async fn json(rig: &Rig, path: &str) -> Value {
    let text = get(rig, path).await;
    let body = text.split_once("\r\n\r\n").expect("a head and a body").1;
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
}

/// The ids of the records in a stream's text.
fn ids(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}

// covers: AW-26
#[tokio::test]
async fn records_are_paged_in_both_orders_and_by_type_without_loss() {
    let rig = Rig::closed().await;
    let base = format!("/api/v1/investigations/{INCIDENT}/records");
    for order in ["asc", "desc"] {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let page = json(&rig, &format!("{base}?limit=7&order={order}{token}")).await;
            let records = page["records"].as_array().expect("records").clone();
            assert!(records.len() <= 7);
            seen.extend(records.iter().map(|record| record["recordId"].as_str().expect("an id").to_owned()));
            match page["nextToken"].as_str() {
                Some(next) => token = format!("&nextToken={next}"),
                None => break,
            }
        }
        let all = json(&rig, &format!("{base}?limit=100")).await;
        let mut expected: Vec<&str> = all["records"]
            .as_array()
            .expect("records")
            .iter()
            .filter_map(|one| one["recordId"].as_str())
            .collect();
        if order == "desc" {
            expected.reverse();
        }
        assert_eq!(seen, expected, "{order}");
    }
    let found = json(&rig, &format!("{base}?recordType=finding")).await;
    assert_eq!(found["records"][0]["shownAs"], "Root cause");
    for bad in ["limit=0", "limit=101", "order=up", "recordType=gossip", "nextToken=x"] {
        assert!(get(&rig, &format!("{base}?{bad}")).await.starts_with("HTTP/1.1 400 "), "{bad}");
    }
    rig.end().await;
}

// covers: AW-33
#[tokio::test]
async fn the_summary_cites_only_what_it_holds() {
    let rig = Rig::closed().await;
    let summary = json(&rig, &format!("/api/v1/investigations/{INCIDENT}/summary")).await;
    let known: Vec<&Value> =
        summary["observations"].as_array().expect("observations").iter().map(|one| &one["id"]).collect();
    let citing = ["symptoms", "findings"].map(|part| summary[part].as_array().expect(part).clone()).concat();
    let cited: Vec<Value> = citing
        .iter()
        .flat_map(|one| one["supporting_observations"].as_array().expect("a list").clone())
        .collect();
    assert!(cited.len() > 4 && cited.iter().all(|id| known.contains(&id)), "{summary}");
    assert!(summary["symptoms"].as_array().is_some_and(|symptoms| {
        symptoms.iter().all(|symptom| symptom["start_time"].is_string() && symptom["end_time"].is_string())
    }));
    let ids: Vec<&Value> =
        summary["findings"].as_array().expect("findings").iter().map(|one| &one["id"]).collect();
    let causes = summary["findings"].as_array().expect("findings").iter().map(|one| &one["caused_by"]);
    assert!(causes.filter(|id| id.is_string()).all(|id| ids.contains(&id)));
    assert!(summary["investigation_gaps"][0]["title"].is_string());
    rig.end().await;
}

// covers: AW-26, AT-26
#[tokio::test]
async fn the_stream_is_ordered_shows_what_is_durable_and_resumes() {
    let rig = Rig::start().await;
    let (entries, observer) = (story::entries(), rig.follow());
    let lines = story::lines(&entries);
    rig.memory.push(INCIDENT, &lines[0]);
    observer.saw(telemetry::UnixNanos(0), &entries[0]);
    // Written, and not yet durable: nobody may be shown it.
    rig.memory.push(INCIDENT, &lines[1]);
    let path = format!("GET /api/v1/investigations/{INCIDENT}/events");
    let mut stream = open(&rig, &path, "", "").await;
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains("id: 1-1\n") {
        let read = tokio::time::timeout(LIMIT, stream.read_buf(&mut text)).await.expect("it streams in time");
        assert_ne!(read.expect("it streams"), 0);
    }
    assert_eq!(ids(&String::from_utf8_lossy(&text)), ["1", "1-1"]);
    for (line, entry) in lines.iter().zip(&entries).skip(1) {
        if entry != &entries[1] {
            rig.memory.push(INCIDENT, line);
        }
        observer.saw(telemetry::UnixNanos(0), entry);
    }
    drop(observer);
    let rest = whole(stream).await;
    let all: Vec<String> = [ids(&String::from_utf8_lossy(&text)), ids(&rest)].concat();
    assert!(rest.contains("event: end\ndata: {\"status\":\"closed\"}"), "{rest}");
    let again = whole(open(&rig, &path, "last-event-id: 1-1\r\n", "").await).await;
    assert_eq!(ids(&again), all[2..], "what follows the last one seen, and nothing else");
    let listed = json(&rig, &format!("/api/v1/investigations/{INCIDENT}/records?limit=100")).await;
    assert_eq!(listed["records"].as_array().map(Vec::len), Some(all.len()));
    rig.end().await;
}

#[tokio::test]
async fn the_list_tells_what_runs_and_what_was_cut_off_newest_first() {
    let rig = Rig::closed().await;
    let older = "inc_0197b2c4-0000-7c3e-9d51-2f1be0a7c601";
    rig.memory.push(older, &story::lines(&story::entries())[0]);
    let list = json(&rig, "/api/v1/investigations?limit=1").await;
    assert_eq!(list["investigations"][0]["investigationId"], INCIDENT);
    assert_eq!(list["investigations"][0]["verdict"], "inconclusive");
    assert_eq!(list["nextToken"], INCIDENT);
    let next = json(&rig, &format!("/api/v1/investigations?limit=1&nextToken={INCIDENT}")).await;
    assert_eq!(next["investigations"][0]["status"], "cut_off");
    assert_eq!(next["nextToken"], Value::Null);
    let cut = json(&rig, "/api/v1/investigations?status=cut_off").await;
    assert_eq!(cut["investigations"].as_array().map(Vec::len), Some(1));
    let report: Report =
        serde_json::from_value(json(&rig, &format!("/api/v1/investigations/{INCIDENT}")).await)
            .expect("a report");
    assert_eq!(report.root_cause.map(|cause| cause.service).as_deref(), Some("orders"));
    for path in ["/investigations/inc_x", "/investigations/..%2fx", "/api/v1/investigations/inc_x/events"] {
        assert!(get(&rig, path).await.starts_with("HTTP/1.1 404 "), "{path}");
    }
    rig.end().await;
}

#[tokio::test]
async fn the_pages_run_one_marked_script_and_hold_the_whole_story() {
    let rig = Rig::closed().await;
    let home = get(&rig, "/").await;
    assert!(home.contains("script-src 'nonce-4e6f6e6365'"), "{home}");
    assert_eq!(home.matches("<script").count(), 1);
    assert!(home.contains("slow_query in orders; fix inconclusive") && home.contains(">1800<"), "{home}");
    let closed = get(&rig, &format!("/investigations/{INCIDENT}")).await;
    assert!(
        !closed.contains("<script") && closed.contains("id=\"journal\"") && closed.contains("id=\"traces\"")
    );
    let observer = rig.follow();
    assert!(get(&rig, "/").await.contains("Nothing broke yet"), "what is not durable is not listed");
    observer.saw(telemetry::UnixNanos(0), &story::entries()[0]);
    let running = get(&rig, &format!("/investigations/{INCIDENT}")).await;
    assert!(running.contains("http-equiv=\"refresh\"") && running.contains("events?view=html"), "{running}");
    assert_eq!(running.matches("class=\"entry").count(), 2, "the durable record alone, a symptom each");
    assert!(
        get_as(&rig, "firstcause.internal:8080").await.starts_with("HTTP/1.1 200 "),
        "the operator allowed it"
    );
    assert!(get_as(&rig, "evil.example").await.starts_with("HTTP/1.1 421 "));
    rig.end().await;
}

async fn get_as(rig: &Rig, host: &str) -> String {
    whole(open(rig, "GET /", &format!("host: {host}\r\n"), "").await).await
}

// covers: AG-04, W-08
#[tokio::test]
async fn an_approvers_key_decides_and_no_other_key_does() {
    let rig = Rig::start().await;
    let patience = Duration::from_secs(60);
    let channel = PageChannel::new(rig.mailbox.clone(), Authority::new(), patience, Arc::new(|| 0));
    let waiting = tokio::spawn(async move { channel.decide(&request(&story::action())).await });
    let mut changes = rig.mailbox.changes();
    while rig.mailbox.asked(INCIDENT).is_none() {
        changes.changed().await.expect("the mailbox lives");
    }
    let digest = story::action().digest().expect("actions are text");
    let body =
        serde_json::json!({ "digest": digest, "decision": "approve", "name": "somebody else" }).to_string();
    let head = format!("POST /api/v1/investigations/{INCIDENT}/approvals");
    let said = async |key: &str, more: &str| {
        let more = format!("content-type: application/json\r\nauthorization: Bearer {key}\r\n{more}");
        whole(open(&rig, &head, &more, &body).await).await
    };
    let all = Scope { spaces: &[], dialects: &[], tools: &[] };
    let mut seed = 0;
    let mut made = |role: &str, scope| {
        seed += 1;
        world::make(&rig.disk, seed, world::order(role, scope))
    };
    let approver = made("approver", all);
    for (key, more, status) in [
        (made("observer", all), "", "403"),
        (made("remediator", all), "", "403"),
        (made("admin", all), "", "403"),
        (made("approver", Scope { spaces: &["staging"], ..all }), "", "403"),
        (made("approver", Scope { tools: &["status"], ..all }), "", "403"),
        (approver.clone(), "x-agent-role: observer\r\n", "403"),
        (approver.clone(), "origin: http://evil.example\r\n", "403"),
        (format!("{approver}0"), "", "401"),
    ] {
        let answer = said(&key, more).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{more}: {answer}");
        assert!(rig.mailbox.asked(INCIDENT).is_some(), "nothing happened");
    }
    let answer = said(&approver, "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let Decision::Granted(_, record) = waiting.await.expect("it decides") else { panic!("grants") };
    assert_eq!(
        record.principal,
        format!("key:{}", id_of(&approver)),
        "who the key says, not who the body says"
    );
    rig.end().await;
}

fn request(action: &Action) -> ApprovalRequest {
    ApprovalRequest {
        incident: INCIDENT.to_owned(),
        space: Space::default(),
        action: action.clone(),
        because: "it is slow".to_owned(),
    }
}

async fn post(rig: &Rig, more: &str, body: &str) -> String {
    let head = format!("POST /investigations/{INCIDENT}/approvals");
    let more = format!("content-type: application/x-www-form-urlencoded\r\n{more}");
    whole(open(rig, &head, &more, body).await).await
}

// covers: AT-27, W-08
#[tokio::test]
async fn nobody_approves_without_the_token_our_origin_and_the_digest_shown() {
    let rig = Rig::start().await;
    let action = story::action();
    let digest = action.digest().expect("actions are text");
    let origin = format!("origin: http://{}\r\n", rig.address);
    let patience = Duration::from_secs(60);
    let channel = PageChannel::new(rig.mailbox.clone(), Authority::new(), patience, Arc::new(|| 0));
    let waiting = tokio::spawn(async move { channel.decide(&request(&story::action())).await });
    let mut changes = rig.mailbox.changes();
    while rig.mailbox.asked(INCIDENT).is_none() {
        changes.changed().await.expect("the mailbox lives");
    }
    let word = |token: &str, digest: &str| format!("token={token}&digest={digest}&decision=approve&name=ana");
    let elsewhere = "origin: http://evil.example\r\n";
    for (more, body, status) in [
        (origin.as_str(), word("", &digest), "403"),
        (&origin, word(&TOKEN.replace('0', "1"), &digest), "403"),
        (elsewhere, word(TOKEN, &digest), "403"),
        ("origin: null\r\n", word(TOKEN, &digest), "403"),
        ("sec-fetch-site: cross-site\r\n", word(TOKEN, &digest), "403"),
        (&origin, word(TOKEN, "0000"), "409"),
        ("host: evil.example\r\norigin: http://evil.example\r\n", word(TOKEN, &digest), "421"),
    ] {
        let answer = post(&rig, more, &body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{more}{body}: {answer}");
        assert!(rig.mailbox.asked(INCIDENT).is_some(), "nothing happened");
        assert!(!waiting.is_finished());
    }
    let answer = post(&rig, &origin, &word(TOKEN, &digest)).await;
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    let Decision::Granted(_, record) = waiting.await.expect("it decides") else { panic!("grants") };
    assert!(record.principal.starts_with("page:ana(token-"), "{}", record.principal);
    assert!(post(&rig, &origin, &word(TOKEN, &digest)).await.starts_with("HTTP/1.1 409 "), "once");
    rig.end().await;
}
