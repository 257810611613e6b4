//! CIDs of files.

use serde_json::{Value, json};
use velox_mesh::content::{add, chunk::CHUNK, cid};

use crate::{hold, json::hex};

fn file(name: &str, size: usize) -> Value {
    let bytes: Vec<u8> = (0..size)
        .map(|i| (i ^ (i >> 8) ^ (i >> 16) ^ (i >> 24)) as u8)
        .collect();
    let file = add(&bytes);
    let mut case = json!({
        "name": name,
        "type": "unixfs-file",
        "value": {
            "size": size,
            "cid": file.root.to_string(),
            "blocks": file.blocks.len(),
        },
    });
    if file.root.codec() == cid::DAG_PB
        && let Some(root) = file.blocks.last()
    {
        case["hex"] = hex(&root.data).into();
    }
    case
}

#[test]
fn files_have_the_names_that_are_committed() {
    hold(
        "unixfs.json",
        vec![
            file("an empty file", 0),
            file("one byte", 1),
            file("a byte less than a chunk", CHUNK - 1),
            file("a chunk", CHUNK),
            file("a byte more than a chunk", CHUNK + 1),
            file("a picture", 1_000_000),
            file("as many chunks as a node has links", 174 * CHUNK),
            file("a chunk more than a node has links", 175 * CHUNK),
        ],
    );
}
