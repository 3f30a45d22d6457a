//! The outside world: parties that the shop calls, in a process without any instrumentation. It quotes the rate of
//! a currency and confirms reservations, and takes its time for both: what it does there is not the shop's to know.
//! It deliberately is none of the five services, and so the only place besides `legacy` that waits on purpose.

use std::time::Duration;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::time::sleep;

#[derive(Clone, Copy, Debug)]
struct Waits {
    rates: Duration,
    warehouse: Duration,
}

pub(super) fn router(rates: Duration, warehouse: Duration) -> Router {
    Router::new()
        .route("/rates/{currency}", get(rate))
        .route("/confirmations", post(confirm))
        .with_state(Waits { rates, warehouse })
}

async fn rate(State(waits): State<Waits>, Path(currency): Path<String>) -> Json<Value> {
    sleep(waits.rates).await;
    let per_mille: u32 = currency.bytes().map(u32::from).sum::<u32>() * 5;
    Json(json!({ "currency": currency, "per_mille": per_mille }))
}

async fn confirm(State(waits): State<Waits>) -> Json<Value> {
    sleep(waits.warehouse).await;
    Json(json!({ "confirmed": true }))
}
