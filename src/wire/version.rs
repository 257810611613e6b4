use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The version of the messages in this folder.
pub const VERSION: u64 = 1;

/// The `v` field of a message of version 1: writes 1, reads nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct V1;

impl Serialize for V1 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(VERSION)
    }
}

impl<'de> Deserialize<'de> for V1 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            VERSION => Ok(V1),
            other => Err(D::Error::custom(format!(
                "unknown version {other}; this build speaks version {VERSION}"
            ))),
        }
    }
}
