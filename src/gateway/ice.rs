//! `GET /api/v1/ice`: this node's STUN and TURN server, for clients that aren't ours.

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::header,
    response::IntoResponse,
};
use serde::Serialize;

use super::{Remote, Stopped};
use crate::{node::Node, wire::attach::IceServer};

/// What `new RTCPeerConnection` takes as it is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct IceServers {
    ice_servers: Vec<IceServer>,
}

pub(super) async fn servers(
    State(node): State<Node>,
    ConnectInfo(Remote(remote)): ConnectInfo<Remote>,
) -> Result<impl IntoResponse, Stopped> {
    let ice_servers = node.ice_servers(remote.ip().to_canonical()).await?;
    Ok((
        [(header::CACHE_CONTROL, "no-store")],
        Json(IceServers { ice_servers }),
    ))
}
