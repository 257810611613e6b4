//! Ports of UDP and TCP, and how they and addresses are changed so that checksums stay right.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::Packet;

const IP_CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;

/// What has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl Transport {
    /// Where its header has the checksum.
    fn checksum(self) -> usize {
        match self {
            Transport::Tcp => 16,
            Transport::Udp => 6,
        }
    }

    fn header(self) -> usize {
        match self {
            Transport::Tcp => 20,
            Transport::Udp => 8,
        }
    }
}

impl Packet {
    /// `None` where it is neither UDP nor TCP, or is a fragment: only the first has ports.
    pub fn transport(&self) -> Option<Transport> {
        let bytes = self.bytes();
        let transport = match bytes[9] {
            6 => Transport::Tcp,
            17 => Transport::Udp,
            _ => return None,
        };
        // More fragments, or an offset.
        let fragment = u16::from_be_bytes([bytes[6], bytes[7]]) & 0x3fff != 0;
        let start = self.payload();
        (!fragment && start >= 20 && bytes.len() >= start + transport.header()).then_some(transport)
    }

    /// Whether it opens a TCP connection.
    pub fn opens(&self) -> bool {
        const SYN_ACK: u8 = 0x12;
        const SYN: u8 = 0x02;
        self.transport() == Some(Transport::Tcp)
            && self.bytes()[self.payload() + 13] & SYN_ACK == SYN
    }

    /// Address and port that it comes from.
    pub fn sender(&self) -> Option<SocketAddrV4> {
        let at = self.payload();
        self.transport()?;
        Some(SocketAddrV4::new(self.source(), self.word(at)))
    }

    /// Address and port that it is for.
    pub fn receiver(&self) -> Option<SocketAddrV4> {
        let at = self.payload() + 2;
        self.transport()?;
        Some(SocketAddrV4::new(self.destination(), self.word(at)))
    }

    /// Changes where it comes from. What has no ports stays as it is.
    pub fn set_sender(&mut self, from: SocketAddrV4) {
        self.set(SOURCE, self.payload(), from);
    }

    /// Changes whom it is for. What has no ports stays as it is.
    pub fn set_receiver(&mut self, to: SocketAddrV4) {
        self.set(DESTINATION, self.payload() + 2, to);
    }

    fn set(&mut self, address_at: usize, port_at: usize, endpoint: SocketAddrV4) {
        let Some(transport) = self.transport() else {
            return;
        };
        let checksum_at = self.payload() + transport.checksum();
        // In UDP, zero says that there is none.
        let summed = transport == Transport::Tcp || self.word(checksum_at) != 0;
        let octets = Ipv4Addr::octets(endpoint.ip());
        for (word, at) in [(0, address_at), (2, address_at + 2)] {
            let new = u16::from_be_bytes([octets[word], octets[word + 1]]);
            self.amend(IP_CHECKSUM, self.word(at), new);
            if summed {
                self.amend(checksum_at, self.word(at), new);
            }
            self.put(at, new);
        }
        if summed {
            self.amend(checksum_at, self.word(port_at), endpoint.port());
        }
        self.put(port_at, endpoint.port());
        if summed && transport == Transport::Udp && self.word(checksum_at) == 0 {
            self.put(checksum_at, 0xffff);
        }
    }

    /// Keeps a checksum right when a word that it covers changes: RFC 1624, equation 3.
    fn amend(&mut self, checksum_at: usize, old: u16, new: u16) {
        let mut sum = u32::from(!self.word(checksum_at)) + u32::from(!old) + u32::from(new);
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        self.put(checksum_at, !(sum as u16));
    }

    /// Where the header ends.
    fn payload(&self) -> usize {
        usize::from(self.bytes()[0] & 0x0f) * 4
    }

    fn word(&self, at: usize) -> u16 {
        let bytes = self.bytes();
        u16::from_be_bytes([bytes[at], bytes[at + 1]])
    }

    fn put(&mut self, at: usize, word: u16) {
        self.bytes_mut()[at..at + 2].copy_from_slice(&word.to_be_bytes());
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A packet with right checksums.
    pub(crate) fn packet(
        transport: Transport,
        from: SocketAddrV4,
        to: SocketAddrV4,
        body: &[u8],
    ) -> Packet {
        let length = transport.header() + body.len();
        let mut bytes = vec![0; 20 + length];
        bytes[0] = 0x45;
        bytes[2..4].copy_from_slice(&((20 + length) as u16).to_be_bytes());
        bytes[8] = 64;
        bytes[9] = match transport {
            Transport::Tcp => 6,
            Transport::Udp => 17,
        };
        bytes[12..16].copy_from_slice(&from.ip().octets());
        bytes[16..20].copy_from_slice(&to.ip().octets());
        bytes[20..22].copy_from_slice(&from.port().to_be_bytes());
        bytes[22..24].copy_from_slice(&to.port().to_be_bytes());
        if transport == Transport::Udp {
            bytes[24..26].copy_from_slice(&(length as u16).to_be_bytes());
        } else {
            bytes[32] = 0x50;
        }
        bytes[20 + transport.header()..].copy_from_slice(body);
        let header = !sum(&bytes[..20]);
        bytes[10..12].copy_from_slice(&header.to_be_bytes());
        let whole = !covered(&bytes);
        let at = 20 + transport.checksum();
        bytes[at..at + 2].copy_from_slice(&whole.to_be_bytes());
        Packet::new(&bytes).unwrap()
    }

    /// Whether both checksums are right, summed from nothing.
    pub(crate) fn intact(packet: &Packet) -> bool {
        sum(&packet.bytes()[..20]) == 0xffff && covered(packet.bytes()) == 0xffff
    }

    fn sum(bytes: &[u8]) -> u16 {
        let mut sum: u32 = bytes
            .chunks(2)
            .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |low| u32::from(*low)))
            .sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    /// The sum over the pseudo-header and all behind the header (RFC 768, RFC 9293).
    fn covered(bytes: &[u8]) -> u16 {
        let mut all = bytes[12..20].to_vec();
        all.extend([0, bytes[9]]);
        all.extend(((bytes.len() - 20) as u16).to_be_bytes());
        all.extend(&bytes[20..]);
        sum(&all)
    }

    fn endpoint(text: &str) -> SocketAddrV4 {
        text.parse().unwrap()
    }

    #[test]
    fn checksums_stay_right() {
        for transport in [Transport::Tcp, Transport::Udp] {
            // Lengths of both parities, and bodies which carry over.
            for body in [&b""[..], b"odd", b"even", &[0xff; 33]] {
                let (from, to) = (endpoint("192.168.1.2:5000"), endpoint("20.9.0.1:4601"));
                let mut changed = packet(transport, from, to, body);
                assert!(intact(&changed));
                changed.set_sender(endpoint("20.1.0.1:65535"));
                assert!(intact(&changed), "{transport:?} {body:?}");
                changed.set_receiver(endpoint("255.255.0.0:1"));
                assert!(intact(&changed), "{transport:?} {body:?}");
                assert_eq!(changed.sender(), Some(endpoint("20.1.0.1:65535")));
                assert_eq!(changed.receiver(), Some(endpoint("255.255.0.0:1")));
                changed.set_sender(from);
                changed.set_receiver(to);
                assert_eq!(changed, packet(transport, from, to, body));
            }
        }
    }

    #[test]
    fn a_datagram_without_a_checksum_gets_none() {
        let (from, to) = (endpoint("192.168.1.2:5000"), endpoint("20.9.0.1:4601"));
        let mut packet = packet(Transport::Udp, from, to, b"hello");
        packet.put(26, 0);
        packet.set_sender(endpoint("20.1.0.1:7"));
        assert_eq!(packet.word(26), 0);
    }

    #[test]
    fn what_has_no_ports_is_named_so() {
        let (from, to) = (endpoint("192.168.1.2:5000"), endpoint("20.9.0.1:4601"));
        let whole = packet(Transport::Udp, from, to, b"hello");
        let with = |at: usize, value: u8| {
            let mut packet = whole.clone();
            packet.bytes_mut()[at] = value;
            packet.transport()
        };
        assert_eq!(whole.transport(), Some(Transport::Udp));
        assert_eq!(with(9, 1), None, "ICMP");
        assert_eq!(with(6, 0x20), None, "a first fragment");
        assert_eq!(with(7, 9), None, "a later fragment");
        assert_eq!(with(6, 0x40), Some(Transport::Udp), "not to be fragmented");
        assert_eq!(with(0, 0x41), None, "a header that ends too early");
        assert_eq!(with(0, 0x4f), None, "a header that ends behind the packet");
    }
}
