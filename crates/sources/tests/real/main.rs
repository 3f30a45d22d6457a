//! A real API server with real controllers: kube-apiserver, etcd and kube-controller-manager of one's own, on loopback.
//!
//! No kubelet runs there: what a kubelet would write about pods is written here, by the same interface. The programs take
//! ten minutes of one core to build, so nothing runs this but `cargo test -p sources --test real`; how they are built,
//! `build.sh` says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test may fail loudly and wait"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value as Json, json};
use sources::Settings;
use std::sync::Arc;
use telemetry::answer::{ChangeKind, ChangeRow, StateKind, StateRow, Table};
use telemetry::{
    Answer, Ask, AskError, Cancel, Limits, Question, QuestionId, Scope, Source, Space, UnixNanos, Window,
};

const REQUIRED: &str = "FIRSTCAUSE_KUBERNETES is the folder that tests/real/build.sh was run in";
const ADMIN: &str = "admin-token";
const READER: &str = "reader-token";
/// Until the controllers have done what was asked.
const PATIENCE: Duration = Duration::from_secs(60);

fn open(settings: &Settings) -> Arc<dyn Source> {
    sources::open("tried", settings).unwrap()
}

fn ask(source: &Arc<dyn Source>, ask: Ask, seconds: u64) -> Result<Answer, AskError> {
    let question =
        Question { id: QuestionId::numbered(1), space: Space::default(), ask, not_before: UnixNanos(0) };
    let limits = Limits { seconds_max: seconds, ..Limits::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(source.ask(&question, limits, &Cancel::default()))
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

/// The servers; killed when dropped.
struct Cluster {
    children: Vec<Child>,
    folder: tempfile::TempDir,
    url: String,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Cluster {
    fn start(programs: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(file("tokens"), format!("{ADMIN},admin,1,system:masters\n{READER},firstcause,2,\n"))
            .unwrap();
        let key = Command::new("openssl").args(["genrsa", "-out", &file("key"), "2048"]).output().unwrap();
        assert!(key.status.success(), "{key:?}");
        let (etcd, peer, port) = (free_port(), free_port(), free_port());
        let url = format!("https://127.0.0.1:{port}");
        let config = json!({"apiVersion": "v1", "kind": "Config", "current-context": "c",
            "clusters": [{"name": "c", "cluster": {"server": url, "insecure-skip-tls-verify": true}}],
            "users": [{"name": "u", "user": {"token": ADMIN}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}]});
        std::fs::write(file("config"), config.to_string()).unwrap();
        let mut cluster = Self { children: Vec::new(), folder, url };
        let etcd = format!("http://127.0.0.1:{etcd}");
        let peer = format!("http://127.0.0.1:{peer}");
        cluster.run(
            programs.join("etcd"),
            &[
                format!("--data-dir={}", file_of(&cluster, "data")),
                format!("--listen-client-urls={etcd}"),
                format!("--advertise-client-urls={etcd}"),
                format!("--listen-peer-urls={peer}"),
                format!("--initial-advertise-peer-urls={peer}"),
                format!("--initial-cluster=default={peer}"),
            ],
        );
        cluster.run(
            programs.join("kube-apiserver"),
            &[
                format!("--etcd-servers={etcd}"),
                "--bind-address=127.0.0.1".to_owned(),
                format!("--secure-port={port}"),
                format!("--cert-dir={}", file_of(&cluster, "certificates")),
                format!("--token-auth-file={}", file_of(&cluster, "tokens")),
                "--authorization-mode=RBAC".to_owned(),
                "--service-cluster-ip-range=10.96.0.0/24".to_owned(),
                "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
                format!("--service-account-key-file={}", file_of(&cluster, "key")),
                format!("--service-account-signing-key-file={}", file_of(&cluster, "key")),
                "--disable-admission-plugins=ServiceAccount".to_owned(),
            ],
        );
        cluster.wait("a server that is ready", |cluster| cluster.call("GET", "readyz", None) == "ok");
        cluster.run(
            programs.join("kube-controller-manager"),
            &[
                format!("--kubeconfig={}", file_of(&cluster, "config")),
                "--controllers=deployment-controller,replicaset-controller,statefulset-controller".to_owned(),
                "--leader-elect=false".to_owned(),
                "--secure-port=0".to_owned(),
            ],
        );
        cluster
    }

    fn run(&mut self, program: PathBuf, words: &[String]) {
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut command = Command::new(&program);
        command.args(words).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.children.push(command.spawn().unwrap_or_else(|why| panic!("{program:?}: {why}; {REQUIRED}")));
    }

    fn wait(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is(self) {
            assert!(Instant::now() < deadline, "waited for {what}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What the server answers to an administrator.
    fn call(&self, method: &str, path: &str, body: Option<&Json>) -> String {
        let kind =
            if method == "PATCH" { "application/strategic-merge-patch+json" } else { "application/json" };
        let mut command = Command::new("curl");
        command.args(["-sk", "-m", "20", "-X", method, "-H", &format!("Authorization: Bearer {ADMIN}")]);
        command.args(["-H", &format!("Content-Type: {kind}")]);
        if let Some(body) = body {
            command.args(["-d", &body.to_string()]);
        }
        let done = command.arg(format!("{}/{path}", self.url)).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    }

    fn done(&self, method: &str, path: &str, body: &Json) -> Json {
        let told: Json = serde_json::from_str(&self.call(method, path, Some(body))).unwrap();
        assert_ne!(told["kind"], "Status", "{method} {path}: {told}");
        told
    }

    fn pods(&self, namespace: &str) -> Vec<Json> {
        let path = format!("api/v1/namespaces/{namespace}/pods");
        let told: Json = serde_json::from_str(&self.call("GET", &path, None)).unwrap();
        told["items"].as_array().cloned().unwrap_or_default()
    }

    /// Says of every pod what a kubelet would say, until `count` of them run this image and no others are left.
    fn settle(&self, namespace: &str, image: &str, count: usize) {
        self.wait(&format!("{count} pods of {image}"), |cluster| {
            let pods = cluster.pods(namespace);
            for pod in pods.iter().filter(|pod| pod["status"]["phase"] != "Running") {
                let name = pod["metadata"]["name"].as_str().unwrap();
                let now = now().rfc3339();
                let image = &pod["spec"]["containers"][0]["image"];
                let status = json!({"status": {"phase": "Running", "startTime": now,
                    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": now}],
                    "containerStatuses": [{"name": "main", "image": image, "imageID": "sha256:9f", "ready": true,
                        "restartCount": 0, "state": {"running": {"startedAt": now}}}]}});
                cluster.call("PATCH", &format!("api/v1/namespaces/{namespace}/pods/{name}/status"), Some(&status));
            }
            let is_of = |pod: &&Json| {
                pod["spec"]["containers"][0]["image"] == image && pod["status"]["phase"] == "Running"
            };
            pods.len() == count && pods.iter().filter(is_of).count() == count
        });
    }

    fn settings(&self) -> Settings {
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        std::fs::write(file("reader"), READER).unwrap();
        Settings {
            kind: "kubernetes".to_owned(),
            url: self.url.clone(),
            token_file: Some(file("reader")),
            ca_file: Some(file("certificates/apiserver.crt")),
            ..Settings::default()
        }
    }
}

fn file_of(cluster: &Cluster, name: &str) -> String {
    cluster.folder.path().join(name).display().to_string()
}

fn now() -> UnixNanos {
    UnixNanos(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap())
}

/// The role that the needs print, with or without nodes, bound to the reader.
fn allow(cluster: &Cluster, core: &[&str]) {
    let rules = json!([{"apiGroups": [""], "resources": core, "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["daemonsets", "deployments", "replicasets", "statefulsets"], "verbs": ["list"]}]);
    let roles = "apis/rbac.authorization.k8s.io/v1/clusterroles";
    let role = json!({"metadata": {"name": "firstcause"}, "rules": rules});
    if cluster.call("GET", &format!("{roles}/firstcause"), None).contains("NotFound") {
        cluster.done("POST", roles, &role);
        cluster.done("POST", "apis/rbac.authorization.k8s.io/v1/clusterrolebindings", &json!({
            "metadata": {"name": "firstcause"}, "subjects": [{"kind": "User", "name": "firstcause"}],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "firstcause"}}));
    } else {
        cluster.done("PUT", &format!("{roles}/firstcause"), &role);
    }
}

fn image(name: &str) -> Json {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": name}]}}}})
}

fn workload(name: &str, replicas: u32) -> Json {
    json!({"metadata": {"name": name}, "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": format!("{name}:1")}]}}}})
}

/// What runs before everything happens: deployments `api` and `mail`, and the stateful set `db`.
fn quiet(cluster: &Cluster) {
    for (namespace, kind, name, count) in [
        ("back", "deployments", "api", 1),
        ("post", "deployments", "mail", 1),
        ("data", "statefulsets", "db", 2),
    ] {
        cluster.done("POST", "api/v1/namespaces", &json!({"metadata": {"name": namespace}}));
        let mut object = workload(name, count);
        if kind == "statefulsets" {
            object["spec"]["serviceName"] = json!(name);
        }
        cluster.done("POST", &format!("apis/apps/v1/namespaces/{namespace}/{kind}"), &object);
        cluster.settle(namespace, &format!("{name}:1"), count as usize);
    }
    std::thread::sleep(Duration::from_millis(2_100));
}

/// Evicts the pod of `mail`, and begins to roll `db` out: its first pod is replaced and never ready.
fn replace(cluster: &Cluster) {
    // Not in the second of what was done before.
    std::thread::sleep(Duration::from_millis(1_100));
    let pod = cluster.pods("post").remove(0);
    let name = pod["metadata"]["name"].as_str().unwrap();
    let now = format!("{}Z", now().rfc3339().split('.').next().unwrap());
    // As a kubelet would write it.
    let evicted = json!({"metadata": {"name": format!("{name}.e")}, "reason": "Evicted", "type": "Warning",
        "message": "The node was low on resource: memory.", "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        "involvedObject": {"kind": "Pod", "name": name, "namespace": "post"}, "source": {"component": "kubelet"}});
    cluster.done("POST", "api/v1/namespaces/post/events", &evicted);
    cluster.call("DELETE", &format!("api/v1/namespaces/post/pods/{name}"), None);
    cluster.wait("another pod of mail", |cluster| {
        let pods = cluster.pods("post");
        pods.len() == 1 && pods[0]["metadata"]["name"] != name
    });
    std::thread::sleep(Duration::from_millis(1_100));
    cluster.done("PATCH", "apis/apps/v1/namespaces/data/statefulsets/db", &image("db:2"));
    cluster.wait("a pod of the other revision", |cluster| {
        cluster.pods("data").iter().any(|pod| pod["spec"]["containers"][0]["image"] == "db:2")
    });
}

/// Rolls out, rolls back, scales and breaks; when that began, when it was half done, and the pod that is broken.
fn happen(cluster: &Cluster) -> (UnixNanos, UnixNanos, String) {
    cluster.done("POST", "api/v1/namespaces", &json!({"metadata": {"name": "shop"}}));
    let web = json!({"metadata": {"name": "web"}, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:1",
            "env": [{"name": "OTEL_SERVICE_NAME", "value": "storefront"}]}]}}}});
    let deployments = "apis/apps/v1/namespaces/shop/deployments";
    cluster.done("POST", deployments, &web);
    cluster.settle("shop", "web:1", 2);
    // Times of metadata are whole seconds.
    std::thread::sleep(Duration::from_millis(2_100));
    quiet(cluster);
    let begin = now();
    let one = format!("{deployments}/web");
    std::thread::sleep(Duration::from_millis(1_100));
    cluster.done("PATCH", &one, &image("web:2"));
    cluster.settle("shop", "web:2", 2);
    let between = now();
    std::thread::sleep(Duration::from_millis(2_100));
    cluster.done("PATCH", &one, &image("web:1"));
    cluster.settle("shop", "web:1", 2);
    let pod = cluster.pods("shop").remove(0);
    let (name, ended) = (pod["metadata"]["name"].as_str().unwrap().to_owned(), now().rfc3339());
    let crashed = json!({"status": {"containerStatuses": [{"name": "main", "image": "web:1", "imageID": "sha256:9f",
        "ready": false, "restartCount": 4, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"reason": "Error", "exitCode": 1, "startedAt": ended, "finishedAt": ended}}}]}});
    cluster.done("PATCH", &format!("api/v1/namespaces/shop/pods/{name}/status"), &crashed);
    cluster.done("PATCH", "apis/apps/v1/namespaces/back/deployments/api", &json!({"spec": {"replicas": 3}}));
    replace(cluster);
    for number in 0..510 {
        let node = json!({"metadata": {"name": format!("n{number}")}});
        cluster.call("POST", "api/v1/nodes", Some(&node));
    }
    allow(cluster, &["events", "nodes", "pods"]);
    std::thread::sleep(Duration::from_millis(1_100));
    (begin, between, name)
}

#[test]
fn a_real_cluster_tells_rollouts_a_rollback_scaling_and_a_crash_loop() {
    let programs = std::env::var("FIRSTCAUSE_KUBERNETES").expect(REQUIRED);
    let cluster = Cluster::start(Path::new(&programs));
    let (begin, between, name) = happen(&cluster);
    let window = Window::new(begin, now());
    let source = open(&cluster.settings());
    let told = ask(&source, Ask::Changes { window, scope: Scope::all() }, 10).unwrap();
    assert!(!told.truncated, "{:?}", told.locators);
    let rows = rows(told);
    let said: Vec<(ChangeKind, &str, &str, &str)> = rows
        .iter()
        .map(|row| (row.kind, row.service.as_str(), row.before.as_str(), row.after.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (ChangeKind::Deploy, "storefront", "web:1", "web:2"),
            (ChangeKind::Deploy, "storefront", "web:2", "web:1"),
            (ChangeKind::Restart, "storefront", "web:1", "web:1"),
            (ChangeKind::InstanceAdded, "api", "1 replicas", "3 replicas"),
            (ChangeKind::Restart, "mail", "mail:1", "mail:1"),
            (ChangeKind::Deploy, "db", "db:1", "db:2"),
        ],
        "{rows:#?}"
    );
    assert!(rows[0].at < between && rows[1].at > between, "the rollback is told when it was made: {rows:#?}");
    assert_eq!(rows[0].detail.as_ref().unwrap().author, "curl");
    let words = |place: usize| rows[place].detail.as_ref().unwrap().message.clone();
    assert!(
        words(2).starts_with("crash loop: ") && words(4).contains("; nothing was rolled out"),
        "{rows:#?}"
    );
    let told = ask(&source, Ask::State { window, scope: Scope::all() }, 10).unwrap();
    assert!(!told.truncated);
    let rows = states(told);
    let looping = find(&rows, StateKind::Container, &format!("{name}/main"));
    assert_eq!((looping.status.as_str(), looping.figure("restarts")), ("CrashLoopBackOff", Some(4.0)));
    assert_eq!(find(&rows, StateKind::Pod, &name).attribute("revision"), "3");
    assert_eq!(rows.iter().filter(|row| row.kind == StateKind::Node).count(), 510, "more than one page");
    assert!(rows.iter().any(|row| row.kind == StateKind::Event && row.status == "ScalingReplicaSet"));
    // What is not allowed is said in the server's own words, and the rest is answered.
    allow(&cluster, &["events", "pods"]);
    cluster.wait("the smaller role", |_| {
        let told = ask(&source, Ask::State { window, scope: Scope::all() }, 10).unwrap();
        told.truncated && told.locators[0].query.contains("cannot list resource") && !told.table.is_empty()
    });
    let stranger = Settings { ca_file: None, ..cluster.settings() };
    let why = ask(&open(&stranger), Ask::State { window, scope: Scope::all() }, 5).unwrap_err().to_string();
    assert!(why.contains("certificate"), "the control: without the authority there is no trust: {why}");
}
