//! The whole demo system in a temporary directory, under a real supervisor process.
//! It deliberately shares nothing between tests but a turn: two systems at once would measure each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use axum::http::{Request, StatusCode};
use bytes::Bytes;
use demo::supervisor::client::Client;
use demo::supervisor::wire::{Status, Variables};
use demo::system::System;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{interval, timeout};

use crate::sink::Sink;

static TURN: Mutex<()> = Mutex::const_new(());

pub(crate) struct Harness {
    pub(crate) sink: Sink,
    pub(crate) system: System,
    pub(crate) socket: PathBuf,
    pub(crate) supervisor: Client,
    pub(crate) process: Child,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    directory: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Harness {
    pub(crate) async fn start() -> Self {
        let turn = TURN.lock().await;
        let sink = Sink::start().await;
        let directory = tempfile::tempdir().unwrap();
        let demo_part = std::env::current_exe().unwrap();
        let demo_part = demo_part.ancestors().nth(2).unwrap().join("examples/demo_part");
        let endpoint = format!("http://{}", sink.address);
        let system =
            System::create(directory.path(), &demo_part, &["service".to_owned()], &endpoint, 7).unwrap();
        let socket = directory.path().join("actuate.sock");
        let process = Command::new(&demo_part)
            .arg("actuate")
            .args([&system.file(), &socket])
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let harness = Self {
            sink,
            system,
            supervisor: Client::new(&socket),
            socket,
            process,
            http: legacy::Client::builder(TokioExecutor::new()).build_http(),
            directory,
            _turn: turn,
        };
        harness.until_ready().await;
        harness
    }

    async fn until_ready(&self) {
        let mut poll = interval(Duration::from_millis(50));
        let ready = timeout(Duration::from_secs(20), async {
            loop {
                poll.tick().await;
                if let Ok(status) = self.supervisor.status().await
                    && status.instances.iter().all(|instance| instance.ready)
                {
                    return;
                }
            }
        });
        ready.await.expect("the system does not start");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn address(&self, instance: &str) -> SocketAddr {
        self.system.instances.iter().find(|candidate| candidate.id == instance).unwrap().address()
    }

    pub(crate) async fn get(&self, instance: &str, path: &str) -> (StatusCode, serde_json::Value) {
        self.send(Request::get(format!("http://{}{path}", self.address(instance))), Full::default()).await
    }

    pub(crate) async fn post(
        &self,
        instance: &str,
        path: &str,
        body: &str,
    ) -> (StatusCode, serde_json::Value) {
        let request = Request::post(format!("http://{}{path}", self.address(instance)));
        self.send(request.header("content-type", "application/json"), Full::from(body.to_owned())).await
    }

    async fn send(
        &self,
        request: axum::http::request::Builder,
        body: Full<Bytes>,
    ) -> (StatusCode, serde_json::Value) {
        let answer = self.http.request(request.body(body).unwrap()).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// The median time of some equal requests.
    #[expect(clippy::disallowed_methods, reason = "the property is a real duration")]
    pub(crate) async fn median(&self, instance: &str, path: &str) -> Duration {
        let mut times = Vec::new();
        for _ in 0..15 {
            let started = Instant::now();
            assert_eq!(self.get(instance, path).await.0, StatusCode::OK);
            times.push(started.elapsed());
        }
        times.sort();
        times[times.len() / 2]
    }

    pub(crate) async fn pids(&self) -> BTreeMap<String, u32> {
        let status = self.supervisor.status().await.unwrap();
        status.instances.into_iter().map(|instance| (instance.instance, instance.pid.unwrap())).collect()
    }

    pub(crate) async fn restart(&self, instance: &str, variable: &str, value: &str) {
        let set = Variables::from([(variable.to_owned(), value.to_owned())]);
        self.supervisor.restart(instance, set, Vec::new()).await.unwrap();
    }

    pub(crate) async fn status(&self) -> Status {
        self.supervisor.status().await.unwrap()
    }
}

/// Waits until none of the processes is left. A zombie counts as gone: who reaps it is the machine's affair.
pub(crate) async fn assert_all_gone(pids: impl IntoIterator<Item = u32>) {
    let mut left: Vec<u32> = pids.into_iter().collect();
    let mut poll = interval(Duration::from_millis(20));
    let gone = timeout(Duration::from_secs(5), async {
        while !left.is_empty() {
            poll.tick().await;
            left.retain(|pid| {
                std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| !line.is_empty())
            });
        }
    });
    if gone.await.is_err() {
        panic!("processes are left: {left:?}");
    }
}
