//! Content and its names: a resource is named by the CID of its root block, and whoever has the
//! blocks can check them.
//!
//! Files are cut and linked as `ipfs add --cid-version=1` does with its classic settings, so
//! that a file has the same CID here and there: UnixFS, raw leaves of 256 KiB, 174 links a
//! node, balanced. Nothing here knows of peers, rooms or sockets.
//!
//! - [`cid`]: names of blocks.
//! - [`chunk`]: a file in, blocks out.
//! - [`unixfs`]: what lies in a block that links to others.
//! - [`read`]: blocks in, a file out.

pub mod chunk;
pub mod cid;
pub mod read;
pub mod unixfs;

pub use chunk::{Block, File, add};
pub use cid::Cid;
pub use read::Reader;

/// Why content isn't what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The text isn't a CID that we can serve.
    #[error("\"{text}\" is no CID: {reason}")]
    BadCid {
        /// The text, cut after 100 characters.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The block isn't the one that the CID names.
    #[error("the block doesn't match {0}: whoever sent it is broken or lies")]
    Mismatch(Cid),
    /// The block is larger than any that we pass on.
    #[error("block {cid} has {len} bytes: at most {max} are allowed", max = cid::MAX_BLOCK)]
    BlockTooLarge {
        /// The block.
        cid: Cid,
        /// Its size.
        len: usize,
    },
    /// The block matches its CID and isn't a part of a UnixFS file.
    #[error("block {cid} is no part of a file: {reason}")]
    NoFile {
        /// The block.
        cid: Cid,
        /// What is wrong with it.
        reason: String,
    },
    /// The file is larger than the reader wants.
    #[error("the file has {len} bytes: at most {max} are wanted")]
    TooLarge {
        /// Its size, as its root says.
        len: u64,
        /// The reader's bound.
        max: u64,
    },
}
