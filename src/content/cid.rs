//! Names of blocks: CIDv1, SHA-256.

pub use cid::Cid;
use cid::multihash::Multihash;
use sha2::{Digest, Sha256};

use super::Error;

/// The codec of a block that is bytes of a file and nothing else.
pub const RAW: u64 = 0x55;
/// The codec of a block that links to others.
pub const DAG_PB: u64 = 0x70;
/// The most bytes in a block: what other IPFS programs exchange.
pub const MAX_BLOCK: usize = 2 * 1024 * 1024;

const SHA2_256: u64 = 0x12;

/// The CID of a block of raw bytes.
pub fn raw(block: &[u8]) -> Cid {
    of(RAW, block)
}

/// The CID of a DAG-PB block.
pub fn dag_pb(block: &[u8]) -> Cid {
    of(DAG_PB, block)
}

fn of(codec: u64, block: &[u8]) -> Cid {
    let hash = Multihash::wrap(SHA2_256, &Sha256::digest(block))
        .expect("32 bytes fit in a multihash of 64");
    Cid::new_v1(codec, hash)
}

/// Reads a CID in its text form: version 1, SHA-256, of a raw or a DAG-PB block.
pub fn parse(text: &str) -> Result<Cid, Error> {
    let bad = |reason: String| Error::BadCid {
        text: text.chars().take(100).collect(),
        reason,
    };
    // The longest that can be right has 59 characters in base32.
    if text.len() > 100 {
        return Err(bad("it is too long".into()));
    }
    let cid = Cid::try_from(text).map_err(|e| bad(e.to_string()))?;
    supported(&cid).map_err(|reason| bad(reason.into()))?;
    Ok(cid)
}

/// Whether we can verify and read what `cid` names; else why not.
pub(super) fn supported(cid: &Cid) -> Result<(), &'static str> {
    if cid.version() != cid::Version::V1 {
        return Err("it is of version 0; `ipfs cid base32` gives its version 1");
    }
    if cid.hash().code() != SHA2_256 || cid.hash().size() != 32 {
        return Err("its hash isn't SHA-256");
    }
    if ![RAW, DAG_PB].contains(&cid.codec()) {
        return Err("it names neither a file nor a part of one");
    }
    Ok(())
}

/// Whether `block` is what `cid` names.
pub fn verify(cid: &Cid, block: &[u8]) -> Result<(), Error> {
    if block.len() > MAX_BLOCK {
        return Err(Error::BlockTooLarge {
            cid: *cid,
            len: block.len(),
        });
    }
    if cid.hash().code() == SHA2_256 && cid.hash().digest() == Sha256::digest(block).as_slice() {
        Ok(())
    } else {
        Err(Error::Mismatch(*cid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_others_name() {
        // `ipfs add --cid-version=1` of an empty file and of "hello world".
        let empty = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku";
        let hello = "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e";
        assert_eq!(raw(b"").to_string(), empty);
        assert_eq!(raw(b"hello world").to_string(), hello);
        let cid = parse(hello).expect("a CID");
        assert_eq!(verify(&cid, b"hello world"), Ok(()));
        assert_eq!(verify(&cid, b"hello worlD"), Err(Error::Mismatch(cid)));
    }

    #[test]
    fn refuses_what_is_no_cid_and_says_why() {
        let refused = |text: &str| parse(text).expect_err(text).to_string();
        assert!(refused("").contains("is no CID"));
        assert!(refused("hello").contains("\"hello\" is no CID"));
        assert!(refused(&"b".repeat(1_000_000)).len() < 200);
        let v0 = "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG";
        assert!(refused(v0).contains("version 0"));
        let hash = Multihash::wrap(0x13, &[1; 64]).expect("fits");
        assert!(refused(&Cid::new_v1(RAW, hash).to_string()).contains("too long"));
        let hash = Multihash::wrap(0x13, &[1; 32]).expect("fits");
        assert!(refused(&Cid::new_v1(RAW, hash).to_string()).contains("SHA-256"));
        let hash = Multihash::wrap(0x12, &[1; 32]).expect("fits");
        assert!(refused(&Cid::new_v1(0x71, hash).to_string()).contains("neither"));
    }
}
