//! Places an order, which reserves stock first and is announced in the queue, and shows a customer's past orders.
//! It deliberately does not give a reservation back when the order fails: this shop is a demo, not a saga.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use super::failure::Failure;
use super::messaging::Producer;
use super::settings::Settings;
use super::upstream::{Call, Document, Upstream};
use crate::instrument::Telemetry;

#[derive(Debug)]
struct Checkout {
    stock: Upstream,
    orders: Upstream,
    events: Producer,
    /// Whether every order is announced to whoever keeps the orders, which no version of them understands.
    alerts: bool,
    telemetry: Arc<Telemetry>,
}

#[derive(Debug, Deserialize)]
struct Basket {
    customer: u32,
    product: u32,
    #[serde(default)]
    gift: bool,
}

pub(super) fn router(
    [stock, orders]: [Upstream; 2],
    events: Producer,
    settings: &Settings,
    telemetry: &Arc<Telemetry>,
) -> Router {
    let (alerts, telemetry) = (settings.order_alerts, Arc::clone(telemetry));
    Router::new()
        .route("/checkout", post(place))
        .route("/history/{customer}", get(history))
        .with_state(Arc::new(Checkout { stock, orders, events, alerts, telemetry }))
}

async fn place(
    State(checkout): State<Arc<Checkout>>,
    Json(basket): Json<Basket>,
) -> Result<Document, Failure> {
    let Basket { customer, product, gift } = basket;
    let reserve = Call::post("/stock/{id}/reserve", format!("/stock/{product}/reserve"), &json!({}));
    checkout.stock.call(reserve).await?.document()?;
    let order = json!({ "customer": customer, "product": product });
    let document =
        checkout.orders.call(Call::post("/orders", "/orders".to_owned(), &order)).await?.document()?;
    let event = json!({ "customer": customer, "product": product, "gift": gift });
    checkout.events.send(event.to_string()).await?;
    if checkout.alerts {
        announce(&checkout.orders, &order).await?;
    }
    let attributes =
        vec![("customer.id", i64::from(customer).into()), ("product.id", i64::from(product).into())];
    checkout.telemetry.info("order placed", attributes);
    Ok(document)
}

async fn announce(orders: &Upstream, order: &serde_json::Value) -> Result<(), Failure> {
    let fail = |reason: &dyn std::fmt::Display| Failure::Alert(reason.to_string());
    let answer = orders.call(Call::post("/alert", "/alert".to_owned(), order)).await;
    answer.map_err(|error| fail(&error))?.document().map(drop).map_err(|error| fail(&error))
}

async fn history(
    State(checkout): State<Arc<Checkout>>,
    Path(customer): Path<u32>,
) -> Result<Document, Failure> {
    let call = Call::get("/orders", format!("/orders?customer={customer}"));
    let document = checkout.orders.call(call).await?.document()?;
    checkout.telemetry.info("history assembled", vec![("customer.id", i64::from(customer).into())]);
    Ok(document)
}
