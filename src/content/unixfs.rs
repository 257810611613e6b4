//! Blocks that link to others: a file node of UnixFS inside DAG-PB.
//!
//! Only files are read, and only in the one encoding that DAG-PB and UnixFS writers agree on:
//! links before data, sizes unpacked, nothing unknown.

use prost::Message;

use super::{Cid, Error, cid};

/// The most links that a node which is read may have. Ours have [`super::chunk::LINKS`] at
/// most; other programs' up to 1,024.
pub const MAX_LINKS: usize = 1024;

/// UnixFS `DataType.File`.
const FILE: i32 = 2;

/// A part of a file that is made of further parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The parts, in order; never empty.
    pub links: Vec<Link>,
}

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The part's root block.
    pub cid: Cid,
    /// Bytes of the file in it.
    pub bytes: u64,
    /// Bytes of all its blocks (DAG-PB's `Tsize`; a hint that readers don't rely on).
    pub total: u64,
}

#[derive(Message)]
struct PbLinks {
    #[prost(message, repeated, tag = "2")]
    links: Vec<PbLink>,
}

#[derive(Message)]
struct PbData {
    #[prost(bytes = "vec", required, tag = "1")]
    data: Vec<u8>,
}

#[derive(Message)]
struct PbLink {
    #[prost(bytes = "vec", required, tag = "1")]
    hash: Vec<u8>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(uint64, optional, tag = "3")]
    total: Option<u64>,
}

#[derive(Message)]
struct PbFile {
    #[prost(int32, required, tag = "1")]
    kind: i32,
    #[prost(bytes = "vec", optional, tag = "2")]
    data: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    size: Option<u64>,
    #[prost(uint64, repeated, packed = "false", tag = "4")]
    parts: Vec<u64>,
}

impl Node {
    /// Bytes of the file below this node.
    pub fn bytes(&self) -> u64 {
        self.links.iter().map(|link| link.bytes).sum()
    }

    /// The node as a block.
    pub fn encode(&self) -> Vec<u8> {
        let links = self.links.iter().map(|link| PbLink {
            hash: link.cid.to_bytes(),
            name: Some(String::new()),
            total: Some(link.total),
        });
        let file = PbFile {
            kind: FILE,
            data: None,
            size: Some(self.bytes()),
            parts: self.links.iter().map(|link| link.bytes).collect(),
        };
        let links = PbLinks {
            links: links.collect(),
        };
        let data = PbData {
            data: file.encode_to_vec(),
        };
        [links.encode_to_vec(), data.encode_to_vec()].concat()
    }

    /// Reads the block named `cid`, which has been verified.
    pub fn decode(cid: &Cid, block: &[u8]) -> Result<Self, Error> {
        let no = |reason: &str| Error::NoFile {
            cid: *cid,
            reason: reason.into(),
        };
        let links = PbLinks::decode(block)
            .map_err(|_| no("it isn't DAG-PB"))?
            .links;
        let data = PbData::decode(block)
            .map_err(|_| no("it isn't DAG-PB"))?
            .data;
        let file = PbFile::decode(&*data).map_err(|_| no("it isn't UnixFS"))?;
        if file.kind != FILE {
            return Err(no("it is a folder, a link or something else of UnixFS"));
        }
        if links.is_empty() || links.len() > MAX_LINKS || links.len() != file.parts.len() {
            return Err(no(
                "its links and their sizes don't match, or it has none or too many",
            ));
        }
        let links = links
            .iter()
            .zip(file.parts)
            .map(|(link, bytes)| {
                let cid = Cid::try_from(&*link.hash).map_err(|_| no("a link isn't a CID"))?;
                cid::supported(&cid).map_err(|_| no("a link isn't a CIDv1 with SHA-256"))?;
                let total = link.total.unwrap_or_default();
                Ok(Link { cid, bytes, total })
            })
            .collect::<Result<Vec<_>, Error>>()?;
        let size = links
            .iter()
            .try_fold(0u64, |sum, link| sum.checked_add(link.bytes));
        if size.is_none() || size != file.size {
            return Err(no("its size isn't the sum of its parts'"));
        }
        let node = Node { links };
        if node.encode() != block {
            return Err(no("it isn't encoded as DAG-PB and UnixFS files are"));
        }
        Ok(node)
    }
}
