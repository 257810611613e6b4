//! Messages on a stream: STUN messages say their length, channel data too, and is padded to four
//! bytes (RFC 8656, section 12.5).

/// What has been read of a stream: one message and what was read behind it, so 64 KiB and a little.
#[derive(Debug, Default)]
pub struct Framing {
    bytes: Vec<u8>,
    taken: usize,
}

/// The stream carries something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither a STUN message nor channel data")]
pub struct Foreign;

impl Framing {
    /// Adds what was read.
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole message.
    pub fn take(&mut self) -> Result<Option<&[u8]>, Foreign> {
        let rest = &self.bytes[self.taken..];
        let Some(&[first, _, high, low]) = rest.first_chunk() else {
            return Ok(None);
        };
        let said = usize::from(u16::from_be_bytes([high, low]));
        let (length, padded) = match first {
            0x00..=0x3f => (20 + said, 20 + said),
            0x40..=0x7f => (4 + said, (4 + said).next_multiple_of(4)),
            _ => return Err(Foreign),
        };
        if rest.len() < padded {
            return Ok(None);
        }
        let start = self.taken;
        self.taken += padded;
        Ok(Some(&self.bytes[start..start + length]))
    }
}

/// Zeros that follow a message on a stream.
pub(crate) fn padding(message: &[u8]) -> &'static [u8] {
    &[0; 3][..message.len().next_multiple_of(4) - message.len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let binding = [&[0, 1, 0, 4][..], &[7; 20]].concat();
        let channel = [0x40, 0, 0, 5, 1, 2, 3, 4, 5];
        let stream = [
            &channel[..],
            padding(&channel),
            &binding,
            &channel,
            padding(&channel),
        ];
        let stream = stream.concat();
        assert_eq!(stream.len(), 12 + 24 + 12);
        for cut in 1..stream.len() {
            let mut framing = Framing::default();
            let mut messages = Vec::new();
            for part in stream.chunks(cut) {
                framing.add(part);
                while let Some(message) = framing.take().unwrap() {
                    messages.push(message.to_vec());
                }
            }
            assert_eq!(messages, [&channel[..], &binding, &channel]);
        }
    }

    #[test]
    fn a_page_request_is_foreign() {
        let mut framing = Framing::default();
        framing.add(b"\xffET / HTTP/1.1");
        assert_eq!(framing.take(), Err(Foreign));
    }

    proptest! {
        #[test]
        fn nothing_panics(parts in prop::collection::vec(any::<Vec<u8>>(), 0..9)) {
            let mut framing = Framing::default();
            for part in parts {
                framing.add(&part);
                while let Ok(Some(_)) = framing.take() {}
            }
        }
    }
}
