//! Knows the level of each product, lowers it, and has the warehouse confirm what was reserved.
//! It deliberately is always indexed: it shares the path with the fault, not the fault.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::trace::{FutureExt as _, SpanKind, TraceContextExt as _};
use opentelemetry::{Context, KeyValue};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::database::{Database, Statement};
use super::failure::Failure;
use super::upstream::{Call, Upstream};
use crate::instrument::{Telemetry, fail_span};

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

const CONFIRM: Statement = Statement {
    operation: "UPDATE",
    collection: "stock",
    summary: "UPDATE stock",
    text: "UPDATE stock SET confirmed = confirmed + 1 WHERE product_id = ?",
};

/// Confirmations under way or waiting for a connection; more are left to the nightly reconciliation.
const CONFIRMATIONS: usize = 12;

#[derive(Debug)]
struct Stock {
    database: Database,
    warehouse: Upstream,
    confirmations: Arc<Semaphore>,
    telemetry: Arc<Telemetry>,
}

pub(super) fn router(database: Database, warehouse: Upstream, telemetry: &Arc<Telemetry>) -> Router {
    Router::new().route("/stock/{id}", get(level)).route("/stock/{id}/reserve", post(reserve)).with_state(
        Arc::new(Stock {
            database,
            warehouse,
            confirmations: Arc::new(Semaphore::new(CONFIRMATIONS)),
            telemetry: Arc::clone(telemetry),
        }),
    )
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
    if let Ok(place) = Arc::clone(&stock.confirmations).try_acquire_owned() {
        let cause = Context::current();
        tokio::spawn(async move {
            confirm(&stock, id, &cause).await;
            drop(place);
        });
    } else {
        stock.telemetry.error("the confirmation was put off".to_owned(), "overload".to_owned());
    }
    Ok(Json(json!({ "product": id, "reserved": 1 })))
}

/// Has the warehouse confirm a reservation after its customer has been answered. As in services with one database
/// session for each unit of work, the connection is held from the first statement to the last.
async fn confirm(stock: &Stock, id: u32, cause: &Context) {
    let attributes = vec![KeyValue::new("product.id", i64::from(id))];
    let (name, origin) = ("confirm reservation".to_owned(), cause.span().span_context().clone());
    let context = stock.telemetry.start_linked_root(name, SpanKind::Internal, attributes, origin);
    let outcome = confirmed(stock, id).with_context(context.clone()).await;
    if let Err(failure) = outcome {
        fail_span(&context, "confirmation".to_owned(), failure.to_string());
    }
    context.span().end();
}

async fn confirmed(stock: &Stock, id: u32) -> Result<(), Failure> {
    let session = stock.database.connection().await?;
    let (session, level) =
        session.run(move |session| session.query(&LEVEL, [id], |row| row.get::<_, i64>(0))).await?;
    let order = json!({ "product": id, "level": level });
    let call = Call::post("/confirmations", "/confirmations".to_owned(), &order);
    stock.warehouse.call(call).await?.document()?;
    session.run(move |session| session.execute(&CONFIRM, [id])).await?;
    Ok(())
}
