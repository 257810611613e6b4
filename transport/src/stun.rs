//! The little of STUN (RFC 8489) that is spoken before there is a connection.

use std::net::{IpAddr, SocketAddr};

const HEADER: usize = 20;
const MAGIC: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0, 1];
const BINDING_SUCCESS: [u8; 2] = [1, 1];
const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
const CHANGE_REQUEST: u16 = 0x0003;
const RESPONSE_PORT: u16 = 0x0027;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// Whether the first byte is one of STUN's (RFC 7983).
pub fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|&first| first < 4)
}

/// Whether the first byte is one of DTLS's (RFC 7983).
pub fn is_dtls(datagram: &[u8]) -> bool {
    datagram
        .first()
        .is_some_and(|first| (20..64).contains(first))
}

/// The answer to a Binding request that carries no credentials: where it came from. `None` if it
/// isn't one, or wants the answer sent elsewhere. 32 bytes for an IPv4 source, 44 for IPv6.
pub fn answer_plain(request: &[u8], source: SocketAddr) -> Option<Vec<u8>> {
    let header = request.get(..HEADER)?;
    let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
    let plain = header[..2] == BINDING_REQUEST
        && header[4..8] == MAGIC
        && length + HEADER == request.len()
        && attributes(&request[HEADER..])?.all(|kind| {
            !matches!(
                kind,
                USERNAME
                    | MESSAGE_INTEGRITY
                    | MESSAGE_INTEGRITY_SHA256
                    | CHANGE_REQUEST
                    | RESPONSE_PORT
            )
        });
    plain.then(|| binding_success(&header[8..HEADER], source))
}

/// The types of the attributes; `None` where they don't fill the message.
fn attributes(mut bytes: &[u8]) -> Option<impl Iterator<Item = u16>> {
    let mut kinds = Vec::new();
    while !bytes.is_empty() {
        let header = bytes.get(..4)?;
        kinds.push(u16::from_be_bytes([header[0], header[1]]));
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        bytes = bytes.get(4 + length.next_multiple_of(4)..)?;
    }
    Some(kinds.into_iter())
}

fn binding_success(transaction: &[u8], source: SocketAddr) -> Vec<u8> {
    let mut key = MAGIC.to_vec();
    key.extend_from_slice(transaction);
    let (family, ip) = match source.ip().to_canonical() {
        IpAddr::V4(ip) => (1, ip.octets().to_vec()),
        IpAddr::V6(ip) => (2, ip.octets().to_vec()),
    };
    let mut answer = BINDING_SUCCESS.to_vec();
    answer.extend((ip.len() as u16 + 8).to_be_bytes());
    answer.extend_from_slice(&key);
    answer.extend(XOR_MAPPED_ADDRESS.to_be_bytes());
    answer.extend((ip.len() as u16 + 4).to_be_bytes());
    answer.extend([0, family]);
    answer.extend((source.port() ^ 0x2112).to_be_bytes());
    answer.extend(ip.iter().zip(&key).map(|(byte, key)| byte ^ key));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(attributes: &[u8]) -> Vec<u8> {
        let mut bytes = BINDING_REQUEST.to_vec();
        bytes.extend((attributes.len() as u16).to_be_bytes());
        bytes.extend(MAGIC);
        bytes.extend([9; 12]);
        bytes.extend(attributes);
        bytes
    }

    #[test]
    fn the_source_is_told() {
        // RFC 5769, section 2.2: 192.0.2.1:32853 is XORed to a147 e112a643.
        let source = "192.0.2.1:32853".parse().unwrap();
        let answer = answer_plain(&request(&[]), source).unwrap();
        assert_eq!(answer.len(), 32);
        assert_eq!(answer[..4], [1, 1, 0, 12]);
        assert_eq!(answer[8..20], [9; 12]);
        assert_eq!(
            answer[20..],
            [0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]
        );
        let source = "[2001:db8::1]:1".parse().unwrap();
        assert_eq!(answer_plain(&request(&[]), source).unwrap().len(), 44);
    }

    #[test]
    fn an_attribute_that_is_not_asked_about_is_let_be() {
        let source = "192.0.2.1:1".parse().unwrap();
        let software = [0x80, 0x22, 0, 3, b'a', b'b', b'c', 0];
        assert!(answer_plain(&request(&software), source).is_some());
    }

    #[test]
    fn everything_else_is_not_answered() {
        let source = "192.0.2.1:1".parse().unwrap();
        let change_port = request(&[0, 3, 0, 4, 0, 0, 0, 2]);
        let torn = request(&[0x80, 0x22, 0, 9, 1, 2, 3, 4]);
        let username = request(&[0, 6, 0, 4, b'a', b':', b'b', b'c']);
        let mut response = request(&[]);
        response[0] = 1;
        let mut long = request(&[]);
        long.push(0);
        let short = &request(&[])[..19];
        for bytes in [&change_port, &torn, &username, &response, &long, short] {
            assert_eq!(answer_plain(bytes, source), None);
        }
    }
}
