//! Which protocol a stream speaks, and how much each host has sent in it.

use std::collections::HashMap;

/// What a host has sent and received in one protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes sent, headers of packets included.
    pub sent_bytes: u64,
    /// Writes that were sent; those of one moment to one stream are one.
    pub sent_messages: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Writes received.
    pub received_messages: u64,
}

impl std::ops::AddAssign for Traffic {
    fn add_assign(&mut self, other: Traffic) {
        self.sent_bytes += other.sent_bytes;
        self.sent_messages += other.sent_messages;
        self.received_bytes += other.received_bytes;
        self.received_messages += other.received_messages;
    }
}

/// A protocol's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProtocolId(u16);

impl ProtocolId {
    /// Streams whose protocol isn't known (yet).
    pub const UNKNOWN: ProtocolId = ProtocolId(0);
}

/// The names of the protocols seen.
#[derive(Default)]
pub(crate) struct Protocols {
    names: Vec<String>,
    ids: HashMap<String, ProtocolId>,
}

/// Names beyond this many count as unknown.
const MAX_PROTOCOLS: usize = 1_024;

impl Protocols {
    pub fn id(&mut self, name: &str) -> ProtocolId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        if self.names.len() >= MAX_PROTOCOLS {
            return ProtocolId::UNKNOWN;
        }
        self.names.push(name.to_owned());
        let id = ProtocolId(u16::try_from(self.names.len()).expect("bounded above"));
        self.ids.insert(name.to_owned(), id);
        id
    }

    pub fn name_of(&self, id: ProtocolId) -> &str {
        self.name(usize::from(id.0))
    }

    pub fn name(&self, index: usize) -> &str {
        match index.checked_sub(1) {
            Some(index) => &self.names[index],
            None => "",
        }
    }
}

/// What a host has sent and received, by protocol.
#[derive(Default)]
pub(crate) struct Ledger(Vec<Traffic>);

impl Ledger {
    pub fn entry(&mut self, protocol: ProtocolId) -> &mut Traffic {
        let index = usize::from(protocol.0);
        if self.0.len() <= index {
            self.0.resize(index + 1, Traffic::default());
        }
        &mut self.0[index]
    }

    pub fn iter(&self) -> impl Iterator<Item = (usize, &Traffic)> {
        self.0.iter().enumerate()
    }
}

/// Reads the protocol that a stream's opener proposes first, from the first bytes it writes
/// (multistream-select 1.0.0: lines with their length before them).
pub(crate) enum Sniff {
    Reading(Vec<u8>),
    Done,
}

/// A proposal that hasn't ended by then is none.
const MAX_PROPOSAL: usize = 512;

impl Sniff {
    /// The opener writes `bytes`.
    pub fn read(&mut self, bytes: &[u8]) -> Option<String> {
        let Sniff::Reading(read) = self else {
            return None;
        };
        read.extend_from_slice(&bytes[..bytes.len().min(MAX_PROPOSAL)]);
        let mut rest = read.as_slice();
        while let Some((&length, after)) = rest.split_first() {
            if length >= 0x80 {
                *self = Sniff::Done;
                return None;
            }
            let Some((line, after)) = after.split_at_checked(usize::from(length)) else {
                break;
            };
            if line.starts_with(b"/") && !line.starts_with(b"/multistream/") {
                let name = String::from_utf8_lossy(line).trim_end().to_owned();
                *self = Sniff::Done;
                return Some(name);
            }
            rest = after;
        }
        if read.len() >= MAX_PROPOSAL {
            *self = Sniff::Done;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_proposal_is_read_however_it_is_cut() {
        let mut bytes = Vec::new();
        for line in ["/multistream/1.0.0\n", "/ipfs/id/1.0.0\n", "/other\n"] {
            bytes.push(line.len() as u8);
            bytes.extend_from_slice(line.as_bytes());
        }
        for cut in 0..bytes.len() {
            let mut sniff = Sniff::Reading(Vec::new());
            let found = [&bytes[..cut], &bytes[cut..]]
                .into_iter()
                .find_map(|part| sniff.read(part));
            assert_eq!(found.as_deref(), Some("/ipfs/id/1.0.0"), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_proposal_ends_the_reading() {
        let mut sniff = Sniff::Reading(Vec::new());
        assert_eq!(sniff.read(&[0xff; 40]), None);
        assert!(matches!(sniff, Sniff::Done));
        let mut sniff = Sniff::Reading(Vec::new());
        assert_eq!(sniff.read(&[1; 4_096]), None);
        assert!(matches!(sniff, Sniff::Done));
    }
}
