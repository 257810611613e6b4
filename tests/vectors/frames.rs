//! Length-prefixed frames in a byte stream.

use serde_json::{Value, json};
use velox_mesh::wire::frame::{Decoder, push};

use crate::{hold, json::hex};

fn stream(name: &str, max: usize, frames: &[Vec<u8>]) -> Value {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| push(&mut bytes, frame));
    let mut decoder = Decoder::new(max);
    decoder.extend(&bytes);
    for frame in frames {
        assert_eq!(decoder.next_frame().as_ref(), Ok(&Some(frame.clone())));
    }
    assert_eq!(decoder.next_frame(), Ok(None));
    let frames: Vec<_> = frames.iter().map(hex).collect();
    json!({
        "name": name,
        "type": "frame-stream",
        "value": { "max": max, "frames": frames },
        "hex": hex(bytes),
    })
}

fn refused(name: &str, max: usize, bytes: &[u8]) -> Value {
    let mut decoder = Decoder::new(max);
    decoder.extend(bytes);
    let error = decoder.next_frame().expect_err(name);
    json!({
        "name": name,
        "type": "frame-stream",
        "value": { "max": max, "refused": error.to_string() },
        "hex": hex(bytes),
    })
}

#[test]
fn frames_are_as_committed() {
    hold(
        "frames.json",
        vec![
            stream("one frame", 100, &[b"velox".to_vec()]),
            stream(
                "an empty frame between two",
                100,
                &[vec![1], vec![], vec![2]],
            ),
            stream(
                "127 bytes: the longest with a prefix of one byte",
                200,
                &[vec![7; 127]],
            ),
            stream(
                "128 bytes: the shortest with a prefix of two",
                200,
                &[vec![8; 128]],
            ),
            stream("exactly the bound", 300, &[vec![9; 300]]),
            refused("a needless byte in the length", 100, &[0xe4, 0x00]),
            refused("longer than the bound, before its bytes come", 100, &[0x65]),
            refused(
                "a length of five bytes",
                4160,
                &[0xff, 0xff, 0xff, 0xff, 0x0f],
            ),
        ],
    );
}
