//! Back-pressure towards the sender. str0m takes every message out of SCTP at once, so SCTP
//! always offers the peer its whole window; what users haven't read yet is taken off the offer
//! here, in the packets on their way to DTLS (RFC 9260, sections 3.3.2 to 3.3.4).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

const CRC: crc::Crc<u32> = crc::Crc::<u32>::new(&crc::CRC_32_ISCSI);
/// SCTP's common header: ports, verification tag, checksum.
const HEADER: usize = 12;
const CHECKSUM: std::ops::Range<usize> = 8..12;
/// In INIT, INIT ACK and SACK alike, the window stands here within the chunk.
const WINDOW: std::ops::Range<usize> = 8..12;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
/// What str0m's SCTP offers of itself, in bytes.
const OFFERED: usize = 1 << 20;

/// What a connection and its packets have in common.
#[derive(Debug)]
pub(crate) struct Window {
    limit: usize,
    unread: AtomicUsize,
    reopened: AtomicBool,
}

impl Window {
    /// At most `limit` bytes are to wait for users.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Window {
            limit: limit.min(OFFERED),
            unread: AtomicUsize::new(0),
            reopened: AtomicBool::new(false),
        })
    }

    /// So many bytes wait for users now.
    pub(crate) fn set_unread(&self, bytes: usize) {
        self.unread.store(bytes, Relaxed);
    }

    /// The peer is told of the room that there is now, although it has sent nothing.
    pub(crate) fn reopen(&self) {
        self.reopened.store(true, Relaxed);
    }
}

/// The windows in a connection's outgoing packets.
#[derive(Debug)]
pub(crate) struct Rewriter {
    window: Arc<Window>,
    /// The last packet's SACK as a packet of its own.
    last: Option<Vec<u8>>,
}

impl Rewriter {
    pub(crate) fn new(window: Arc<Window>) -> Self {
        Rewriter { window, last: None }
    }

    /// An outgoing packet with its windows narrowed; `None` if nothing in it changes.
    pub(crate) fn narrow(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let mut changed: Option<Vec<u8>> = None;
        let mut at = HEADER;
        while let Some(header) = packet.get(at..at + 4) {
            let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
            let Some(chunk) = packet.get(at..at + length).filter(|chunk| chunk.len() >= 4) else {
                break;
            };
            if matches!(chunk[0], INIT | INIT_ACK | SACK) && chunk.len() >= WINDOW.end {
                if chunk[0] == SACK {
                    let mut alone = packet[..HEADER].to_vec();
                    alone.extend_from_slice(chunk);
                    self.last = Some(alone);
                }
                let narrowed = self.narrowed(&chunk[WINDOW]);
                let place = at + WINDOW.start..at + WINDOW.end;
                changed.get_or_insert_with(|| packet.to_vec())[place].copy_from_slice(&narrowed);
            }
            at += length.next_multiple_of(4);
        }
        changed.map(sealed)
    }

    /// The last SACK again, if the window has been reopened since.
    pub(crate) fn update(&mut self) -> Option<Vec<u8>> {
        if !self.window.reopened.swap(false, Relaxed) {
            return None;
        }
        let mut packet = self.last.clone()?;
        let place = HEADER + WINDOW.start..HEADER + WINDOW.end;
        let narrowed = self.narrowed(&packet[place.clone()]);
        packet[place].copy_from_slice(&narrowed);
        Some(sealed(packet))
    }

    /// The update wasn't taken: it is due again.
    pub(crate) fn postpone(&self) {
        self.window.reopen();
    }

    fn narrowed(&self, offer: &[u8]) -> [u8; 4] {
        let offer = offer
            .iter()
            .fold(0, |offer, &byte| offer << 8 | usize::from(byte));
        let kept = OFFERED - self.window.limit + self.window.unread.load(Relaxed);
        u32::try_from(offer.saturating_sub(kept))
            .unwrap_or(u32::MAX)
            .to_be_bytes()
    }
}

fn sealed(mut packet: Vec<u8>) -> Vec<u8> {
    packet[CHECKSUM].fill(0);
    let checksum = CRC.checksum(&packet);
    packet[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(kind: u8, offer: u32) -> Vec<u8> {
        let mut packet = vec![0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0];
        packet.extend([kind, 0, 0, 16, 0, 0, 0, 9]);
        packet.extend(offer.to_be_bytes());
        packet.extend([0; 4]);
        // A DATA chunk behind it.
        packet.extend([
            0, 3, 0, 17, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 51, 42, 0, 0, 0,
        ]);
        sealed(packet)
    }

    fn offer(packet: &[u8]) -> u32 {
        let sum = packet[CHECKSUM].to_vec();
        assert_eq!(
            sealed(packet.to_vec())[CHECKSUM],
            sum,
            "the checksum is right"
        );
        u32::from_be_bytes(packet[20..24].try_into().unwrap())
    }

    #[test]
    fn what_is_unread_is_not_offered() {
        let window = Window::new(1000);
        let mut rewriter = Rewriter::new(window.clone());
        for kind in [INIT, INIT_ACK, SACK] {
            let whole = packet(kind, OFFERED as u32);
            window.set_unread(0);
            assert_eq!(offer(&rewriter.narrow(&whole).unwrap()), 1000);
            window.set_unread(400);
            assert_eq!(offer(&rewriter.narrow(&whole).unwrap()), 600);
            assert_eq!(
                offer(
                    &rewriter
                        .narrow(&packet(kind, OFFERED as u32 - 100))
                        .unwrap()
                ),
                500
            );
            window.set_unread(5000);
            assert_eq!(offer(&rewriter.narrow(&whole).unwrap()), 0);
        }
    }

    #[test]
    fn a_reopened_window_is_told_once() {
        let window = Window::new(1000);
        let mut rewriter = Rewriter::new(window.clone());
        window.reopen();
        assert_eq!(rewriter.update(), None, "nothing was said yet");
        window.set_unread(1000);
        rewriter.narrow(&packet(SACK, OFFERED as u32));
        assert_eq!(rewriter.update(), None);
        window.set_unread(200);
        window.reopen();
        let update = rewriter.update().unwrap();
        assert_eq!((offer(&update), update.len()), (800, 28));
        assert_eq!(rewriter.update(), None);
    }

    #[test]
    fn other_packets_are_let_be() {
        let mut rewriter = Rewriter::new(Window::new(1000));
        for packet in [
            packet(0, 7),
            packet(10, 7),
            vec![],
            vec![0; 12],
            vec![3; 15],
            vec![3; 40],
        ] {
            assert_eq!(rewriter.narrow(&packet), None);
        }
        let mut torn = packet(SACK, 7);
        torn.truncate(22);
        assert_eq!(rewriter.narrow(&torn), None);
        torn = packet(SACK, 7);
        torn[14..16].copy_from_slice(&[0, 0]);
        assert_eq!(rewriter.narrow(&torn), None, "a length of 0 doesn't loop");
    }
}
