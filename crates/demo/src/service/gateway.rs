//! The entry of the demo: passes each request on to the service that owns it.
//! It deliberately keeps no state and decides nothing.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

use super::failure::Failure;
use super::upstream::{Call, Document, Upstream};
use crate::instrument::Telemetry;

#[derive(Debug)]
struct Gateway {
    catalog: Upstream,
    checkout: Upstream,
    telemetry: Arc<Telemetry>,
}

pub(super) fn router(catalog: Upstream, checkout: Upstream, telemetry: &Arc<Telemetry>) -> Router {
    Router::new()
        .route("/products/{id}", get(product))
        .route("/checkout", post(place))
        .route("/history/{customer}", get(history))
        .with_state(Arc::new(Gateway { catalog, checkout, telemetry: Arc::clone(telemetry) }))
}

async fn product(State(gateway): State<Arc<Gateway>>, Path(id): Path<u32>) -> Result<Document, Failure> {
    let document =
        gateway.catalog.call(Call::get("/products/{id}", format!("/products/{id}"))).await?.document()?;
    gateway.telemetry.info("product page served", vec![("product.id", i64::from(id).into())]);
    Ok(document)
}

async fn place(State(gateway): State<Arc<Gateway>>, Json(basket): Json<Value>) -> Result<Document, Failure> {
    let call = Call::post("/checkout", "/checkout".to_owned(), &basket);
    let document = gateway.checkout.call(call).await?.document()?;
    gateway.telemetry.info("checkout accepted", Vec::new());
    Ok(document)
}

async fn history(
    State(gateway): State<Arc<Gateway>>,
    Path(customer): Path<u32>,
) -> Result<Document, Failure> {
    let call = Call::get("/history/{customer}", format!("/history/{customer}"));
    let document = gateway.checkout.call(call).await?.document()?;
    gateway.telemetry.info("history page served", vec![("customer.id", i64::from(customer).into())]);
    Ok(document)
}
