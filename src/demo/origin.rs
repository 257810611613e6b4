//! The origin: an ordinary web server with a page and pictures.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;

use velox_pictures::Picture;

use super::NETWORK;
use crate::{
    content,
    gateway::{self, Remote, WELL_KNOWN, asset},
    node::Node,
};

/// The room that the page's visitors are in.
const ROOM: &str = "gallery";

struct Origin {
    nodes: Vec<Node>,
    /// Pages served: whose turn it is among the nodes.
    turn: AtomicUsize,
    gallery: Gallery,
    files: Vec<(String, Bytes)>,
}

#[derive(Clone, Serialize)]
struct Gallery {
    network: &'static str,
    room: &'static str,
    pictures: Vec<Entry>,
    /// Members of the room at present: a hint whether peers are worth waiting for.
    members: usize,
    /// Where the nodes have HTTP, for pages that no UDP gets through to.
    ports: Vec<u16>,
}

#[derive(Clone, Serialize)]
struct Entry {
    name: String,
    title: String,
    cid: String,
    bytes: usize,
    width: u32,
    height: u32,
}

pub(super) fn router(nodes: Vec<Node>, ports: Vec<u16>, pictures: Vec<Picture>) -> Router {
    let entries = pictures
        .iter()
        .map(|picture| Entry {
            name: picture.name.clone(),
            title: picture.title.clone(),
            cid: content::add(&picture.jpeg).root.to_string(),
            bytes: picture.jpeg.len(),
            width: picture.width,
            height: picture.height,
        })
        .collect();
    let origin = Origin {
        nodes,
        turn: AtomicUsize::new(0),
        gallery: Gallery {
            network: NETWORK,
            room: ROOM,
            pictures: entries,
            members: 0,
            ports,
        },
        files: pictures
            .into_iter()
            .map(|picture| (format!("{}.jpg", picture.name), picture.jpeg.into()))
            .collect(),
    };
    Router::new()
        .route("/", get(index))
        .route("/velox.js", get(|| asset("velox.js")))
        .route("/velox-crypto.js", get(|| asset("velox-crypto.js")))
        .route("/velox-diagnose.js", get(|| asset("velox-diagnose.js")))
        .route("/gallery.json", get(gallery))
        .route("/pictures/{name}", get(picture))
        .route(WELL_KNOWN, get(document))
        .route("/{*path}", get(page))
        .layer(gateway::cors())
        .with_state(Arc::new(origin))
}

async fn index(State(origin): State<Arc<Origin>>) -> Response {
    origin.turn.fetch_add(1, Ordering::Relaxed);
    asset("showcase/index.html").await
}

async fn page(Path(path): Path<String>) -> Response {
    asset(&format!("showcase/{path}")).await
}

async fn gallery(State(origin): State<Arc<Origin>>) -> Response {
    let mut gallery = origin.gallery.clone();
    for node in &origin.nodes {
        let members = node.room_size(ROOM).await.unwrap_or_default();
        gallery.members = gallery.members.max(members);
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(gallery)).into_response()
}

async fn picture(State(origin): State<Arc<Origin>>, Path(name): Path<String>) -> Response {
    match origin.files.iter().find(|(file, _)| *file == name) {
        Some((_, jpeg)) => (
            [
                (header::CONTENT_TYPE, "image/jpeg"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            jpeg.clone(),
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "no such picture\n").into_response(),
    }
}

/// Each page is sent to another node first, in turn: two visitors meet through the mesh.
async fn document(
    State(origin): State<Arc<Origin>>,
    ConnectInfo(Remote(remote)): ConnectInfo<Remote>,
) -> Response {
    let mut nodes = origin.nodes.clone();
    nodes.rotate_left(origin.turn.load(Ordering::Relaxed) % origin.nodes.len());
    let mut documents = Vec::new();
    for node in &nodes {
        if let Ok(document) = gateway::document(node, remote).await {
            documents.push(document);
        }
    }
    let mut documents = documents.into_iter();
    match documents.next() {
        Some(mut first) => {
            first.nodes = documents.map(|document| document.node).collect();
            ([(header::CACHE_CONTROL, "no-store")], Json(first)).into_response()
        }
        None => (StatusCode::SERVICE_UNAVAILABLE, "every node has stopped\n").into_response(),
    }
}
