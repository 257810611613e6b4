//! The rules, with clients that write their own messages and a host that has ports without end.

use std::time::Duration;

use turn_types::{
    AddressFamily,
    attribute::{
        ChannelNumber, EvenPort, Lifetime, RequestedAddressFamily, RequestedTransport,
        XorRelayedAddress,
    },
    message::{ALLOCATE, CHANNEL_BIND, CREATE_PERMISSION, DATA, REFRESH},
    stun::{
        attribute::{AttributeWrite, ErrorCode, Nonce, Realm, Username, XorMappedAddress},
        message::{
            BINDING, IntegrityAlgorithm, LongTermKeyCredentials, MessageWrite, MessageWriteExt,
            MessageWriteVec, Method, TransactionId,
        },
    },
};

use super::*;

const HOST: &str = "203.0.113.1";

/// A host that opens whatever it is asked for.
#[derive(Default)]
struct Host {
    open: Vec<RelayId>,
    next: u16,
    full: bool,
}

impl Relays for Host {
    fn open(&mut self, id: RelayId, _: &Client, ipv6: bool, even: bool) -> io::Result<SocketAddr> {
        if ipv6 {
            return Err(io::ErrorKind::AddrNotAvailable.into());
        }
        if self.full {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.open.push(id);
        self.next += if even { 2 } else { 1 };
        Ok(SocketAddr::new(HOST.parse().unwrap(), 50_000 + self.next))
    }

    fn close(&mut self, id: RelayId) {
        self.open.retain(|other| *other != id);
    }
}

struct Rig {
    server: Server,
    host: Host,
    now: Moment,
}

/// A client with its credentials.
#[derive(Clone)]
struct User {
    client: Client,
    username: String,
    password: String,
    nonce: String,
}

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

impl Rig {
    fn new(config: Config) -> Self {
        let secret = Secret::new("north");
        let hosts = [HOST.parse().unwrap(), "10.0.0.1".parse().unwrap()];
        Rig {
            server: Server::new(
                config,
                Policy::default(),
                "example.org".into(),
                secret,
                hosts,
            ),
            host: Host::default(),
            now: Moment {
                instant: Instant::now(),
                unix: 1_000_000,
            },
        }
    }

    fn user(&mut self, name: &str, remote: &str) -> User {
        let credentials = Secret::new("north").issue(name, self.now.unix + 600);
        let client = Client {
            local: SocketAddr::new(HOST.parse().unwrap(), 3478),
            remote: address(remote),
            stream: None,
        };
        let mut user = User {
            client,
            username: credentials.username,
            password: credentials.password,
            nonce: String::new(),
        };
        user.nonce = self.challenge(&user);
        user
    }

    /// The nonce that an unsigned request is answered with.
    fn challenge(&mut self, user: &User) -> String {
        let request = Message::builder_request(ALLOCATE, MessageWriteVec::new()).finish();
        let answer = self.say(user.client, &request).unwrap();
        let answer = Message::from_bytes(&answer).unwrap();
        assert_eq!(answer.attribute::<ErrorCode>().unwrap().code(), 401);
        assert_eq!(answer.attribute::<Realm>().unwrap().realm(), "example.org");
        answer.attribute::<Nonce>().unwrap().nonce().to_owned()
    }

    fn say(&mut self, client: Client, message: &[u8]) -> Option<Vec<u8>> {
        match self
            .server
            .client_sent(client, message, &mut self.host, self.now)
        {
            Outcome::Answer(answer) => Some(answer),
            Outcome::Nothing => None,
            other => panic!("{other:?}"),
        }
    }

    /// A signed request's answer: its error, or 0.
    fn ask(&mut self, user: &User, method: Method, attributes: &[&dyn AttributeWrite]) -> u16 {
        let answer = self.answer(user, method, attributes);
        code(&answer)
    }

    fn answer(
        &mut self,
        user: &User,
        method: Method,
        attributes: &[&dyn AttributeWrite],
    ) -> Vec<u8> {
        let request = user.request(method, TransactionId::generate(), attributes);
        self.say(user.client, &request).unwrap()
    }

    fn allocate(&mut self, user: &User) -> SocketAddr {
        let answer = self.answer(user, ALLOCATE, &[&udp()]);
        relayed(&answer).unwrap()
    }

    fn permit(&mut self, user: &User, peer: &str) -> u16 {
        let transaction = TransactionId::generate();
        let peer = XorPeerAddress::new(address(peer), transaction);
        let request = user.request(CREATE_PERMISSION, transaction, &[&peer]);
        code(&self.say(user.client, &request).unwrap())
    }

    fn bind(&mut self, user: &User, channel: u16, peer: &str) -> u16 {
        let transaction = TransactionId::generate();
        let peer = XorPeerAddress::new(address(peer), transaction);
        let channel = ChannelNumber::new(channel);
        let request = user.request(CHANNEL_BIND, transaction, &[&channel, &peer]);
        code(&self.say(user.client, &request).unwrap())
    }

    fn after(&mut self, seconds: u64) {
        self.now.instant += Duration::from_secs(seconds);
        self.now.unix += seconds;
        self.server.expire(&mut self.host, self.now);
    }

    /// What a client's message to a peer leads to.
    fn send<'a>(&mut self, user: &User, message: &'a [u8]) -> Outcome<'a> {
        self.server
            .client_sent(user.client, message, &mut self.host, self.now)
    }
}

impl User {
    fn request(
        &self,
        method: Method,
        transaction: TransactionId,
        attributes: &[&dyn AttributeWrite],
    ) -> Vec<u8> {
        use turn_types::stun::message::MessageType;
        let kind = MessageType::from_class_method(MessageClass::Request, method);
        let mut request = Message::builder(kind, transaction, MessageWriteVec::new());
        for attribute in attributes {
            request.add_attribute(*attribute).unwrap();
        }
        request
            .add_attribute(&Username::new(&self.username).unwrap())
            .unwrap();
        request
            .add_attribute(&Realm::new("example.org").unwrap())
            .unwrap();
        request
            .add_attribute(&Nonce::new(&self.nonce).unwrap())
            .unwrap();
        let credentials = LongTermKeyCredentials::new(
            self.username.clone(),
            self.password.clone(),
            "example.org".to_owned(),
        );
        request
            .add_message_integrity(&credentials.into(), IntegrityAlgorithm::Sha1)
            .unwrap();
        request.finish()
    }
}

fn udp() -> RequestedTransport {
    RequestedTransport::new(RequestedTransport::UDP)
}

fn code(answer: &[u8]) -> u16 {
    let answer = Message::from_bytes(answer).unwrap();
    let error = answer.attribute::<ErrorCode>();
    error.map_or(0, |error| error.code())
}

fn relayed(answer: &[u8]) -> Option<SocketAddr> {
    let answer = Message::from_bytes(answer).unwrap();
    let relayed = answer.attribute::<XorRelayedAddress>().ok()?;
    Some(relayed.addr(answer.transaction_id()))
}

fn channel_data(number: u16, data: &[u8]) -> Vec<u8> {
    let mut message = vec![0; data.len() + 4];
    ChannelData::new(number, data).write_into_unchecked(&mut message);
    message
}

fn indication(peer: &str, data: &[u8]) -> Vec<u8> {
    let mut message = Message::builder_indication(SEND, MessageWriteVec::new());
    let peer = XorPeerAddress::new(address(peer), message.transaction_id());
    message.add_attribute(&peer).unwrap();
    message.add_attribute(&Data::new(data)).unwrap();
    message.finish()
}

#[test]
fn a_client_is_told_its_address() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    let answer = rig.say(user.client, &request).unwrap();
    let answer = Message::from_bytes(&answer).unwrap();
    let mapped = answer.attribute::<XorMappedAddress>().unwrap();
    assert_eq!(mapped.addr(answer.transaction_id()), user.client.remote);
}

#[test]
fn data_goes_both_ways_with_permission_by_channel_and_without() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    let relayed = rig.allocate(&user);
    assert_eq!(relayed, address("203.0.113.1:50001"));
    let (peer, relay) = (address("192.0.2.9:700"), RelayId(0));
    let message = indication("192.0.2.9:700", b"hello");
    assert_eq!(rig.send(&user, &message), Outcome::Nothing, "no permission");
    let now = rig.now;
    assert_eq!(rig.server.peer_sent(relay, peer, b"hi", now), None);

    assert_eq!(rig.permit(&user, "192.0.2.9:1"), 0);
    let relay_out = |data| Outcome::Relay { relay, peer, data };
    assert_eq!(rig.send(&user, &message), relay_out(b"hello"));
    let delivery = rig.server.peer_sent(relay, peer, b"hi", now).unwrap();
    assert_eq!((delivery.client, delivery.channel), (user.client, None));
    let mut written = Vec::new();
    delivery.write(&mut written);
    let data = Message::from_bytes(&written).unwrap();
    assert!(data.has_method(DATA));
    assert_eq!(data.attribute::<Data>().unwrap().data(), b"hi");

    assert_eq!(rig.bind(&user, 0x4000, "192.0.2.9:700"), 0);
    let message = channel_data(0x4000, b"again");
    assert_eq!(rig.send(&user, &message), relay_out(b"again"));
    let delivery = rig.server.peer_sent(relay, peer, b"yes", now).unwrap();
    delivery.write(&mut written);
    assert_eq!(written, channel_data(0x4000, b"yes"));
    assert_eq!(rig.server.summary().relayed_bytes, 5 + 2 + 5 + 3);

    rig.after(300);
    assert_eq!(rig.send(&user, &message), Outcome::Nothing, "it has ended");
}

#[test]
fn an_allocation_lasts_as_long_as_it_is_refreshed() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    rig.allocate(&user);
    rig.after(599);
    assert_eq!(rig.ask(&user, REFRESH, &[]), 0);
    rig.after(599);
    assert_eq!(rig.host.open.len(), 1, "though the name's end is past");
    rig.after(1);
    assert_eq!(rig.host.open.len(), 0);
    assert_eq!(rig.ask(&user, REFRESH, &[]), 437);
    let user = rig.user("alice", "198.51.100.7:4000");
    rig.allocate(&user);
    assert_eq!(rig.ask(&user, REFRESH, &[&Lifetime::new(0)]), 0);
    assert_eq!(rig.host.open.len(), 0);
    rig.allocate(&user);
    rig.server.gone(&user.client, &mut rig.host);
    assert_eq!(rig.host.open.len(), 0);
    assert_eq!(rig.server.summary().users, 0);
}

#[test]
fn a_request_that_comes_again_is_answered_as_before() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    let request = user.request(ALLOCATE, 7.into(), &[&udp()]);
    let first = relayed(&rig.say(user.client, &request).unwrap());
    let again = relayed(&rig.say(user.client, &request).unwrap());
    assert!(first.is_some() && first == again);
    assert_eq!(rig.ask(&user, ALLOCATE, &[&udp()]), 437);
}

#[test]
fn credentials_that_are_wrong_over_or_another_s() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    let wrong = User {
        password: "south".to_owned(),
        ..user.clone()
    };
    assert_eq!(rig.ask(&wrong, ALLOCATE, &[&udp()]), 401);
    let longer = User {
        username: format!("{}:alice", rig.now.unix + 99_999),
        ..user.clone()
    };
    assert_eq!(
        rig.ask(&longer, ALLOCATE, &[&udp()]),
        401,
        "its end is signed"
    );
    let old = Secret::new("north").issue("alice", rig.now.unix - 1);
    let old = User {
        username: old.username,
        password: old.password,
        ..user.clone()
    };
    assert_eq!(rig.ask(&old, ALLOCATE, &[&udp()]), 401);
    let elsewhere = User {
        nonce: rig.user("alice", "198.51.100.8:1").nonce,
        ..user.clone()
    };
    assert_eq!(rig.ask(&elsewhere, ALLOCATE, &[&udp()]), 438);
    rig.allocate(&user);
    let mallory = rig.user("mallory", "198.51.100.7:4000");
    assert_eq!(rig.ask(&mallory, REFRESH, &[&Lifetime::new(0)]), 441);
    assert_eq!(rig.host.open.len(), 1);
}

#[test]
fn no_way_into_the_operator_s_network_nor_to_its_services() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    rig.allocate(&user);
    for peer in [
        "127.0.0.1:53",
        "10.0.0.1:22",
        "169.254.169.254:80",
        "0.0.0.0:1",
    ] {
        assert_eq!(rig.permit(&user, peer), 403, "{peer}");
        assert_eq!(rig.bind(&user, 0x4000, peer), 403, "{peer}");
    }
    assert_eq!(rig.permit(&user, "[2600::1]:1"), 443);
    assert_eq!(rig.permit(&user, "203.0.113.1:1"), 0, "for other clients");
    let message = indication("203.0.113.1:3478", b"to the server itself");
    assert_eq!(rig.send(&user, &message), Outcome::Nothing);
}

#[test]
fn two_clients_of_one_server_reach_each_other() {
    let mut rig = Rig::new(Config::default());
    let alice = rig.user("alice", "198.51.100.7:4000");
    let bob = rig.user("bob", "198.51.100.8:4000");
    let (of_alice, of_bob) = (rig.allocate(&alice), rig.allocate(&bob));
    assert_eq!(rig.permit(&alice, &of_bob.to_string()), 0);
    let message = indication(&of_bob.to_string(), b"hello");
    assert_eq!(
        rig.send(&alice, &message),
        Outcome::Nothing,
        "not permitted"
    );
    assert_eq!(rig.bind(&bob, 0x4001, &of_alice.to_string()), 0);
    let Outcome::Deliver(delivery) = rig.send(&alice, &message) else {
        panic!("not delivered");
    };
    assert_eq!(delivery.client, bob.client);
    assert_eq!(delivery.channel, Some(0x4001));
    assert_eq!(delivery.peer, of_alice);
}

#[test]
fn quotas_are_each_user_s_and_all_s() {
    let mut rig = Rig::new(Config {
        max_allocations: 3,
        max_per_user: 2,
        ..Config::default()
    });
    let users: Vec<_> = (0..3)
        .map(|n| rig.user("alice", &format!("198.51.100.7:{}", 4000 + n)))
        .collect();
    rig.allocate(&users[0]);
    rig.allocate(&users[1]);
    assert_eq!(rig.ask(&users[2], ALLOCATE, &[&udp()]), 486);
    let bob = rig.user("bob", "198.51.100.8:1");
    rig.host.full = true;
    assert_eq!(rig.ask(&bob, ALLOCATE, &[&udp()]), 508);
    rig.host.full = false;
    rig.allocate(&bob);
    let carol = rig.user("carol", "198.51.100.9:1");
    assert_eq!(rig.ask(&carol, ALLOCATE, &[&udp()]), 508);
    assert!(!rig.server.lends(rig.now));
}

#[test]
fn an_address_has_a_quota_whoever_is_behind_it() {
    let mut rig = Rig::new(Config {
        max_per_address: 2,
        ..Config::default()
    });
    let alice = rig.user("alice", "198.51.100.7:4000");
    let bob = rig.user("bob", "198.51.100.7:4001");
    let carol = rig.user("carol", "198.51.100.7:4002");
    rig.allocate(&alice);
    rig.allocate(&bob);
    assert_eq!(rig.ask(&carol, ALLOCATE, &[&udp()]), 486);
    assert_eq!(rig.ask(&alice, REFRESH, &[&Lifetime::new(0)]), 0);
    rig.allocate(&carol);
    let elsewhere = rig.user("dave", "198.51.100.8:1");
    rig.allocate(&elsewhere);
}

#[test]
fn bytes_have_a_pace_and_a_day() {
    let mut rig = Rig::new(Config {
        per_user: crate::Budget {
            bytes_per_second: 1_000,
            burst: 1_000,
        },
        bytes_per_day: 1_500,
        ..Config::default()
    });
    let user = rig.user("alice", "198.51.100.7:4000");
    rig.allocate(&user);
    rig.permit(&user, "192.0.2.9:700");
    let message = indication("192.0.2.9:700", &[0; 900]);
    assert!(matches!(rig.send(&user, &message), Outcome::Relay { .. }));
    assert_eq!(rig.send(&user, &message), Outcome::Nothing);
    assert_eq!(rig.server.summary().dropped_bytes, 900);
    rig.after(1);
    assert!(matches!(rig.send(&user, &message), Outcome::Relay { .. }));
    assert!(!rig.server.lends(rig.now), "the day's are used up");
    assert_eq!(rig.ask(&user, REFRESH, &[]), 508, "nor does this one go on");
    let bob = rig.user("bob", "198.51.100.8:1");
    assert_eq!(rig.ask(&bob, ALLOCATE, &[&udp()]), 508);
    rig.after(86_400);
    let bob = rig.user("bob", "198.51.100.8:1");
    rig.allocate(&bob);
}

#[test]
fn who_may_be_forged_is_answered_seldom() {
    let mut rig = Rig::new(Config {
        strangers_per_second: 1,
        strangers_burst: 5,
        ..Config::default()
    });
    let client = Client {
        local: SocketAddr::new(HOST.parse().unwrap(), 3478),
        remote: address("198.51.100.7:4000"),
        stream: None,
    };
    let binding = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
    let allocate = Message::builder_request(ALLOCATE, MessageWriteVec::new()).finish();
    let answered = (0..50).filter(|n| {
        let request = if n % 2 == 0 { &binding } else { &allocate };
        rig.say(client, request).is_some()
    });
    assert_eq!(answered.count(), 5);
    let by_stream = Client {
        stream: Some(1),
        ..client
    };
    assert!(
        rig.say(by_stream, &binding).is_some(),
        "nobody is forged by TCP"
    );
}

#[test]
fn what_is_not_understood_is_named() {
    let mut rig = Rig::new(Config::default());
    let user = rig.user("alice", "198.51.100.7:4000");
    let tcp = RequestedTransport::new(RequestedTransport::TCP);
    assert_eq!(rig.ask(&user, ALLOCATE, &[&tcp]), 442);
    assert_eq!(rig.ask(&user, ALLOCATE, &[]), 400);
    assert_eq!(
        rig.ask(&user, ALLOCATE, &[&udp(), &EvenPort::new(true)]),
        508
    );
    let fragment = turn_types::attribute::DontFragment::new();
    assert_eq!(rig.ask(&user, ALLOCATE, &[&udp(), &fragment]), 420);
    let ipv6 = RequestedAddressFamily::new(AddressFamily::IPV6);
    assert_eq!(rig.ask(&user, ALLOCATE, &[&udp(), &ipv6]), 440);
    assert_eq!(rig.host.open.len(), 0);
    let even = rig.answer(&user, ALLOCATE, &[&udp(), &EvenPort::new(false)]);
    assert_eq!(relayed(&even).unwrap().port() % 2, 0);
    assert_eq!(rig.ask(&user, CREATE_PERMISSION, &[]), 400);
    assert_eq!(rig.bind(&user, 0x3fff, "192.0.2.9:700"), 400);
}

proptest::proptest! {
    #[test]
    fn no_message_panics(bytes: Vec<u8>, first in 0u8..0x80) {
        let mut rig = Rig::new(Config::default());
        let user = rig.user("alice", "198.51.100.7:4000");
        rig.allocate(&user);
        rig.send(&user, &bytes);
        let message = [&[first], &bytes[..]].concat();
        rig.send(&user, &message);
        let now = rig.now;
        rig.server.peer_sent(RelayId(0), address("192.0.2.9:700"), &bytes, now);
    }

    #[test]
    fn no_changed_request_panics_or_passes(at in 0usize..200, bit in 0u8..8) {
        let mut rig = Rig::new(Config::default());
        let user = rig.user("alice", "198.51.100.7:4000");
        let mut request = user.request(ALLOCATE, 7.into(), &[&udp()]);
        // Behind the type and length, which say what it is, everything is signed.
        let at = 4 + at % (request.len() - 4);
        request[at] ^= 1 << bit;
        rig.send(&user, &request);
        proptest::prop_assert_eq!(rig.host.open.len(), 0);
    }
}
