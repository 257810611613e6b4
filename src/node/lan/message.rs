//! Questions and answers about one service, as DNS messages.

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{PTR, TXT},
    },
};
use libp2p::{Multiaddr, PeerId};

/// What nodes are found under (RFC 6763).
const SERVICE: &str = "_velox-mesh._udp.local.";
/// Seconds for which others may keep an answer.
const TTL: u32 = 120;
/// Addresses of one node.
const ADDRESSES: usize = 8;
/// Bytes of a string in DNS.
const STRING: usize = 255;
/// Answers that are read of one message.
const ANSWERS: usize = 16;

/// What a node says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Announcement {
    pub network: String,
    pub node: PeerId,
    pub addresses: Vec<Multiaddr>,
}

/// A message that concerns this service.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Question,
    Answers(Vec<Announcement>),
}

fn service() -> Name {
    Name::from_ascii(SERVICE).expect("a constant name")
}

/// Who is here?
pub(super) fn question() -> Vec<u8> {
    let mut message = Message::new(0, MessageType::Query, OpCode::Query);
    message.add_query(Query::query(service(), RecordType::PTR));
    message.to_vec().expect("one short question")
}

/// I am. Nothing where it has no address that fits.
pub(super) fn answer(announcement: &Announcement) -> Option<Vec<u8>> {
    let node = announcement.node.to_string();
    let instance = Name::from_ascii(format!("{node}.{SERVICE}")).ok()?;
    let mut strings = vec![format!("n={}", announcement.network), format!("p={node}")];
    let addresses = announcement.addresses.iter();
    strings.extend(
        addresses
            .map(|address| format!("a={address}"))
            .filter(|text| text.len() <= STRING)
            .take(ADDRESSES),
    );
    if strings.len() == 2 {
        return None;
    }
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.metadata.authoritative = true;
    let pointer = RData::PTR(PTR(instance.clone()));
    message.add_answer(Record::from_rdata(service(), TTL, pointer));
    let text = RData::TXT(TXT::new(strings));
    message.add_answer(Record::from_rdata(instance, TTL, text));
    message.to_vec().ok()
}

/// Reads what somebody sent. What is about other services is nothing.
pub(super) fn read(bytes: &[u8]) -> Option<Heard> {
    let message = Message::from_vec(bytes).ok()?;
    let service = service();
    if message.metadata.message_type == MessageType::Query {
        let asked = message.queries.iter().any(|query| {
            query.name == service && matches!(query.query_type, RecordType::PTR | RecordType::ANY)
        });
        return asked.then_some(Heard::Question);
    }
    let records = message.answers.iter().chain(&message.additionals);
    let answers: Vec<_> = records
        .take(ANSWERS)
        .filter(|record| service.zone_of(&record.name))
        .filter_map(|record| match &record.data {
            RData::TXT(text) => announcement(text),
            _ => None,
        })
        .collect();
    (!answers.is_empty()).then_some(Heard::Answers(answers))
}

fn announcement(text: &TXT) -> Option<Announcement> {
    let (mut network, mut node, mut addresses) = (None, None, Vec::new());
    for string in &text.txt_data {
        let (key, value) = std::str::from_utf8(string).ok()?.split_once('=')?;
        match key {
            "n" => network = Some(value.to_owned()),
            "p" => node = value.parse().ok(),
            "a" if addresses.len() < ADDRESSES => addresses.extend(value.parse::<Multiaddr>()),
            _ => {}
        }
    }
    Some(Announcement {
        network: network?,
        node: node?,
        addresses,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn announced() -> Announcement {
        Announcement {
            network: "example.org".to_owned(),
            node: PeerId::random(),
            addresses: (0..3)
                .map(|n| format!("/ip4/10.0.0.{n}/tcp/4600").parse().unwrap())
                .collect(),
        }
    }

    #[test]
    fn what_is_said_is_heard() {
        assert_eq!(read(&question()), Some(Heard::Question));
        let announced = announced();
        let bytes = answer(&announced).unwrap();
        assert!(bytes.len() < 512, "{}", bytes.len());
        assert_eq!(read(&bytes), Some(Heard::Answers(vec![announced])));
    }

    #[test]
    fn other_services_are_nothing() {
        let mut message = Message::new(0, MessageType::Query, OpCode::Query);
        let name = Name::from_ascii("_ipp._tcp.local.").unwrap();
        message.add_query(Query::query(name, RecordType::PTR));
        assert_eq!(read(&message.to_vec().unwrap()), None);
        assert_eq!(read(b"nonsense"), None);
    }

    #[test]
    fn who_has_no_address_says_nothing() {
        let mut announced = announced();
        announced.addresses.clear();
        assert_eq!(answer(&announced), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, at in 0usize..300, bit in 0u8..8) {
            read(&bytes);
            let mut changed = answer(&announced()).unwrap();
            let at = at % changed.len();
            changed[at] ^= 1 << bit;
            read(&changed);
        }
    }
}
