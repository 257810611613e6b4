use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

const PREFIX: &str = "v1/";

/// Names a room's topic: the first 15 bytes of
/// SHA-256(`velox/topic/1` 0x00 network 0x00 room), in text `v1/` and 20 letters of base64url.
/// Short, because gossipsub tells every topic to every neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Topic([u8; 15]);

impl Topic {
    /// The topic of a room.
    pub fn of(network: &str, room: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"velox/topic/1\0");
        hash.update(network);
        hash.update([0]);
        hash.update(room);
        let mut name = [0; 15];
        name.copy_from_slice(&hash.finalize()[..15]);
        Topic(name)
    }

    /// Reads a topic's text; `None` if it isn't a room's.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_prefix(PREFIX)?;
        if name.len() != 20 {
            return None;
        }
        let bytes = BASE64URL_NOPAD.decode(name.as_bytes()).ok()?;
        Some(Topic(bytes.try_into().ok()?))
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64URL_NOPAD.encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_short_and_reads_back() {
        let topic = Topic::of("example.org", "lobby");
        let text = topic.to_string();
        assert_eq!(text.len(), 23);
        assert_eq!(Topic::parse(&text), Some(topic));
    }

    #[test]
    fn tells_networks_and_rooms_apart() {
        assert_ne!(Topic::of("a", "bc"), Topic::of("ab", "c"));
        assert_ne!(Topic::of("a", "b"), Topic::of("a", "c"));
    }

    #[test]
    fn strangers_are_none() {
        for text in [
            "",
            "v1/",
            "v1/short",
            "v2/AAAAAAAAAAAAAAAAAAAA",
            "v1/!!!!!!!!!!!!!!!!!!!!",
        ] {
            assert_eq!(Topic::parse(text), None, "{text}");
        }
    }
}
