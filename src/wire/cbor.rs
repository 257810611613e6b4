//! Strict DAG-CBOR: one value has one encoding, and nothing else is accepted.

use serde::{Serialize, de::DeserializeOwned};

/// Why bytes from outside are not the message they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The message is longer than its type allows.
    #[error("{what} of {len} bytes: at most {max} are allowed")]
    TooLong {
        /// The message's type.
        what: &'static str,
        /// Bytes that arrived.
        len: usize,
        /// Bytes that are allowed.
        max: usize,
    },
    /// The bytes decode, but canonical DAG-CBOR would write the value differently: keys out of
    /// order, an integer longer than needed, an indefinite length, bytes after the end.
    #[error("{what}: not canonical DAG-CBOR (or bytes follow its end)")]
    NonCanonical {
        /// The message's type.
        what: &'static str,
    },
    /// The bytes aren't DAG-CBOR, or not of this type: an unknown field or version is named.
    #[error("{what}: {reason}")]
    Schema {
        /// The message's type.
        what: &'static str,
        /// What the decoder says.
        reason: String,
    },
    /// A field has a value that its type can't express as forbidden.
    #[error("{what}: {field} {reason}")]
    Field {
        /// The message's type.
        what: &'static str,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

/// The canonical DAG-CBOR of `value`.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    serde_ipld_dagcbor::to_vec(value)
        .expect("wire types hold no floats or non-string keys, and memory is the only sink")
}

/// Decodes `bytes` as a `T` named `what`, accepting only the canonical encoding of at most
/// `max` bytes.
pub fn decode<T>(what: &'static str, bytes: &[u8], max: usize) -> Result<T, Malformed>
where
    T: Serialize + DeserializeOwned,
{
    if bytes.len() > max {
        return Err(Malformed::TooLong {
            what,
            len: bytes.len(),
            max,
        });
    }
    let value: T = match serde_ipld_dagcbor::from_slice(bytes) {
        Ok(value) => value,
        Err(serde_ipld_dagcbor::DecodeError::TrailingData) => {
            return Err(Malformed::NonCanonical { what });
        }
        Err(error) => {
            return Err(Malformed::Schema {
                what,
                reason: error.to_string(),
            });
        }
    };
    if encode(&value) != bytes {
        return Err(Malformed::NonCanonical { what });
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::V1;
    use serde::Deserialize;

    #[derive(Debug, Serialize, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        v: V1,
        room: String,
    }

    fn reason(bytes: &[u8]) -> String {
        decode::<Sample>("sample", bytes, 64)
            .expect_err("must be refused")
            .to_string()
    }

    #[test]
    fn accepts_what_it_writes() {
        let sample = Sample {
            v: V1,
            room: "lobby".into(),
        };
        let bytes = encode(&sample);
        assert_eq!(decode::<Sample>("sample", &bytes, 64), Ok(sample));
    }

    #[test]
    fn refuses_by_name() {
        let good = encode(&Sample {
            v: V1,
            room: "lobby".into(),
        });

        let mut trailing = good.clone();
        trailing.push(0);
        assert!(reason(&trailing).contains("not canonical"));

        // {"v": 1, "room": "lobby"} with the version written in two bytes (0x18 0x01).
        let mut long_int = vec![0xa2, 0x61, b'v', 0x18, 0x01];
        long_int.extend_from_slice(&good[4..]);
        assert!(
            reason(&long_int).contains("NonMinimal"),
            "{}",
            reason(&long_int)
        );

        // The keys the other way round.
        let mut unordered = vec![0xa2];
        unordered.extend_from_slice(&good[4..]);
        unordered.extend_from_slice(&good[1..4]);
        assert!(reason(&unordered).contains("UnorderedKey"));

        let mut version = good.clone();
        version[3] = 2;
        assert!(
            reason(&version).contains("unknown version 2"),
            "{}",
            reason(&version)
        );

        let unknown = serde_ipld_dagcbor::to_vec(&serde_json::json!({
            "v": 1, "room": "lobby", "extra": true
        }))
        .expect("json encodes");
        assert!(reason(&unknown).contains("extra"), "{}", reason(&unknown));

        assert!(reason(&[0; 65]).contains("at most 64"));
        assert!(decode::<Sample>("sample", &good[..good.len() - 1], 64).is_err());
    }
}
