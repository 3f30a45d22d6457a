//! One service process: the role its settings name, served over HTTP until it is told to stop.
//! It deliberately contains no injected delay: every millisecond of an answer is work.

mod catalog;
mod checkout;
mod database;
mod failure;
mod gateway;
mod messaging;
mod orders;
mod queue;
mod receipts;
mod settings;
mod stock;
mod upstream;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::instrument::server::{Observer, observe};
use crate::instrument::{ExportError, Identity, Telemetry};
use crate::lifetime::Lifetime;
use database::{Database, DatabaseError};
use messaging::{Consumer, Producer};
use queue::Queue;
pub use receipts::Receipts;
use receipts::Worker;
pub use settings::{ReadAudit, Role, SettingError, Settings};
use upstream::Upstream;

/// How long requests that have begun may take to finish after a stop.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Why a service did not start, or did not go on.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The settings do not describe a service.
    #[error("the settings do not describe a service")]
    Setting(#[from] SettingError),
    /// Signals cannot be received.
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
    /// The telemetry exporters cannot be built.
    #[error("cannot start telemetry")]
    Telemetry(#[from] ExportError),
    /// The database is not usable.
    #[error("cannot open the database")]
    Database(#[from] DatabaseError),
    /// The address is not free.
    #[error("cannot listen on {address}; hint: another process has taken the port, create the system again")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server failed while serving.
    #[error("the server failed")]
    Serve(#[source] io::Error),
}

/// Runs one service until SIGTERM, then drains, flushes its telemetry and returns.
pub async fn run(settings: Settings) -> Result<(), ServeError> {
    let lifetime = Lifetime::watch(settings.stop_with_stdin).map_err(ServeError::Signal)?;
    let identity = Identity {
        service: settings.role.name().to_owned(),
        version: settings.version.clone(),
        instance: settings.instance.clone(),
    };
    let telemetry = Telemetry::start(&identity, settings.otlp_endpoint.as_deref())?;
    let served = serve(&settings, &telemetry, lifetime).await;
    let flushed = tokio::task::spawn_blocking(move || telemetry.shutdown()).await;
    served.and(flushed.map_err(|panic| ServeError::Serve(panic.into())))
}

async fn serve(
    settings: &Settings,
    telemetry: &Arc<Telemetry>,
    mut lifetime: Lifetime,
) -> Result<(), ServeError> {
    let router = router(settings, telemetry)
        .await?
        .route_layer(axum::middleware::from_fn_with_state(
            Observer { telemetry: Arc::clone(telemetry), port: settings.port },
            observe,
        ))
        .route("/healthz", get(async || "ok\n"));

    // Bound last: the port is open only once the schema follows the configuration.
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
    let listener = TcpListener::bind(address).await.map_err(|source| ServeError::Bind { address, source })?;
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));

    let worker = worker(settings, telemetry).await?.map(Worker::start);
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, router).with_graceful_shutdown(async { drop(stopped.await) });
    let mut server = std::pin::pin!(server.into_future());
    tokio::select! {
        served = &mut server => return served.map_err(ServeError::Serve),
        () = lifetime.ended() => drop(stop),
    }
    if let Some(worker) = worker {
        worker.stop(DRAIN_LIMIT).await;
    }
    match tokio::time::timeout(DRAIN_LIMIT, server).await {
        Ok(served) => served.map_err(ServeError::Serve),
        // What has not finished by now is cut off, as its callers were promised a restart, not a wait.
        Err(_) => Ok(()),
    }
}

async fn router(settings: &Settings, telemetry: &Arc<Telemetry>) -> Result<Router, ServeError> {
    let upstream = |role: Role| Ok::<_, ServeError>(Upstream::new(role, settings.upstream(role)?, telemetry));
    Ok(match settings.role {
        Role::Gateway => gateway::router(upstream(Role::Catalog)?, upstream(Role::Checkout)?, telemetry),
        Role::Catalog => catalog::router(upstream(Role::Stock)?, telemetry),
        Role::Checkout => {
            let events = Producer::new(Queue::open(settings.queue_file()?).await?, telemetry);
            checkout::router(upstream(Role::Stock)?, upstream(Role::Orders)?, events, telemetry)
        }
        Role::Stock => {
            stock::router(Database::open(settings.database_file()?, "", telemetry).await?, telemetry)
        }
        Role::Orders => {
            let migration = orders::migration(settings.customer_index);
            let database = Database::open(settings.database_file()?, migration, telemetry).await?;
            orders::router(database, settings.read_audit, telemetry)
        }
        // A worker is asked for nothing but its health.
        Role::Receipts => Router::new().route("/", get(async || "receipts\n")),
    })
}

/// What a worker does besides answering.
async fn worker(settings: &Settings, telemetry: &Arc<Telemetry>) -> Result<Option<Worker>, ServeError> {
    if settings.role != Role::Receipts {
        return Ok(None);
    }
    let consumer = Consumer::new(Queue::open(settings.queue_file()?).await?, telemetry);
    let database = Database::open(settings.database_file()?, receipts::MIGRATION, telemetry).await?;
    Ok(Some(Worker::new(consumer, database, settings.receipts, telemetry)))
}
