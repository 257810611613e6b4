//! `GET /.well-known/velox.json`: all that a page needs to join.

use std::net::SocketAddr;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::header,
    response::IntoResponse,
};
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;

use super::{Remote, Stopped};
use crate::{clock::Now, node::Node, wire::Millis};

/// The document's path.
pub const WELL_KNOWN: &str = "/.well-known/velox.json";

/// Where a node's server takes attachments.
pub const ATTACH: &str = "/velox/attach";

/// The discovery document.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscoveryDocument {
    /// The network.
    pub network: String,
    /// The node's PeerId.
    pub peer_id: String,
    /// Its signed node record, in base64url.
    pub node: String,
    /// Signed records of other nodes, in base64url.
    pub nodes: Vec<String>,
    /// Where this very server takes attachments, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach: Option<&'static str>,
    /// The node's clock, in ms since the Unix epoch.
    pub time: Millis,
}

/// The document of `node`, for somebody at `remote`, to be served by an origin.
pub async fn document(
    node: &Node,
    remote: SocketAddr,
) -> Result<DiscoveryDocument, crate::node::Stopped> {
    let signed = node.document(remote).await?;
    Ok(DiscoveryDocument {
        network: node.network().to_owned(),
        peer_id: node.peer_id().to_string(),
        node: BASE64URL_NOPAD.encode(&signed.record),
        nodes: signed
            .nodes
            .iter()
            .map(|record| BASE64URL_NOPAD.encode(record))
            .collect(),
        attach: None,
        time: Now::read().millis,
    })
}

pub(super) async fn answer(
    State(node): State<Node>,
    ConnectInfo(Remote(remote)): ConnectInfo<Remote>,
) -> Result<impl IntoResponse, Stopped> {
    let mut document = document(&node, remote).await?;
    document.attach = Some(ATTACH);
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(document)))
}
