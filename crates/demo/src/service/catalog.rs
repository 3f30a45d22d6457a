//! Describes a product, with what is in stock of it and its price abroad.
//! It deliberately has no database: descriptions are derived from the number of the product.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;

use super::exchange_rates::ExchangeRates;
use super::failure::Failure;
use super::upstream::{Call, Upstream};
use crate::instrument::Telemetry;

#[derive(Debug)]
struct Catalog {
    stock: Upstream,
    rates: ExchangeRates,
    telemetry: Arc<Telemetry>,
}

pub(super) fn router(stock: Upstream, rates: ExchangeRates, telemetry: &Arc<Telemetry>) -> Router {
    Router::new().route("/products/{id}", get(product)).with_state(Arc::new(Catalog {
        stock,
        rates,
        telemetry: Arc::clone(telemetry),
    }))
}

async fn product(State(catalog): State<Arc<Catalog>>, Path(id): Path<u32>) -> Result<Json<Value>, Failure> {
    let document = catalog.stock.call(Call::get("/stock/{id}", format!("/stock/{id}"))).await?.document()?;
    let rates = catalog.rates.all().await;
    let mut description: Value = serde_json::from_slice(&document.0).unwrap_or_default();
    if let Value::Object(fields) = &mut description {
        let rates = rates.iter().map(|rate| serde_json::from_slice(rate).unwrap_or_default());
        fields.insert("rates".to_owned(), Value::Array(rates.collect()));
    }
    catalog.telemetry.info("product described", vec![("product.id", i64::from(id).into())]);
    Ok(Json(description))
}
