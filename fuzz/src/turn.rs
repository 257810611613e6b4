use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use turn_types::{
    message::ALLOCATE,
    stun::{
        attribute::{AttributeType, Nonce, RawAttribute, Realm, Username},
        message::{
            IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageType,
            MessageWrite, MessageWriteExt, MessageWriteVec, Method,
        },
    },
};
use velox_turn::{
    Client, Config, Delivery, Framing, Moment, Outcome, Policy, RelayId, Relays, Secret, Server,
};

const REALM: &str = "example.org";

/// A host whose ports never end.
#[derive(Default)]
struct Host {
    open: usize,
    next: u16,
}

impl Relays for Host {
    fn open(&mut self, _: RelayId, _: &Client, ipv6: bool, _: bool) -> io::Result<SocketAddr> {
        if ipv6 {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        self.open += 1;
        self.next += 1;
        Ok(([203, 0, 113, 1], 50_000 + self.next).into())
    }

    fn close(&mut self, _: RelayId) {
        self.open -= 1;
    }
}

/// What a client and its peer say, one message after the other: plain ones, whose answers are never
/// much longer than they are, and signed ones with any attributes.
pub fn turn_message(data: &[u8]) {
    let mut host = Host::default();
    let own: IpAddr = [203, 0, 113, 1].into();
    let secret = Secret::new("north");
    let realm = REALM.to_owned();
    let mut server = Server::new(Config::default(), Policy::default(), realm, secret, [own]);
    let client = Client {
        local: (own, 3478).into(),
        remote: ([198, 51, 100, 7], 4_000).into(),
        stream: None,
    };
    let now = Moment {
        unix: 1_000_000,
        ..Moment::read()
    };
    let Some(nonce) = challenge(&mut server, &mut host, client, now) else {
        return;
    };
    let mut rest = data;
    while let Some((&[kind, length], after)) = rest.split_first_chunk() {
        let (message, after) = after.split_at(usize::from(length).min(after.len()));
        rest = after;
        match kind & 3 {
            0 => {
                let peer = SocketAddr::from(([192, 0, 2, 9], u16::from(kind)));
                let relay = RelayId(u64::from(kind >> 2));
                if let Some(delivery) = server.peer_sent(relay, peer, message, now) {
                    written(&delivery);
                }
            }
            1 => {
                if let Some(request) = sign(kind >> 2, message, &nonce) {
                    heed(server.client_sent(client, &request, &mut host, now), None);
                }
            }
            _ => {
                let outcome = server.client_sent(client, message, &mut host, now);
                heed(outcome, Some(message.len()));
            }
        }
        assert_eq!(server.summary().allocations, host.open);
    }
}

fn heed(outcome: Outcome, asked: Option<usize>) {
    match outcome {
        Outcome::Answer(answer) => {
            assert!(Message::from_bytes(&answer).is_ok());
            if let Some(asked) = asked {
                assert!(answer.len() <= asked + 160, "{} for {asked}", answer.len());
            }
        }
        Outcome::Relay { peer, .. } => assert!(Policy::default().allows(peer.ip())),
        Outcome::Deliver(delivery) => written(&delivery),
        Outcome::Nothing => {}
    }
}

fn written(delivery: &Delivery) {
    let mut message = Vec::new();
    delivery.write(&mut message);
    assert!(message.len() >= delivery.data.len());
}

/// The nonce that an unsigned request is answered with.
fn challenge(server: &mut Server, host: &mut Host, client: Client, now: Moment) -> Option<String> {
    let request = Message::builder_request(ALLOCATE, MessageWriteVec::new()).finish();
    let Outcome::Answer(answer) = server.client_sent(client, &request, host, now) else {
        return None;
    };
    let nonce = Message::from_bytes(&answer)
        .ok()?
        .attribute::<Nonce>()
        .ok()?;
    Some(nonce.nonce().to_owned())
}

/// A request with attributes of any kind and length, signed by a user.
fn sign(method: u8, mut attributes: &[u8], nonce: &str) -> Option<Vec<u8>> {
    let kind =
        MessageType::from_class_method(MessageClass::Request, Method::new(u16::from(method & 0xf)));
    let mut request = Message::builder(kind, 7.into(), MessageWriteVec::new());
    while let Some((&[high, low, length], after)) = attributes.split_first_chunk() {
        let (value, after) = after.split_at(usize::from(length).min(after.len()));
        attributes = after;
        let kind = u16::from_be_bytes([high, low]);
        // The signatures and the fingerprint are this function's.
        if ![0x0008, 0x001c, 0x8028].contains(&kind) {
            let attribute = RawAttribute::new(AttributeType::new(kind), value);
            request.add_attribute(&attribute).ok();
        }
    }
    let credentials = Secret::new("north").issue("somebody", 2_000_000);
    request
        .add_attribute(&Username::new(&credentials.username).ok()?)
        .ok()?;
    request.add_attribute(&Realm::new(REALM).ok()?).ok()?;
    request.add_attribute(&Nonce::new(nonce).ok()?).ok()?;
    let key =
        LongTermKeyCredentials::new(credentials.username, credentials.password, REALM.to_owned());
    request
        .add_message_integrity(&key.into(), IntegrityAlgorithm::Sha1)
        .ok()?;
    Some(request.finish())
}

/// A stream, cut anywhere: the same messages come out.
pub fn turn_stream(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else {
        return;
    };
    let read = |size: usize| {
        let mut framing = Framing::default();
        let mut messages = Vec::new();
        for part in stream.chunks(size.max(1)) {
            framing.add(part);
            loop {
                match framing.take() {
                    Ok(Some(message)) => messages.push(message.to_vec()),
                    Ok(None) => break,
                    Err(foreign) => return (messages, Some(foreign)),
                }
            }
        }
        (messages, None)
    };
    assert_eq!(read(stream.len()), read(usize::from(*cut)));
}
