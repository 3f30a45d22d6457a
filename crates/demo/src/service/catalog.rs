//! Describes a product, with what is in stock of it.
//! It deliberately has no database: descriptions are derived from the number of the product.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;

use super::failure::Failure;
use super::upstream::{Call, Document, Upstream};
use crate::instrument::Telemetry;

#[derive(Debug)]
struct Catalog {
    stock: Upstream,
    telemetry: Arc<Telemetry>,
}

pub(super) fn router(stock: Upstream, telemetry: &Arc<Telemetry>) -> Router {
    Router::new()
        .route("/products/{id}", get(product))
        .with_state(Arc::new(Catalog { stock, telemetry: Arc::clone(telemetry) }))
}

async fn product(State(catalog): State<Arc<Catalog>>, Path(id): Path<u32>) -> Result<Document, Failure> {
    let document = catalog.stock.call(Call::get("/stock/{id}", format!("/stock/{id}"))).await?.document()?;
    catalog.telemetry.info("product described", vec![("product.id", i64::from(id).into())]);
    Ok(document)
}
