//! `GET /metrics`, for Prometheus: the status page's figures under `velox_…`.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use prometheus_client::{encoding::text::encode, metrics::gauge::Gauge, registry::Registry};
use serde_json::Value;

use super::Stopped;
use crate::node::Node;

pub(super) async fn metrics(State(node): State<Node>) -> Result<Response, Stopped> {
    let status = node.status().await?;
    let mut registry = Registry::with_prefix("velox");
    if let Ok(Value::Object(duties)) = serde_json::to_value(&status) {
        for (name, value) in &duties {
            register(&mut registry, name, value);
        }
    }
    let mut text = String::new();
    if encode(&mut text, &registry).is_err() {
        text.clear();
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, content_type)], text).into_response())
}

/// One gauge for each figure, named by its path: `velox_rooms_members`.
fn register(registry: &mut Registry, path: &str, value: &Value) {
    match value {
        Value::Number(number) => {
            let gauge = Gauge::<i64>::default();
            gauge.set(number.as_i64().unwrap_or(i64::MAX));
            let help = format!("{} of the status page", path.replace('_', " "));
            registry.register(path, help, gauge);
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                register(registry, &format!("{path}_{name}"), value);
            }
        }
        _ => {}
    }
}
