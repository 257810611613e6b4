//! What `web/` was built into, carried in the program.

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Assets;

/// Answers with a file of the built client, or says how to build it.
pub async fn asset(path: &str) -> Response {
    match Assets::get(path) {
        Some(file) => {
            let mime = mime_guess::from_path(path).first_or_octet_stream();
            let etag = format!(
                "\"{}\"",
                data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..8])
            );
            (
                [
                    (header::CONTENT_TYPE, with_charset(&mime)),
                    (header::ETAG, etag),
                    (header::CACHE_CONTROL, "no-cache".to_owned()),
                ],
                file.data,
            )
                .into_response()
        }
        None if Assets::get("velox.js").is_none() => (
            StatusCode::NOT_FOUND,
            "this program was built without the browser client: run `make build`\n",
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "not found\n").into_response(),
    }
}

pub(super) async fn dashboard(Path(path): Path<String>) -> Response {
    asset(&format!("dashboard/{path}")).await
}

fn with_charset(mime: &mime_guess::Mime) -> String {
    match (mime.type_().as_str(), mime.subtype().as_str()) {
        ("text", _) | ("application", "javascript" | "json") => {
            format!("{}; charset=utf-8", mime.essence_str())
        }
        _ => mime.essence_str().to_owned(),
    }
}
