//! How messages lie in a byte stream: an unsigned varint with the length, then the bytes.

use super::Malformed;

/// The longest length prefix: 4 bytes hold 28 bits.
const MAX_PREFIX: usize = 4;

/// Appends one frame.
pub fn push(out: &mut Vec<u8>, frame: &[u8]) {
    let mut length = frame.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(frame);
}

/// Cuts a byte stream into frames.
#[derive(Debug)]
pub struct Decoder {
    max: usize,
    buffer: Vec<u8>,
    read: usize,
}

impl Decoder {
    /// Frames of more than `max` bytes are refused before they are read.
    pub fn new(max: usize) -> Self {
        Decoder {
            max,
            buffer: Vec::new(),
            read: 0,
        }
    }

    /// Adds bytes as they arrive.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.read == self.buffer.len() {
            self.buffer.clear();
            self.read = 0;
        } else if self.read > 16 * 1024 {
            self.buffer.drain(..self.read);
            self.read = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, if it has arrived. After an error the stream can't be read on.
    pub fn next_frame(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        let pending = &self.buffer[self.read..];
        let mut length = 0usize;
        for (i, byte) in pending.iter().take(MAX_PREFIX).enumerate() {
            length |= usize::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 != 0 {
                continue;
            }
            if i > 0 && *byte == 0 {
                return Err(Malformed::NonCanonical {
                    what: "frame length",
                });
            }
            if length > self.max {
                return Err(Malformed::TooLong {
                    what: "frame",
                    len: length,
                    max: self.max,
                });
            }
            let start = i + 1;
            if pending.len() < start + length {
                return Ok(None);
            }
            let frame = pending[start..start + length].to_vec();
            self.read += start + length;
            return Ok(Some(frame));
        }
        if pending.len() >= MAX_PREFIX {
            return Err(Malformed::Field {
                what: "frame",
                field: "length",
                reason: format!("takes more than {MAX_PREFIX} bytes"),
            });
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
            cut in 1usize..64,
        ) {
            let mut stream = Vec::new();
            for frame in &frames {
                push(&mut stream, frame);
            }
            let mut decoder = Decoder::new(300);
            let mut seen = Vec::new();
            for piece in stream.chunks(cut) {
                decoder.extend(piece);
                while let Some(frame) = decoder.next_frame().expect("well formed") {
                    seen.push(frame);
                }
            }
            prop_assert_eq!(seen, frames);
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut decoder = Decoder::new(32);
            decoder.extend(&bytes);
            while let Ok(Some(frame)) = decoder.next_frame() {
                prop_assert!(frame.len() <= 32);
            }
        }
    }

    #[test]
    fn refuses_before_reading() {
        let mut decoder = Decoder::new(100);
        decoder.extend(&[0xe5, 0x00]);
        assert!(decoder.next_frame().is_err(), "length with a needless byte");
        let mut decoder = Decoder::new(100);
        decoder.extend(&[0xff, 0x01]);
        assert!(
            decoder
                .next_frame()
                .expect_err("255 > 100")
                .to_string()
                .contains("at most 100")
        );
        let mut decoder = Decoder::new(100);
        decoder.extend(&[0xff, 0xff, 0xff, 0xff]);
        assert!(decoder.next_frame().is_err());
    }
}
