//! Knows the level of each product, and lowers it.
//! It deliberately is always indexed: it shares the path with the fault, not the fault.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::database::{Database, Statement};
use super::failure::Failure;
use crate::instrument::Telemetry;

const LEVEL: Statement = Statement {
    operation: "SELECT",
    collection: "stock",
    summary: "SELECT stock",
    text: "SELECT level FROM stock WHERE product_id = ?",
};
const RESERVE: Statement = Statement {
    operation: "UPDATE",
    collection: "stock",
    summary: "UPDATE stock",
    text: "UPDATE stock SET level = level - 1 WHERE product_id = ? AND level > 0",
};

#[derive(Debug)]
struct Stock {
    database: Database,
    telemetry: Arc<Telemetry>,
}

pub(super) fn router(database: Database, telemetry: &Arc<Telemetry>) -> Router {
    Router::new()
        .route("/stock/{id}", get(level))
        .route("/stock/{id}/reserve", post(reserve))
        .with_state(Arc::new(Stock { database, telemetry: Arc::clone(telemetry) }))
}

async fn level(State(stock): State<Arc<Stock>>, Path(id): Path<u32>) -> Result<Json<Value>, Failure> {
    let levels =
        stock.database.run(move |session| session.query(&LEVEL, [id], |row| row.get::<_, i64>(0))).await?;
    let level = levels.first().ok_or(Failure::NotFound)?;
    stock.telemetry.info("stock level read", vec![("product.id", i64::from(id).into())]);
    Ok(Json(json!({ "product": id, "name": format!("product {id}"), "level": level })))
}

async fn reserve(State(stock): State<Arc<Stock>>, Path(id): Path<u32>) -> Result<Json<Value>, Failure> {
    let reserved = stock.database.run(move |session| session.execute(&RESERVE, [id])).await?;
    if reserved == 0 {
        return Err(Failure::OutOfStock);
    }
    stock.telemetry.info("stock reserved", vec![("product.id", i64::from(id).into())]);
    Ok(Json(json!({ "product": id, "reserved": 1 })))
}
