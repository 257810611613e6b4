//! Blocks in, a file out: what to ask for next, and whether what came is it.

use super::{
    Cid, Error,
    cid::{self, RAW},
    unixfs::{Link, Node},
};

/// The deepest tree that is read: 174 links a node give 45 MB at one level, 1.4 EB at five.
const MAX_DEPTH: usize = 8;

/// Reads a file, block by block, in order. Holds links only: never more than
/// [`MAX_LINKS`](super::unixfs::MAX_LINKS) for each of eight levels.
///
/// ```
/// # use velox_mesh::content::{Reader, add};
/// # use std::collections::HashMap;
/// let file = add(&[7; 1_000_000]);
/// let blocks: HashMap<_, _> = file.blocks.into_iter().map(|b| (b.cid, b.data)).collect();
/// let mut reader = Reader::new(file.root, 10_000_000);
/// let mut bytes = Vec::new();
/// while let Some(cid) = reader.wanted() {
///     bytes.extend(reader.feed(&blocks[&cid])?);
/// }
/// assert_eq!(bytes, [7; 1_000_000]);
/// # Ok::<(), velox_mesh::content::Error>(())
/// ```
#[derive(Debug)]
pub struct Reader {
    max: u64,
    size: Option<u64>,
    read: u64,
    /// What is left to fetch, the next at the end, with its depth.
    pending: Vec<(Part, usize)>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    cid: Cid,
    /// Bytes of the file in it; not known of a root.
    bytes: Option<u64>,
}

impl From<&Link> for Part {
    fn from(link: &Link) -> Self {
        Part {
            cid: link.cid,
            bytes: Some(link.bytes),
        }
    }
}

impl Reader {
    /// Reads the file that `root` names, if it has at most `max` bytes.
    pub fn new(root: Cid, max: u64) -> Self {
        let root = Part {
            cid: root,
            bytes: None,
        };
        Reader {
            max,
            size: None,
            read: 0,
            pending: vec![(root, 0)],
        }
    }

    /// The block to [`feed`](Self::feed) next; none when the file has been read.
    pub fn wanted(&self) -> Option<Cid> {
        self.pending.last().map(|(part, _)| part.cid)
    }

    /// The blocks that will be wanted, as far as they are known, in order: for fetching ahead.
    pub fn ahead(&self) -> impl Iterator<Item = Cid> + '_ {
        self.pending.iter().rev().map(|(part, _)| part.cid)
    }

    /// The file's size, once its root has been read.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Bytes of the file that have been read.
    pub fn read(&self) -> u64 {
        self.read
    }

    /// Takes the wanted block and gives the bytes of the file that are in it, which may be
    /// none. An error leaves the reader as it was: another's block may match.
    pub fn feed(&mut self, block: &[u8]) -> Result<Vec<u8>, Error> {
        let Some((part, depth)) = self.pending.last().copied() else {
            return Ok(Vec::new());
        };
        cid::verify(&part.cid, block)?;
        if part.cid.codec() == RAW {
            self.check(&part, block.len() as u64)?;
            self.pending.pop();
            self.read += block.len() as u64;
            return Ok(block.to_vec());
        }
        let node = Node::decode(&part.cid, block)?;
        self.check(&part, node.bytes())?;
        if depth == MAX_DEPTH {
            return Err(Error::NoFile {
                cid: part.cid,
                reason: format!("it is nested more than {MAX_DEPTH} deep"),
            });
        }
        self.pending.pop();
        let links = node.links.iter().rev().map(|link| (link.into(), depth + 1));
        self.pending.extend(links);
        Ok(Vec::new())
    }

    /// Whether a part of `bytes` is what its parent said, or as large as a file may be.
    fn check(&mut self, part: &Part, bytes: u64) -> Result<(), Error> {
        match part.bytes {
            Some(said) if said != bytes => Err(Error::NoFile {
                cid: part.cid,
                reason: format!("it has {bytes} bytes of the file, its parent says {said}"),
            }),
            None if bytes > self.max => Err(Error::TooLarge {
                len: bytes,
                max: self.max,
            }),
            None => {
                self.size = Some(bytes);
                Ok(())
            }
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{add, chunk::CHUNK};
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn read(root: Cid, blocks: &HashMap<Cid, Vec<u8>>, max: u64) -> Result<Vec<u8>, Error> {
        let mut reader = Reader::new(root, max);
        let mut out = Vec::new();
        while let Some(cid) = reader.wanted() {
            out.extend(reader.feed(&blocks[&cid])?);
        }
        assert_eq!(reader.size(), Some(out.len() as u64));
        assert_eq!(reader.read(), out.len() as u64);
        Ok(out)
    }

    fn blocks(bytes: &[u8]) -> (Cid, HashMap<Cid, Vec<u8>>) {
        let file = add(bytes);
        (
            file.root,
            file.blocks.into_iter().map(|b| (b.cid, b.data)).collect(),
        )
    }

    #[test]
    fn gives_back_what_was_added() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 17] {
            let bytes: Vec<u8> = (0..size).map(|i| (i ^ (i >> 8)) as u8).collect();
            let (root, blocks) = blocks(&bytes);
            assert!(read(root, &blocks, size as u64) == Ok(bytes));
        }
    }

    #[test]
    fn a_wrong_block_is_refused_and_a_right_one_still_taken() {
        let (root, blocks) = blocks(&vec![3; 2 * CHUNK]);
        let mut reader = Reader::new(root, u64::MAX);
        assert_eq!(reader.feed(b"something else"), Err(Error::Mismatch(root)));
        assert_eq!(
            reader.feed(&vec![0; cid::MAX_BLOCK + 1]),
            Err(Error::BlockTooLarge {
                cid: root,
                len: cid::MAX_BLOCK + 1
            })
        );
        assert_eq!(reader.feed(&blocks[&root]), Ok(vec![]));
        assert_eq!(reader.ahead().count(), 2);
    }

    #[test]
    fn a_file_above_the_bound_is_refused_at_its_root() {
        let (root, blocks) = blocks(&vec![3; 2 * CHUNK]);
        let refused = read(root, &blocks, 2 * CHUNK as u64 - 1);
        assert!(matches!(refused, Err(Error::TooLarge { .. })));
    }

    /// A file node over `links`, as its root.
    fn node(links: Vec<Link>) -> (Cid, Vec<u8>) {
        let block = Node { links }.encode();
        (cid::dag_pb(&block), block)
    }

    #[test]
    fn a_part_of_another_size_than_said_is_refused() {
        let leaf = b"four".to_vec();
        let lie = Link {
            cid: cid::raw(&leaf),
            bytes: 5,
            total: 5,
        };
        let (root, block) = node(vec![lie]);
        let blocks = [(root, block), (lie.cid, leaf)].into();
        let refused = read(root, &blocks, 100).expect_err("five isn't four");
        assert!(
            refused.to_string().contains("its parent says 5"),
            "{refused}"
        );
    }

    #[test]
    fn a_bottomless_tree_is_refused() {
        let mut blocks = HashMap::new();
        let mut link = Link {
            cid: cid::raw(b"x"),
            bytes: 1,
            total: 1,
        };
        blocks.insert(link.cid, b"x".to_vec());
        for _ in 0..10 {
            let (cid, block) = node(vec![link]);
            blocks.insert(cid, block);
            link = Link { cid, ..link };
        }
        let refused = read(link.cid, &blocks, 100).expect_err("ten levels");
        assert!(
            refused.to_string().contains("more than 8 deep"),
            "{refused}"
        );
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = [0x0a, 0x02, 0x08, 0x01];
        let refused = Node::decode(&cid::dag_pb(&folder), &folder).expect_err("a folder");
        assert!(refused.to_string().contains("folder"), "{refused}");
        for block in [&b""[..], b"\xff", &[0x0a, 0x00], &[0x0a, 0x02, 0x08, 0x02]] {
            assert!(Node::decode(&cid::dag_pb(block), block).is_err());
        }
        let overflow = Link {
            cid: cid::raw(b"x"),
            bytes: u64::MAX / 2 + 1,
            total: 0,
        };
        let mut block = Node {
            links: vec![overflow],
        }
        .encode();
        // The same link and its size once more: the sum is above 64 bits.
        let links = block.len() - 24;
        block = [&block[..links], &block].concat();
        assert!(Node::decode(&cid::dag_pb(&block), &block).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let cid = cid::dag_pb(&bytes);
            if let Ok(node) = Node::decode(&cid, &bytes) {
                prop_assert_eq!(node.encode(), bytes);
            }
        }

        #[test]
        fn nodes_come_back(sizes in prop::collection::vec(0u64..1 << 40, 1..20)) {
            let links = sizes.iter().map(|bytes| Link {
                cid: cid::raw(&bytes.to_le_bytes()),
                bytes: *bytes,
                total: bytes + 9,
            });
            let node = Node { links: links.collect() };
            let block = node.encode();
            prop_assert_eq!(Node::decode(&cid::dag_pb(&block), &block), Ok(node));
        }
    }
}
