//! A node's mouth: what it says, frame by frame.

use simnet::Filter;
use velox_mesh::wire::{frame, limits};

/// What becomes of a frame.
pub enum Said {
    /// It goes out as it is.
    Itself,
    /// Nothing goes out.
    Nothing,
    /// These go out in its place.
    Instead(Vec<Vec<u8>>),
}

/// A filter of streams whose messages have their length before them, as a varint. The
/// negotiation of the protocol has the same form, and passes.
pub fn by_frame(mut say: impl FnMut(&[u8]) -> Said + 'static) -> Filter {
    let mut decoder = frame::Decoder::new(2 * limits::NODE_FRAME);
    Box::new(move |bytes| {
        decoder.extend(bytes);
        let mut out = Vec::with_capacity(bytes.len());
        // What isn't cut in frames any more isn't said.
        while let Ok(Some(frame)) = decoder.next_frame() {
            let said = if is_negotiation(&frame) {
                Said::Itself
            } else {
                say(&frame)
            };
            match said {
                Said::Itself => frame::push(&mut out, &frame),
                Said::Nothing => {}
                Said::Instead(frames) => {
                    for frame in frames {
                        frame::push(&mut out, &frame);
                    }
                }
            }
        }
        out
    })
}

/// A line of multistream-select. Neither a DAG-CBOR map nor gossipsub's protobuf begins so.
fn is_negotiation(frame: &[u8]) -> bool {
    frame.starts_with(b"/") && frame.ends_with(b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_changed_however_they_are_cut() {
        let mut stream = Vec::new();
        for frame in [&b"/velox/attach/1\n"[..], b"keep", b"drop", b"change"] {
            frame::push(&mut stream, frame);
        }
        let mut expected = Vec::new();
        for frame in [&b"/velox/attach/1\n"[..], b"keep", b"this", b"that"] {
            frame::push(&mut expected, frame);
        }
        for cut in 0..stream.len() {
            let mut filter = by_frame(|frame| match frame {
                b"keep" => Said::Itself,
                b"drop" => Said::Nothing,
                _ => Said::Instead(vec![b"this".to_vec(), b"that".to_vec()]),
            });
            let mut out = filter(&stream[..cut]);
            out.extend(filter(&stream[cut..]));
            assert_eq!(out, expected, "cut at {cut}");
        }
    }
}
