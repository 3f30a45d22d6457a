//! The other processes of the demo: actuator (with all services), load, deployments.
//!
//! Each is started with a pipe as standard input and ends when the pipe closes, so that nothing survives this
//! process, whatever ends it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use demo::conditions::Conditions;
use demo::supervisor::client::Client;
use demo::system::System;
use tokio::process::{Child, Command};

use crate::cli::Demo;
use crate::failure::Failure;

/// How long the services may take to be ready: data are made and ten processes started.
const READY_SECONDS_MAX: u64 = 60;
/// How long a process may take to end once its pipe is closed.
const STOP_SECONDS_MAX: u64 = 15;

/// The running processes.
pub(super) struct Fleet {
    sampler: Option<Child>,
    actuator: Child,
    load: Child,
    director: Child,
    stage: Option<SocketAddr>,
    socket: PathBuf,
    data: PathBuf,
}

impl Fleet {
    /// Makes the data, starts everything and waits until every service is ready.
    pub(super) async fn start(folder: &Path, otlp: SocketAddr, args: &Demo) -> anyhow::Result<Self> {
        let binary = std::env::current_exe().context("failed to find this very binary")?;
        let (sampler, otlp) = if args.keep_errors_tail {
            let (sampler, address) = start_sampler(&binary, otlp).await?;
            (Some(sampler), address)
        } else {
            (None, otlp)
        };
        let system = make_system(folder, &binary, otlp, args).await?;
        // A Unix socket's path has 107 bytes at most, and data folders may be deep.
        let socket = std::env::temp_dir().join(format!("firstcause-{}.sock", std::process::id()));
        let control = socket.with_extension("load");
        let part = |name: &str| {
            let mut command = Command::new(&binary);
            command.arg(name).arg("--system").arg(system.file());
            command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
            command
        };
        let mut actuate = part("actuate");
        actuate.arg("--socket").arg(&socket).arg("--allow-deploy").arg("--stop-with-stdin");
        let actuator = actuate.spawn().context("failed to start the actuator")?;
        wait_ready(&socket).await?;
        let mut load = part("demo-load");
        load.arg("--rate").arg(args.rate.to_string()).arg("--seed").arg(args.seed.to_string());
        load.arg("--summary").arg(folder.join("load.json"));
        load.arg("--control").arg(&control).arg("--live").arg(socket.with_extension("live"));
        let load = load.spawn().context("failed to start the load")?;
        let (mut director, stage) = if args.you_break_it {
            let address = free_address()?;
            let mut stage = part("demo-stage");
            stage.arg("--listen").arg(address.to_string()).arg("--folder").arg(folder);
            stage.arg("--healthy-for").arg(args.healthy_for.to_string());
            stage.arg("--live").arg(socket.with_extension("live"));
            (stage, Some(address))
        } else {
            (directed(part("demo-director"), folder, args), None)
        };
        director.arg("--socket").arg(&socket).arg("--seed").arg(args.seed.to_string());
        director.arg("--load-control").arg(&control);
        let director = director.spawn().context("failed to start the deployments")?;
        if let Some(stage) = stage {
            wait_listening(stage, "the page of the demo").await?;
        }
        Ok(Self {
            sampler,
            actuator,
            load,
            director,
            stage,
            socket,
            data: folder.join("system").join("data"),
        })
    }

    /// Where the actuator listens.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Where the viewer chooses what breaks, if that was asked for.
    pub(super) fn stage(&self) -> Option<SocketAddr> {
        self.stage
    }

    /// Ends everything, and removes the services' databases: they are large and made again from the seed.
    pub(super) async fn stop(self) -> anyhow::Result<()> {
        for (name, child) in
            [("deployments", self.director), ("load", self.load), ("actuator", self.actuator)]
        {
            end(name, child).await?;
        }
        if let Some(sampler) = self.sampler {
            end("tail sampling", sampler).await?;
        }
        for scratch in ["sock", "load", "live"] {
            tokio::fs::remove_file(self.socket.with_extension(scratch)).await.ok();
        }
        tokio::fs::remove_dir_all(&self.data).await.ok();
        Ok(())
    }
}

/// The director that plays the fault of the command line.
fn directed(mut director: Command, folder: &Path, args: &Demo) -> Command {
    director.arg("--fault").arg(args.fault.name()).arg("--strength").arg(args.strength.to_string());
    director.arg("--fault-after").arg(args.healthy_for.to_string());
    director.arg("--truth").arg(folder.join("truth.json"));
    if let Some(heal_at) = args.heal_at {
        director.arg("--heal-at").arg(heal_at.to_string());
    }
    director
}

/// An address that is free now; whoever gets it binds it a moment later, and says so if it was taken meanwhile.
fn free_address() -> anyhow::Result<SocketAddr> {
    let free = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0));
    free.and_then(|free| free.local_addr()).context("failed to find a free port")
}

async fn wait_listening(address: SocketAddr, what: &str) -> anyhow::Result<()> {
    let listening = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(STOP_SECONDS_MAX), listening)
        .await
        .with_context(|| format!("{what} does not listen on {address}"))
}

/// Starts the tail sampling on a free port and waits until it listens.
async fn start_sampler(binary: &Path, forward: SocketAddr) -> anyhow::Result<(Child, SocketAddr)> {
    let address = free_address()?;
    let mut command = Command::new(binary);
    command.arg("demo-tail-sampler").arg("--listen").arg(address.to_string());
    command.arg("--forward").arg(forward.to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true);
    let sampler = command.spawn().context("failed to start the tail sampling")?;
    wait_listening(address, "the tail sampling").await?;
    Ok((sampler, address))
}

async fn make_system(folder: &Path, binary: &Path, otlp: SocketAddr, args: &Demo) -> anyhow::Result<System> {
    let (folder, binary, seed) = (folder.join("system"), binary.to_owned(), args.seed);
    // What a viewer will choose is not known here, so no service can be dark for it.
    let script = if args.you_break_it { None } else { args.fault.script(args.strength) }.unwrap_or_default();
    let conditions = Conditions {
        sample: args.sample,
        no_traces: args.no_traces,
        dark: args.dark.clone(),
        skew_ms: args.skew.map(|seconds| seconds * 1_000),
    };
    tokio::task::spawn_blocking(move || {
        let endpoint = format!("http://{otlp}");
        let mut system = System::create(&folder, &binary, &["demo-service".to_owned()], &endpoint, seed)
            .context("failed to make the system's data")?;
        conditions
            .apply(&mut system, &script, seed)
            .map_err(|error| Failure::usage(error.to_string(), "see --help"))?;
        Ok(system)
    })
    .await
    .context("making the data failed")?
}

async fn wait_ready(socket: &Path) -> anyhow::Result<()> {
    let client = Client::new(socket);
    let ready = async {
        loop {
            if client
                .status()
                .await
                .is_ok_and(|status| status.instances.iter().all(|instance| instance.ready))
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(READY_SECONDS_MAX), ready).await.map_err(|_| {
        Failure::unreachable(
            format!("the demo's services were not ready within {READY_SECONDS_MAX} s"),
            "see the files in <data dir>/system/logs",
        )
    })
}

async fn end(name: &str, mut child: Child) -> anyhow::Result<()> {
    drop(child.stdin.take());
    match tokio::time::timeout(Duration::from_secs(STOP_SECONDS_MAX), child.wait()).await {
        Ok(status) => status.map(|_| ()).with_context(|| format!("failed to wait for the {name}")),
        Err(_) => child.kill().await.with_context(|| format!("failed to end the {name}")),
    }
}
