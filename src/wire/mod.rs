//! Every message that crosses a border: types, DAG-CBOR codec, sizes and versions.
//!
//! Nothing here knows of sockets, time or state. A type in this folder is what
//! [docs/spec](https://github.com/velox-mesh/velox-mesh/tree/main/docs/spec) says, byte for
//! byte, and the vectors in `docs/spec/vectors` hold the Rust and the TypeScript side to it.
//!
//! - [`cbor`]: strict DAG-CBOR in and out.
//! - [`signed`]: a body, its signer and its signature.
//! - [`presence`], [`envelope`], [`node_record`]: what is signed.
//! - [`seal`]: HPKE around an envelope's contents.
//! - [`attach`], [`signal`], [`discovery`]: what is said on each protocol.
//! - [`frame`], [`fragment`]: how messages lie in a byte stream.

pub mod attach;
pub mod cbor;
pub mod discovery;
pub mod envelope;
pub mod fragment;
pub mod frame;
pub mod limits;
pub mod node_record;
pub mod presence;
pub mod seal;
pub mod signal;
pub mod signed;
mod version;

pub use cbor::Malformed;
pub use signed::{Body, Refused, Signed};
pub use version::{V1, VERSION};

/// Raw bytes, which DAG-CBOR writes as a byte string rather than as a list.
pub type Bytes = serde_bytes::ByteBuf;

/// A byte string of exactly `N` bytes.
pub type Array<const N: usize> = serde_bytes::ByteArray<N>;

/// Milliseconds since the Unix epoch, in the network's time.
pub type Millis = u64;
