//! Large messages in small pieces, so that a ping never waits behind one.

use std::collections::HashMap;

use super::{Bytes, Malformed, attach::Fragment, limits};

/// Cuts a message of more than [`limits::FRAGMENT`] bytes.
pub fn cut(id: u64, message: &[u8]) -> impl Iterator<Item = Fragment> {
    let mut pieces = message.chunks(limits::FRAGMENT).peekable();
    std::iter::from_fn(move || {
        let piece = pieces.next()?;
        Some(Fragment {
            id,
            last: pieces.peek().is_none(),
            data: Bytes::from(piece.to_vec()),
        })
    })
}

/// Messages that may be incomplete at once.
const MAX_PARTIAL: usize = 4;

/// Fragments of one attachment.
#[derive(Debug, Default)]
pub struct Reassembly {
    partial: HashMap<u64, Vec<u8>>,
}

impl Reassembly {
    /// Adds a fragment; gives the message's bytes with its last one.
    pub fn push(&mut self, fragment: &Fragment) -> Result<Option<Vec<u8>>, Malformed> {
        let refuse = |reason: String| Malformed::Field {
            what: "fragment",
            field: "data",
            reason,
        };
        if fragment.data.len() > limits::FRAGMENT {
            return Err(refuse(format!("has more than {} bytes", limits::FRAGMENT)));
        }
        let partial = self.partial.entry(fragment.id).or_default();
        if partial.len() + fragment.data.len() > limits::MESSAGE {
            return Err(refuse(format!(
                "makes a message of more than {} bytes",
                limits::MESSAGE
            )));
        }
        partial.extend_from_slice(&fragment.data);
        if fragment.last {
            return Ok(self.partial.remove(&fragment.id));
        }
        if self.partial.len() > MAX_PARTIAL {
            return Err(refuse(format!(
                "starts a message while {MAX_PARTIAL} are incomplete"
            )));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragment(id: u64, last: bool, data: &[u8]) -> Fragment {
        Fragment {
            id,
            last,
            data: Bytes::from(data.to_vec()),
        }
    }

    #[test]
    fn interleaved_messages_come_out_whole() {
        let mut reassembly = Reassembly::default();
        assert_eq!(reassembly.push(&fragment(1, false, b"ab")), Ok(None));
        assert_eq!(reassembly.push(&fragment(2, false, b"xy")), Ok(None));
        assert_eq!(
            reassembly.push(&fragment(1, true, b"c")),
            Ok(Some(b"abc".to_vec()))
        );
        assert_eq!(
            reassembly.push(&fragment(2, true, b"z")),
            Ok(Some(b"xyz".to_vec()))
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut reassembly = Reassembly::default();
        for id in 0..MAX_PARTIAL as u64 {
            assert!(reassembly.push(&fragment(id, false, b"a")).is_ok());
        }
        assert!(reassembly.push(&fragment(99, false, b"a")).is_err());

        let mut reassembly = Reassembly::default();
        let piece = vec![0; limits::FRAGMENT];
        for _ in 0..limits::MESSAGE / limits::FRAGMENT {
            assert_eq!(reassembly.push(&fragment(1, false, &piece)), Ok(None));
        }
        assert!(reassembly.push(&fragment(1, true, b"a")).is_err());
    }
}
