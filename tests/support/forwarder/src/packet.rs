//! An IPv4 packet, as an interface hands it over.

use std::net::Ipv4Addr;

const HEADER: usize = 20;

/// A whole IPv4 packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet(Vec<u8>);

impl Packet {
    /// `None` where the bytes aren't an IPv4 packet: hosts say a word in IPv6 when they start.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= HEADER && bytes[0] >> 4 == 4).then(|| Packet(bytes.to_vec()))
    }

    /// Whose it is.
    pub fn source(&self) -> Ipv4Addr {
        self.address(12)
    }

    /// Whom it is for.
    pub fn destination(&self) -> Ipv4Addr {
        self.address(16)
    }

    /// All of it.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }

    fn address(&self, at: usize) -> Ipv4Addr {
        Ipv4Addr::new(self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_from_whom_and_for_whom() {
        let mut bytes = [0; 28];
        bytes[0] = 0x45;
        bytes[12..20].copy_from_slice(&[10, 77, 1, 1, 10, 77, 2, 1]);
        let packet = Packet::new(&bytes).unwrap();
        assert_eq!(packet.source(), Ipv4Addr::new(10, 77, 1, 1));
        assert_eq!(packet.destination(), Ipv4Addr::new(10, 77, 2, 1));
        bytes[0] = 0x60;
        assert_eq!(Packet::new(&bytes), None, "IPv6");
        assert_eq!(Packet::new(&[0x45; 19]), None, "cut off");
    }
}
