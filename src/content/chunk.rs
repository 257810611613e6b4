//! A file in, blocks out.

use super::{
    Cid, cid,
    unixfs::{Link, Node},
};

/// Bytes in a leaf, the last excepted.
pub const CHUNK: usize = 256 * 1024;
/// Links in a node.
pub const LINKS: usize = 174;

/// A block and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The name.
    pub cid: Cid,
    /// The bytes.
    pub data: Vec<u8>,
}

/// A file, cut and linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What the file is named by.
    pub root: Cid,
    /// All its blocks, each after those that it links to.
    pub blocks: Vec<Block>,
}

/// Cuts `bytes` into blocks. A file of one chunk is that chunk.
pub fn add(bytes: &[u8]) -> File {
    let mut blocks = Vec::with_capacity(bytes.len() / CHUNK + 2);
    let mut level = if bytes.is_empty() {
        vec![leaf(&[], &mut blocks)]
    } else {
        bytes
            .chunks(CHUNK)
            .map(|chunk| leaf(chunk, &mut blocks))
            .collect()
    };
    while level.len() > 1 {
        level = level
            .chunks(LINKS)
            .map(|links| parent(links, &mut blocks))
            .collect();
    }
    File {
        root: level[0].cid,
        blocks,
    }
}

fn leaf(chunk: &[u8], blocks: &mut Vec<Block>) -> Link {
    let cid = cid::raw(chunk);
    blocks.push(Block {
        cid,
        data: chunk.to_vec(),
    });
    let bytes = chunk.len() as u64;
    Link {
        cid,
        bytes,
        total: bytes,
    }
}

fn parent(links: &[Link], blocks: &mut Vec<Block>) -> Link {
    let node = Node {
        links: links.to_vec(),
    };
    let data = node.encode();
    let cid = cid::dag_pb(&data);
    let below: u64 = links.iter().map(|link| link.total).sum();
    let total = below + data.len() as u64;
    blocks.push(Block { cid, data });
    Link {
        cid,
        bytes: node.bytes(),
        total,
    }
}
