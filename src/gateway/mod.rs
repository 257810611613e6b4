//! A node's HTTP server: how pages find it, attach to it and fetch the client from it, and how
//! operators look at it.

mod assets;
mod document;
mod front;
mod ice;
mod incoming;
mod metrics;
mod proxies;
mod secure;
mod server;
pub mod socket;
mod tls;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tower_http::{
    compression::CompressionLayer,
    cors::{Any, CorsLayer},
    set_header::SetResponseHeaderLayer,
};

pub use assets::asset;
pub use document::{ATTACH, WELL_KNOWN, document};
pub use incoming::Remote;
pub use proxies::Proxies;
pub use server::{Server, ServerError};
pub use tls::{Acme, BadCertificate, Https};

use crate::node::{Node, Status};

/// Everything that a node answers over HTTP.
pub fn router(node: Node) -> Router {
    let plain = Router::new()
        .route("/", get(|| asset("dashboard/index.html")))
        .route("/dashboard/{*path}", get(assets::dashboard))
        .route("/velox.js", get(|| asset("velox.js")))
        .route("/velox-crypto.js", get(|| asset("velox-crypto.js")))
        .route("/velox-diagnose.js", get(|| asset("velox-diagnose.js")))
        .route("/velox.global.js", get(|| asset("velox.global.js")))
        .route("/api/v1/status", get(status))
        .route("/api/v1/ice", get(ice::servers))
        .route("/metrics", get(metrics::metrics))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .layer(CompressionLayer::new());
    Router::new()
        .route(WELL_KNOWN, get(document::answer))
        .route(ATTACH, get(socket::attach))
        .merge(plain)
        .layer(cors())
        .layer(SetResponseHeaderLayer::if_not_present(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(node)
}

/// Pages of any origin may join: who may is the token's matter, not the browser's.
pub fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD])
        .allow_headers(Any)
}

async fn status(State(node): State<Node>) -> Result<Json<Status>, Stopped> {
    Ok(Json(node.status().await?))
}

/// Ready: its loop answers, and it is connected to another node or knows of none.
async fn ready(State(node): State<Node>) -> Result<Response, Stopped> {
    let connections = node.status().await?.connections;
    if connections.nodes > 0 || connections.known == 0 {
        return Ok("ready\n".into_response());
    }
    let text = format!(
        "connected to none of the {} nodes that this one knows\n",
        connections.known
    );
    Ok((StatusCode::SERVICE_UNAVAILABLE, text).into_response())
}

/// The node behind this server has stopped.
struct Stopped;

impl From<crate::node::Stopped> for Stopped {
    fn from(_: crate::node::Stopped) -> Self {
        Stopped
    }
}

impl IntoResponse for Stopped {
    fn into_response(self) -> Response {
        (StatusCode::SERVICE_UNAVAILABLE, "the node has stopped\n").into_response()
    }
}
