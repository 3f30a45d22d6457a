//! Keeps the orders: a customer's latest, and new ones. With the index on the customer a read touches a few
//! pages; without it every read and every new order scans the whole table.
//! It deliberately reads its configuration at start only: a change is a restart, as in most real services.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::database::{Database, Statement};
use super::failure::Failure;
use super::settings::ReadAudit;
use crate::clock;
use crate::instrument::Telemetry;

const HISTORY: Statement = Statement {
    operation: "SELECT",
    collection: "orders",
    summary: "SELECT orders",
    text: "SELECT id, product_id, status, placed_at FROM orders WHERE customer_id = ? \
           ORDER BY placed_at DESC LIMIT 20",
};
const OPEN: Statement = Statement {
    operation: "SELECT",
    collection: "orders",
    summary: "SELECT orders",
    text: "SELECT count(*) FROM orders WHERE customer_id = ? AND status = 'open'",
};
const AUDIT: Statement = Statement {
    operation: "SELECT",
    collection: "orders",
    summary: "SELECT orders",
    text: "SELECT count(*), total(id % 65521 * customer_id), sum(length(status)), max(placed_at % 65521) FROM orders",
};
const INSERT: Statement = Statement {
    operation: "INSERT",
    collection: "orders",
    summary: "INSERT orders",
    text: "INSERT INTO orders (customer_id, product_id, status, placed_at) VALUES (?, ?, 'open', ?)",
};

#[derive(Debug)]
struct Orders {
    database: Database,
    audit: ReadAudit,
    telemetry: Arc<Telemetry>,
}

#[derive(Debug, Deserialize)]
struct Of {
    customer: u32,
}

#[derive(Debug, Deserialize)]
struct NewOrder {
    customer: u32,
    product: u32,
}

#[derive(Debug, Serialize)]
struct Order {
    id: i64,
    product: i64,
    status: String,
    placed_at_unix_millis: i64,
}

/// What makes the schema follow the configuration.
pub(super) fn migration(customer_index: bool) -> &'static str {
    if customer_index { crate::data::CREATE_CUSTOMER_INDEX } else { crate::data::DROP_CUSTOMER_INDEX }
}

pub(super) fn router(database: Database, audit: ReadAudit, telemetry: &Arc<Telemetry>) -> Router {
    Router::new().route("/orders", get(history).post(place)).with_state(Arc::new(Orders {
        database,
        audit,
        telemetry: Arc::clone(telemetry),
    }))
}

async fn history(State(orders): State<Arc<Orders>>, Query(of): Query<Of>) -> Result<Json<Value>, Failure> {
    let (customer, audit) = (of.customer, orders.audit);
    let latest = orders
        .database
        .run(move |session| {
            if audit == ReadAudit::Full {
                session.query(&AUDIT, [], |row| row.get::<_, f64>(1))?;
            }
            session.query(&HISTORY, [customer], |row| {
                Ok(Order {
                    id: row.get(0)?,
                    product: row.get(1)?,
                    status: row.get(2)?,
                    placed_at_unix_millis: row.get(3)?,
                })
            })
        })
        .await?;
    orders.telemetry.info("orders listed", vec![("customer.id", i64::from(customer).into())]);
    Ok(Json(json!({ "customer": customer, "orders": latest })))
}

async fn place(
    State(orders): State<Arc<Orders>>,
    Json(order): Json<NewOrder>,
) -> Result<Json<Value>, Failure> {
    let NewOrder { customer, product } = order;
    let placed_at = clock::unix_nanos() / 1_000_000;
    let open = orders
        .database
        .run(move |session| {
            let open = session.query(&OPEN, [customer], |row| row.get::<_, i64>(0))?;
            session.execute(&INSERT, (customer, product, placed_at))?;
            Ok(open.first().copied().unwrap_or(0) + 1)
        })
        .await?;
    orders.telemetry.info("order stored", vec![("customer.id", i64::from(customer).into())]);
    Ok(Json(json!({ "customer": customer, "product": product, "open": open })))
}
