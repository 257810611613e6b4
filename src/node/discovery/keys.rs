//! What resources and rooms are called in the DHT.

use cid::{Cid, Version};
use sha2::{Digest, Sha256};

use crate::{clock::Now, wire::limits};

/// Milliseconds in an hour.
pub(super) const HOUR_MS: u64 = 3_600_000;

/// What the pseudo-room of a resource begins with.
const RESOURCE: &str = "/cid/";

/// A resource's pseudo-room, `/cid/<cid>`, and its key in the DHT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// `/cid/<cid>`.
    pub room: String,
    /// The multihash of the CID: its hash alone, whatever the codec.
    pub key: Vec<u8>,
}

/// Why a text isn't the CID of a resource.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadCid {
    /// It isn't a CID.
    #[error("not a CID: {0}")]
    Unreadable(String),
    /// It is one in other clothes: a record in its room would name another room.
    #[error("write it as version 1 in base 32: {0}")]
    Form(String),
}

impl Resource {
    /// The resource of which `cid` is the text: version 1 in base 32, as `ipfs add
    /// --cid-version=1` prints it.
    pub fn of_cid(cid: &str) -> Result<Self, BadCid> {
        if cid.len() + RESOURCE.len() > limits::ROOM {
            return Err(BadCid::Unreadable(format!("it has {} bytes", cid.len())));
        }
        let parsed: Cid = cid
            .parse()
            .map_err(|error: cid::Error| BadCid::Unreadable(error.to_string()))?;
        let canonical = Cid::new_v1(parsed.codec(), *parsed.hash()).to_string();
        if parsed.version() != Version::V1 || canonical != cid {
            return Err(BadCid::Form(canonical));
        }
        Ok(Resource {
            room: format!("{RESOURCE}{cid}"),
            key: parsed.hash().to_bytes(),
        })
    }

    /// The resource of a pseudo-room.
    pub fn of_room(room: &str) -> Result<Self, BadCid> {
        match room.strip_prefix(RESOURCE) {
            Some(cid) => Self::of_cid(cid),
            None => Err(BadCid::Unreadable(format!(
                "the room doesn't begin with {RESOURCE}"
            ))),
        }
    }

    /// The CID's text.
    pub fn cid(&self) -> &str {
        &self.room[RESOURCE.len()..]
    }
}

/// The hour, counted from the Unix epoch.
pub fn hour(now: Now) -> u64 {
    now.millis / HOUR_MS
}

/// A room's key in the DHT for one hour. It turns, so that whoever wants to sit on it has to do
/// so again every hour.
pub fn room_key(network: &str, room: &str, hour: u64) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(b"velox/room/1\0");
    hash.update(network);
    hash.update([0]);
    hash.update(room);
    hash.update([0]);
    hash.update(hour.to_be_bytes());
    hash.finalize().to_vec()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CID: &str = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";

    #[test]
    fn a_resource_is_named_by_its_multihash() {
        let resource = Resource::of_cid(CID).unwrap();
        assert_eq!(resource.room, format!("/cid/{CID}"));
        assert_eq!(resource.cid(), CID);
        assert_eq!(resource.key[..2], [0x12, 32]);
        assert_eq!(resource.key.len(), 34);
        assert_eq!(Resource::of_room(&resource.room), Ok(resource));
    }

    #[test]
    fn one_resource_has_one_text() {
        let v0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG";
        let error = Resource::of_cid(v0).unwrap_err();
        let BadCid::Form(canonical) = error else {
            panic!("{error}");
        };
        assert!(Resource::of_cid(&canonical).is_ok());
        assert!(Resource::of_cid(&CID.to_uppercase()).is_err());
        for junk in ["", "lobby", "bafk", &"b".repeat(200)] {
            assert!(Resource::of_cid(junk).is_err(), "{junk}");
        }
        assert!(Resource::of_room(CID).is_err());
    }

    #[test]
    fn a_rooms_key_is_of_its_network_and_hour() {
        let key = room_key("example.org", "lobby", 7);
        assert_eq!(key.len(), 32);
        assert_ne!(key, room_key("example.org", "lobby", 8));
        assert_ne!(key, room_key("example.com", "lobby", 7));
        assert_ne!(room_key("a", "bc", 7), room_key("ab", "c", 7));
        let expected = Sha256::digest(b"velox/room/1\0example.org\0lobby\0\0\0\0\0\0\0\0\x07");
        assert_eq!(key, expected.to_vec());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in ".{0,140}") {
            let _ = Resource::of_cid(&text);
        }
    }
}
