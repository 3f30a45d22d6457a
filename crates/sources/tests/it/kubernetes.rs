//! Kubernetes' API server as its reference describes it: "API Overview" (lists, `limit` and `continue`, 410 Gone), "Workload
//! Resources", "Cluster Resources" (Event, Node), and "Deployments" (revisions of replica sets, rollbacks).

mod objects;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use sources::Settings;
use telemetry::answer::{ChangeKind, ChangeRow, StateKind, StateRow, Table};
use telemetry::{Answer, Ask, AskError, Scope, Window};

use crate::server::{Reply, Request, Server};
use crate::{ask, broken, open};
use objects::{BEGIN, at, crashing, deployment, event, node, pod, renamed, replica_set};

/// What the needs say, and nothing else.
const ALLOWED: [(&str, &str); 4] = [
    ("GET", "/api/v1/"),
    ("GET", "/apis/apps/v1/"),
    ("GET", "/apis/events.k8s.io/v1/"),
    ("GET", "/api/v1/nodes"),
];

fn settings(url: &str) -> Settings {
    Settings { kind: "kubernetes".to_owned(), url: url.to_owned(), ..Settings::default() }
}

fn window() -> Window {
    Window::new(BEGIN, BEGIN.plus_seconds(600))
}

fn changes() -> Ask {
    Ask::Changes { window: window(), scope: Scope::all() }
}

fn state() -> Ask {
    Ask::State { window: window(), scope: Scope::all() }
}

/// What a resource lists.
fn items(resource: &str) -> Vec<Json> {
    let mut storefront = replica_set("web", "b2", 2, 60, "web:2", "20");
    storefront["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "POOL", "value": "20"}, {"name": "OTEL_SERVICE_NAME", "value": "storefront"}]);
    let mut web = pod(("ReplicaSet", "web-b2"), "web-b2-x", 61, "web:2");
    web["spec"]["containers"][0]["env"] = json!([{"name": "OTEL_RESOURCE_ATTRIBUTES",
        "value": "deployment.environment.name=prod,service.name=storefront"}]);
    let mut cart = replica_set("cart", "a1", 3, -80_000, "cart:1", "20");
    cart["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = json!("1");
    let mut changed = replica_set("api", "c2", 2, 200, "api:1", "2");
    changed["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!("smaller pool");
    let mut api = deployment("api", 1, 1);
    api["metadata"]["managedFields"] = json!([
        {"manager": "kube-controller-manager", "time": at(200), "operation": "Update", "subresource": "status"},
        {"manager": "helm", "time": at(199), "operation": "Update"}]);
    let mut db = [
        pod(("StatefulSet", "db"), "db-0", -9_000, "pg:15"),
        pod(("StatefulSet", "db"), "db-1", 300, "pg:16"),
    ];
    db[0]["metadata"]["labels"]["controller-revision-hash"] = json!("db-1a");
    db[1]["metadata"]["labels"]["controller-revision-hash"] = json!("db-2b");
    let scaling = |name, message, seconds| {
        event(("Deployment", name), "ScalingReplicaSet", message, (seconds, seconds), 1)
    };
    match resource {
        "pods" => {
            let pay = pod(("ReplicaSet", "pay-c3"), "pay-c3-y", -7_000, "pay:3");
            let [first, second] = db;
            let moved = pod(("ReplicaSet", "mail-d4"), "mail-d4-new", 400, "mail:1");
            vec![web, crashing(pay, 120), first, second, moved]
        }
        "replicasets" => vec![
            replica_set("web", "a1", 1, -90_000, "web:1", "20"),
            storefront,
            replica_set("pay", "c3", 3, -9_000, "pay:3", "20"),
            cart,
            replica_set("cart", "b2", 2, -5_000, "cart:2", "20"),
            replica_set("api", "c1", 1, -80_000, "api:1", "20"),
            changed,
            replica_set("mail", "d4", 1, -80_000, "mail:1", "20"),
        ],
        "deployments" => {
            let mut all: Vec<Json> = ["web", "cart", "mail"].map(|name| deployment(name, 1, 1)).to_vec();
            all.extend([deployment("pay", 1, 0), api]);
            all
        }
        "statefulsets" => {
            vec![json!({"metadata": {"name": "db", "namespace": "shop", "creationTimestamp": at(-90_000)},
            "spec": {"replicas": 2}, "status": {"readyReplicas": 2, "availableReplicas": 2}})]
        }
        "daemonsets" => vec![json!({"metadata": {"name": "agent", "namespace": "shop"}, "spec": {},
            "status": {"desiredNumberScheduled": 2, "numberReady": 1, "numberAvailable": 1, "numberUnavailable": 1}})],
        "nodes" => vec![node("n1", "True"), node("n2", "False")],
        "events" => vec![
            scaling("web", "Scaled up replica set web-b2 from 0 to 1", 60),
            scaling("web", "Scaled down replica set web-a1 to 0 from 1", 66),
            event(("Pod", "web-a1-w"), "Killing", "Stopping container main", (66, 66), 1),
            event(("Pod", "pay-c3-y"), "BackOff", "Back-off restarting failed container", (-500, 590), 42),
            event(("Pod", "mail-d4-old"), "Evicted", "The node was low on resource: memory.", (399, 399), 1),
            scaling("cart", "Scaled up replica set cart-a1 to 1", 100),
            scaling("pay", "Scaled up replica set pay-c3 from 3 to 5", 500),
            scaling("pay", "Scaled down replica set pay-c3 to 3 from 5", 550),
        ],
        _ => Vec::new(),
    }
}

/// The whole cluster, two objects a page, as long as the pages that were begun are asked on.
fn cluster(request: &Request) -> Reply {
    let resource = request.path.rsplit('/').next().unwrap_or_default();
    let from: usize =
        request.parameter("continue").map_or(0, |token| token.trim_start_matches('t').parse().unwrap());
    let all = items(resource);
    let page: Vec<&Json> = all.iter().skip(from).take(2).collect();
    let next = if from + 2 < all.len() { format!("t{}", from + 2) } else { String::new() };
    Reply::json(
        &json!({"kind": "List", "metadata": {"resourceVersion": "7", "continue": next}, "items": page}),
    )
}

fn rows(answer: Answer) -> Vec<ChangeRow> {
    let Table::Changes(rows) = answer.table else { panic!("changes") };
    rows
}

fn states(answer: Answer) -> Vec<StateRow> {
    let Table::State(rows) = answer.table else { panic!("states") };
    rows
}

fn find<'a>(rows: &'a [StateRow], kind: StateKind, name: &str) -> &'a StateRow {
    rows.iter()
        .find(|row| row.kind == kind && row.name == name)
        .unwrap_or_else(|| panic!("{name}: {rows:#?}"))
}

// covers: AW-28
#[test]
fn rollouts_rollbacks_scaling_and_replaced_pods_are_told_apart_from_a_crash_loop() {
    let server = Server::start(cluster);
    let told = ask(&open(&settings(&server.url)), changes(), 10).unwrap();
    assert!(!told.truncated && told.locators[0].query == "GET /api/v1/pods", "{:?}", told.locators);
    let rows = rows(told);
    let said: Vec<(i64, ChangeKind, &str, &str, &str, &str)> = rows
        .iter()
        .map(|row| {
            let seconds = row.at.since(BEGIN) / 1_000_000_000;
            (
                seconds,
                row.kind,
                row.service.as_str(),
                row.instance.as_str(),
                row.before.as_str(),
                row.after.as_str(),
            )
        })
        .collect();
    let mut said = said;
    said.sort();
    assert_eq!(
        said,
        [
            (60, ChangeKind::Deploy, "storefront", "", "web:1", "web:2"),
            (100, ChangeKind::Deploy, "cart", "", "cart:2", "cart:1"),
            (120, ChangeKind::Restart, "pay", "pay-c3-y", "pay:3", "pay:3"),
            (200, ChangeKind::Flag, "api", "", "main env.POOL=20", "main env.POOL=2"),
            (300, ChangeKind::Deploy, "db", "", "pg:15", "pg:16"),
            (400, ChangeKind::Restart, "mail", "mail-d4-new", "mail:1", "mail:1"),
            (500, ChangeKind::InstanceAdded, "pay", "", "3 replicas", "5 replicas"),
            (550, ChangeKind::Flag, "pay", "", "5 replicas", "3 replicas"),
        ]
    );
    let words = |service: &str, kind| {
        let row = rows.iter().find(|row| row.service == service && row.kind == kind).unwrap();
        row.detail.clone().unwrap()
    };
    let loops = words("pay", ChangeKind::Restart).message;
    assert!(loops.starts_with("crash loop: ") && loops.contains("OOMKilled, exit code 137"), "{loops}");
    assert!(rows.iter().all(|row| row.service == "pay" || !format!("{row:?}").contains("crash loop")));
    let moved = words("mail", ChangeKind::Restart).message;
    assert!(moved.contains("replaces mail-d4-old; nothing was rolled out"), "{moved}");
    let api = words("api", ChangeKind::Flag);
    assert_eq!(
        (api.author.as_str(), api.files.as_slice()),
        ("helm", &["deployment/shop/api".to_owned()][..])
    );
    assert!(api.message.contains("instead of api-c1; smaller pool"), "{}", api.message);
    assert_eq!(api.diffs[0].lines, ["-main env.POOL=20", "+main env.POOL=2"]);
    broken::assert_asked_only(&server, &ALLOWED);
}

#[test]
fn pods_containers_workloads_nodes_and_events_are_told_with_their_figures() {
    let server = Server::start(cluster);
    let source = open(&settings(&server.url));
    let rows = states(ask(&source, state(), 10).unwrap());
    let web = find(&rows, StateKind::Pod, "web-b2-x");
    assert_eq!((web.service.as_str(), web.status.as_str(), web.at), ("storefront", "Running", window().to));
    for (name, value) in [
        ("node", "n1"),
        ("replica_set", "web-b2"),
        ("revision", "2"),
        ("image", "web:2"),
        ("deployed_at", at(60).as_str()),
    ] {
        assert_eq!(web.attribute(name), value, "{name}");
    }
    let pay = find(&rows, StateKind::Container, "pay-c3-y/main");
    assert_eq!((pay.service.as_str(), pay.status.as_str()), ("pay", "CrashLoopBackOff"));
    assert_eq!(
        (pay.figure("restarts"), pay.figure("exit_code"), pay.figure("ready")),
        (Some(5.0), Some(137.0), Some(0.0))
    );
    assert_eq!((pay.attribute("last_reason"), pay.attribute("image")), ("OOMKilled", "pay:3"));
    let why = find(&rows, StateKind::Pod, "pay-c3-y").attribute("not.Ready").to_owned();
    assert_eq!(why, "ContainersNotReady containers with unready status: [main]");
    let (deployment, daemons) =
        (find(&rows, StateKind::Deployment, "pay"), find(&rows, StateKind::Deployment, "agent"));
    assert_eq!((deployment.figure("desired"), deployment.figure("unavailable")), (Some(1.0), Some(1.0)));
    assert_eq!((daemons.figure("desired"), daemons.figure("ready")), (Some(2.0), Some(1.0)));
    let nodes = ["n1", "n2"].map(|name| find(&rows, StateKind::Node, name));
    assert_eq!(nodes.map(|node| node.status.as_str()), ["Ready", "NotReady"]);
    assert_eq!(nodes[0].figure("cpu_allocatable"), Some(3.92));
    assert_eq!(nodes[0].figure("memory_allocatable"), Some(16_457_584_600.0), "Ki, to nine digits");
    assert_eq!(nodes[0].attribute("disk_pressure"), "True");
    let backing = rows.iter().find(|row| row.status == "BackOff").unwrap();
    assert_eq!(
        (backing.name.as_str(), backing.service.as_str(), backing.figure("count")),
        ("Pod/pay-c3-y", "pay", Some(42.0))
    );
    assert_eq!((backing.attribute("type"), backing.since), ("Warning", Some(BEGIN.plus_seconds(-500))));
    let narrow = Ask::State { window: window(), scope: Scope::service("storefront") };
    let rows = states(ask(&source, narrow, 10).unwrap());
    assert!(!rows.is_empty() && rows.iter().all(|row| row.service == "storefront"), "{rows:?}");
    let other = ask(&source, Ask::Topology { window: window() }, 10);
    assert_eq!(other, Err(AskError::Unsupported("topology".to_owned())));
    broken::assert_asked_only(&server, &ALLOWED);
}

#[test]
fn a_resource_that_may_not_be_listed_is_a_gap_with_its_verb_and_the_rest_is_answered() {
    let forbidden = |resource: &'static str| {
        move |request: &Request| {
            if request.path.ends_with(resource) && !request.path.contains("events.k8s.io") {
                let said = format!(
                    "{resource} is forbidden: User \"firstcause\" cannot list resource \"{resource}\""
                );
                return Reply::Of(
                    403,
                    Vec::new(),
                    json!({"kind": "Status", "code": 403, "message": said}).to_string(),
                );
            }
            match cluster(request) {
                Reply::Of(status, headers, body) if request.path.contains("events.k8s.io") => {
                    let mut page: Json = serde_json::from_str(&body).unwrap();
                    let items: Vec<Json> = page["items"].as_array().unwrap().iter().map(renamed).collect();
                    page["items"] = json!(items);
                    Reply::Of(status, headers, page.to_string())
                }
                other => other,
            }
        }
    };
    let server = Server::start(forbidden("nodes"));
    let told = ask(&open(&settings(&server.url)), state(), 10).unwrap();
    assert!(told.truncated);
    assert!(
        told.locators[0].query.starts_with("not read: `list` on `nodes` (GET /api/v1/nodes)"),
        "{:?}",
        told.locators
    );
    assert!(states(told).iter().all(|row| row.kind != StateKind::Node));
    // Events by their other name are the same ones, and no gap.
    let whole = ask(&open(&settings(&Server::start(cluster).url)), state(), 10).unwrap();
    let server = Server::start(forbidden("events"));
    let renamed = ask(&open(&settings(&server.url)), state(), 10).unwrap();
    assert!(!renamed.truncated && renamed.table == whole.table);
    let server = Server::start(|_| Reply::status(403, "no"));
    let refused = ask(&open(&settings(&server.url)), changes(), 10).unwrap_err().to_string();
    assert!(refused.contains("`list` on `pods`") && refused.contains("`list` on `daemonsets`"), "{refused}");
}

#[test]
fn pages_that_have_expired_are_begun_anew_and_nothing_is_told_twice() {
    let expired = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&expired);
    let server = Server::start(move |request| {
        let is_second = request.path.ends_with("/pods") && request.parameter("continue") == Some("t2");
        if is_second && count.fetch_add(1, Ordering::SeqCst) == 0 {
            let said = json!({"kind": "Status", "code": 410, "reason": "Expired",
                "message": "The provided continue parameter is too old"});
            return Reply::Of(410, Vec::new(), said.to_string());
        }
        cluster(request)
    });
    let told = ask(&open(&settings(&server.url)), state(), 10).unwrap();
    let whole = ask(&open(&settings(&Server::start(cluster).url)), state(), 10).unwrap();
    assert!(expired.load(Ordering::SeqCst) == 2 && told.table == whole.table);
    let always = Server::start(|request| match request.parameter("continue") {
        Some(_) => Reply::status(410, "Expired"),
        None => cluster(request),
    });
    let error = ask(&open(&settings(&always.url)), state(), 10).unwrap_err().to_string();
    assert!(error.contains("410"), "it is not begun for ever: {error}");
}

#[test]
fn who_is_asked_too_often_is_asked_again_when_it_says_so() {
    let refused = Arc::new(Mutex::new(0));
    let server = Server::start(move |request| {
        let mut count = refused.lock().unwrap();
        *count += 1;
        if *count == 1 {
            return Reply::Of(429, vec![("Retry-After", "1".to_owned())], "too many requests".to_owned());
        }
        cluster(request)
    });
    assert!(!rows(ask(&open(&settings(&server.url)), changes(), 10).unwrap()).is_empty());
}

#[test]
fn of_a_window_that_is_long_over_only_what_has_not_changed_since_is_told() {
    let later = |request: &Request| match cluster(request) {
        Reply::Of(status, mut headers, body) => {
            // 2026-05-28 was the window's day.
            headers.push(("Date", "Fri, 29 May 2026 12:00:00 GMT".to_owned()));
            Reply::Of(status, headers, body)
        }
        other => other,
    };
    let server = Server::start(later);
    let source = open(&settings(&server.url));
    let early = Window::new(BEGIN.plus_seconds(-600), BEGIN.plus_seconds(90));
    let told = ask(&source, Ask::State { window: early, scope: Scope::all() }, 10).unwrap();
    // Two pods began later, and the container of another one has ended since.
    assert_eq!(told.left_out, 3);
    let rows = states(told);
    assert!(rows.iter().any(|row| row.name == "web-b2-x") && rows.iter().all(|row| row.name != "pay-c3-y"));
}

#[test]
fn a_cluster_that_answers_slowly_is_told_as_far_as_it_was_read() {
    let server = Server::start(|request| {
        std::thread::sleep(std::time::Duration::from_millis(700));
        cluster(request)
    });
    let told = ask(&open(&settings(&server.url)), state(), 3).unwrap();
    let said: Vec<&str> = told.locators.iter().map(|one| one.query.as_str()).collect();
    assert!(told.truncated && said[0].starts_with("not "), "{said:?}");
    assert!(said.contains(&"not read: `nodes` (GET /api/v1/nodes), there was no time left"), "{said:?}");
    assert!(!told.table.is_empty());
}

#[test]
fn only_the_namespaces_that_are_named_are_read() {
    let server = Server::start(cluster);
    let narrow = Settings { namespaces: vec!["shop".to_owned()], ..settings(&server.url) };
    assert!(!rows(ask(&open(&narrow), changes(), 10).unwrap()).is_empty());
    assert!(server.seen().iter().all(|request| request.path.contains("/namespaces/shop/")));
    let wrong = Settings { namespaces: vec!["a/../../x".to_owned()], ..settings(&server.url) };
    let why = sources::open("tried", &wrong).err().unwrap().to_string();
    assert!(why.contains("is no namespace; hint: "), "{why}");
}

// covers: AW-40
#[test]
fn the_role_that_the_needs_print_lists_and_does_nothing_else() {
    let needs = sources::all().iter().find(|one| one.kind == "kubernetes").unwrap().needs;
    let verbs: Vec<&str> =
        needs.split("verbs: [").skip(1).map(|rest| rest.split(']').next().unwrap()).collect();
    assert_eq!(verbs, ["list", "list"]);
    assert!(!needs.contains("secrets") && !needs.contains("configmaps") && !needs.contains('*'), "{needs}");
}

#[test]
fn a_token_that_is_replaced_while_we_run_is_read_anew() {
    let server = Server::start(|request| match request.header("authorization") {
        Some("Bearer second") => cluster(request),
        _ => Reply::status(401, "Unauthorized"),
    });
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "first\n").unwrap();
    let token_file = Some(file.path().display().to_string());
    let source = open(&Settings { token_file, ..settings(&server.url) });
    let why = ask(&source, changes(), 10).unwrap_err().to_string();
    assert!(why.contains("401") && why.contains("hint: the source's token"), "{why}");
    std::fs::write(file.path(), "second\n").unwrap();
    assert!(!rows(ask(&source, changes(), 10).unwrap()).is_empty());
}

#[test]
fn what_breaks_ends_in_time_and_says_so() {
    broken::assert_ends_in_time(settings, &changes());
}
