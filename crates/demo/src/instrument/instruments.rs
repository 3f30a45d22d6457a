//! The metrics of one service, by their names in the semantic conventions.
//! It deliberately holds no logic: whoever does the work knows when to record it.

use opentelemetry::metrics::{Histogram, Meter, UpDownCounter};

/// Bucket boundaries that the semantic conventions advise for the durations of HTTP.
const HTTP_BOUNDARIES: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bucket boundaries that the semantic conventions advise for the durations of database clients.
const DATABASE_BOUNDARIES: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// All that a service records besides its process.
#[derive(Debug)]
pub(crate) struct Instruments {
    /// `http.server.request.duration`, in seconds.
    pub(crate) server_duration: Histogram<f64>,
    /// `http.client.request.duration`, in seconds.
    pub(crate) client_duration: Histogram<f64>,
    /// `db.client.operation.duration`, in seconds, without the wait for a connection.
    pub(crate) operation_duration: Histogram<f64>,
    /// `db.client.connection.wait_time`, in seconds.
    pub(crate) connection_wait: Histogram<f64>,
    /// `db.client.connection.count`, by state.
    pub(crate) connections: UpDownCounter<i64>,
    /// `db.client.connection.max`.
    pub(crate) connections_max: UpDownCounter<i64>,
    /// `db.client.connection.pending_requests`.
    pub(crate) connections_pending: UpDownCounter<i64>,
}

impl Instruments {
    pub(super) fn new(meter: &Meter) -> Self {
        let seconds = |name, description, boundaries: &[f64]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(description);
            histogram.with_boundaries(boundaries.to_vec()).build()
        };
        let count = |name, unit, description| {
            meter.i64_up_down_counter(name).with_unit(unit).with_description(description).build()
        };
        Self {
            server_duration: seconds(
                "http.server.request.duration",
                "Duration of HTTP server requests.",
                &HTTP_BOUNDARIES,
            ),
            client_duration: seconds(
                "http.client.request.duration",
                "Duration of HTTP client requests.",
                &HTTP_BOUNDARIES,
            ),
            operation_duration: seconds(
                "db.client.operation.duration",
                "Duration of database client operations.",
                &DATABASE_BOUNDARIES,
            ),
            connection_wait: seconds(
                "db.client.connection.wait_time",
                "The time it took to obtain an open connection from the pool.",
                &DATABASE_BOUNDARIES,
            ),
            connections: count(
                "db.client.connection.count",
                "{connection}",
                "The number of connections that are currently in the state of the attribute.",
            ),
            connections_max: count(
                "db.client.connection.max",
                "{connection}",
                "The maximum number of open connections allowed.",
            ),
            connections_pending: count(
                "db.client.connection.pending_requests",
                "{request}",
                "The number of current pending requests for an open connection.",
            ),
        }
    }
}
