//! `/healthz`, `/readyz` and `/metrics`.

use std::{io, net::SocketAddr};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use prometheus_client::{encoding::text::encode, metrics::gauge::Gauge, registry::Registry};
use tokio::{net::TcpListener, sync::watch};

use crate::server::Figures;

/// Serves until the program ends; gives the address that was bound.
pub async fn serve(
    address: SocketAddr,
    figures: watch::Receiver<Figures>,
) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        // It serves from the moment on at which it listens, and it listens before HTTP does.
        .route("/readyz", get(|| async { "ok\n" }))
        .route(
            "/metrics",
            get(move || {
                let now = figures.borrow().clone();
                async move { metrics(&now) }
            }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(bound)
}

fn metrics(figures: &Figures) -> impl IntoResponse + use<> {
    let mut registry = Registry::with_prefix("velox_bootstrap");
    let mut gauge = |name: &str, help: &str, value: usize| {
        let gauge = Gauge::<i64>::default();
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        registry.register(name, help, gauge);
    };
    gauge("connections", "Open connections", figures.connections);
    gauge(
        "dht_routing_table",
        "Nodes in the DHT's routing table",
        figures.routing_table,
    );
    gauge(
        "dht_provider_records",
        "Provider records held",
        figures.provider_records,
    );
    gauge("known_nodes", "Nodes in the address book", figures.known);
    gauge(
        "strangers",
        "Nodes of other networks sent away since the start",
        figures.strangers,
    );
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        text.clear();
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], text)
}
