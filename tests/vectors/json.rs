//! Wire values as JSON: bytes as hex, PeerIds as base58, everything else as itself.

use data_encoding::HEXLOWER;
use ipld_core::ipld::Ipld;
use serde::Serialize;
use serde_json::Value;
use velox_mesh::wire::cbor;

pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    HEXLOWER.encode(bytes.as_ref())
}

pub fn unhex<const N: usize>(text: &str) -> [u8; N] {
    unhex_vec(text).try_into().expect("hex of that length")
}

pub fn unhex_vec(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).expect("lower-case hex")
}

/// `value` as JSON. Serde's JSON has numbers for bytes and base58 for PeerIds; its DAG-CBOR
/// tells which lists are bytes.
pub fn value<T: Serialize>(value: &T) -> Value {
    let ipld: Ipld =
        serde_ipld_dagcbor::from_slice(&cbor::encode(value)).expect("what was just encoded");
    let plain = serde_json::to_value(value).expect("wire types have a JSON form");
    merge(&ipld, plain)
}

fn merge(ipld: &Ipld, json: Value) -> Value {
    match (ipld, json) {
        (Ipld::Bytes(bytes), Value::Array(_)) => Value::String(hex(bytes)),
        (Ipld::List(list), Value::Array(items)) => {
            list.iter().zip(items).map(|(i, j)| merge(i, j)).collect()
        }
        (Ipld::Map(map), Value::Object(fields)) => fields
            .into_iter()
            .map(|(name, field)| {
                let merged = merge(&map[&name], field);
                (name, merged)
            })
            .collect(),
        (_, json) => json,
    }
}
