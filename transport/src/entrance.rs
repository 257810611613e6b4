//! What comes from addresses that no connection has yet.
//!
//! A first STUN request costs two HMACs and a note of a few hundred bytes. It is answered from
//! the request alone, since the key is inside it; a connection, a hundred times as dear, is only
//! made when the same address goes on to DTLS. The note is forgotten after a few seconds.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    time::{Duration, Instant},
};

use str0m::ice::StunMessage;
use velox_sockets::RateLimit;

use crate::{
    config::EntranceLimits,
    crypto::hmac_sha1,
    stun::{answer_plain, is_dtls, is_stun},
    username::Credentials,
};

/// Length of what is answered at most, in bytes.
const ANSWER: usize = 128;
/// How long the stragglers of an ended connection are recognised.
const TOMBSTONE: Duration = Duration::from_secs(3);

/// The state of first contacts.
#[derive(Debug)]
pub struct Entrance {
    limits: EntranceLimits,
    contacts: RateLimit,
    plain: RateLimit,
    notes: HashMap<SocketAddr, Contact>,
    /// Oldest first. A note that was made anew stands in it again.
    order: VecDeque<(Instant, SocketAddr)>,
    tombstones: HashMap<SocketAddr, (String, Instant)>,
}

/// Somebody who has shown by STUN to know the handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// What the USERNAME said.
    pub credentials: Credentials,
    /// A STUN request of theirs, with USE-CANDIDATE if one had it.
    pub request: Vec<u8>,
    /// Bytes received from them so far.
    pub received: usize,
    /// Bytes sent to them so far.
    pub sent: usize,
    nominated: bool,
    since: Instant,
}

/// What to do about a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Ignore(Ignored),
    /// Send this back to where it came from.
    Answer(Vec<u8>),
    /// Make a connection, whose first DTLS datagram this is.
    Admit(Box<Contact>),
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It can't be read, or isn't signed, or isn't for us.
    Malformed,
    /// Its source asks too often.
    RateLimited,
    /// It belongs to a connection that has ended.
    Late,
    /// It is DTLS from somebody who didn't introduce themselves by STUN.
    Unknown,
}

impl Entrance {
    /// Nobody has come yet.
    pub fn new(limits: EntranceLimits) -> Self {
        Entrance {
            contacts: RateLimit::new(
                limits.contacts_per_second,
                limits.contacts_burst,
                limits.sources,
            ),
            plain: RateLimit::new(limits.plain_per_second, limits.plain_burst, limits.sources),
            limits,
            notes: HashMap::new(),
            order: VecDeque::new(),
            tombstones: HashMap::new(),
        }
    }

    /// A datagram from an address that no connection has.
    pub fn datagram(&mut self, source: SocketAddr, bytes: &[u8], now: Instant) -> Verdict {
        if is_stun(bytes) {
            match StunMessage::parse(bytes) {
                Ok(request) if request.is_binding_request() => {
                    self.introduce(source, bytes, &request, now)
                }
                _ => self.plain(source, bytes, now),
            }
        } else if is_dtls(bytes) {
            self.admit(source, bytes)
        } else {
            Verdict::Ignore(Ignored::Malformed)
        }
    }

    fn plain(&mut self, source: SocketAddr, bytes: &[u8], now: Instant) -> Verdict {
        let Some(answer) = answer_plain(bytes, source) else {
            return Verdict::Ignore(Ignored::Malformed);
        };
        if self.plain.allow(source.ip(), now) {
            Verdict::Answer(answer)
        } else {
            Verdict::Ignore(Ignored::RateLimited)
        }
    }

    fn introduce(
        &mut self,
        source: SocketAddr,
        bytes: &[u8],
        request: &StunMessage<'_>,
        now: Instant,
    ) -> Verdict {
        if !self.contacts.allow(source.ip(), now) {
            return Verdict::Ignore(Ignored::RateLimited);
        }
        let credentials = request.username().map(Credentials::parse);
        let Some(Ok(credentials)) = credentials else {
            return Verdict::Ignore(Ignored::Malformed);
        };
        let key = credentials.server.as_bytes();
        if !request.verify(key, hmac_sha1) || request.ice_controlled().is_some() {
            return Verdict::Ignore(Ignored::Malformed);
        }
        let late = self.tombstones.get(&source);
        if late.is_some_and(|(ufrag, until)| *until > now && *ufrag == credentials.server) {
            return Verdict::Ignore(Ignored::Late);
        }
        let mut answer = vec![0; ANSWER];
        let reply = StunMessage::binding_reply(request.trans_id(), source);
        let Ok(length) = reply.to_bytes(Some(key), &mut answer, hmac_sha1) else {
            return Verdict::Ignore(Ignored::Malformed);
        };
        answer.truncate(length);
        self.note(
            source,
            bytes,
            request.use_candidate(),
            length,
            credentials,
            now,
        );
        Verdict::Answer(answer)
    }

    fn note(
        &mut self,
        source: SocketAddr,
        bytes: &[u8],
        nominated: bool,
        answered: usize,
        credentials: Credentials,
        now: Instant,
    ) {
        if let Some(known) = self.notes.get_mut(&source)
            && known.credentials == credentials
        {
            known.received += bytes.len();
            known.sent += answered;
            if nominated || !known.nominated {
                known.request = bytes.to_vec();
                known.nominated |= nominated;
            }
            return;
        }
        // Who introduces himself anew each time leaves a place in the order behind.
        while self.notes.len() >= self.limits.half_open
            || self.order.len() >= 2 * self.limits.half_open
        {
            let Some((since, oldest)) = self.order.pop_front() else {
                break;
            };
            self.forget(since, oldest);
        }
        let contact = Contact {
            credentials,
            request: bytes.to_vec(),
            received: bytes.len(),
            sent: answered,
            nominated,
            since: now,
        };
        self.notes.insert(source, contact);
        self.order.push_back((now, source));
    }

    fn admit(&mut self, source: SocketAddr, bytes: &[u8]) -> Verdict {
        if !self.notes.contains_key(&source) {
            return Verdict::Ignore(Ignored::Unknown);
        }
        if !is_client_hello(bytes) {
            return Verdict::Ignore(Ignored::Malformed);
        }
        match self.notes.remove(&source) {
            Some(contact) => Verdict::Admit(Box::new(contact)),
            None => Verdict::Ignore(Ignored::Unknown),
        }
    }

    /// Who has introduced themselves from here.
    pub(crate) fn introduced(&self, source: SocketAddr) -> Option<&Credentials> {
        self.notes.get(&source).map(|note| &note.credentials)
    }

    /// Forgets an introduction, which turns out to be of somebody who is known by another address.
    pub(crate) fn take(&mut self, source: SocketAddr) -> Option<Contact> {
        self.notes.remove(&source)
    }

    /// A connection has ended: what is still under way from there isn't a new one.
    pub fn bury(&mut self, source: SocketAddr, server_ufrag: String, now: Instant) {
        if self.tombstones.len() < self.limits.half_open {
            self.tombstones
                .insert(source, (server_ufrag, now + TOMBSTONE));
        }
    }

    /// Forgets what is over. To be called about once a second.
    pub fn tick(&mut self, now: Instant) {
        while let Some(&(since, source)) = self.order.front() {
            if now.duration_since(since) < self.limits.contact_timeout {
                break;
            }
            self.order.pop_front();
            self.forget(since, source);
        }
        self.tombstones.retain(|_, (_, until)| *until > now);
        self.contacts.tidy(now);
        self.plain.tidy(now);
        self.notes.shrink_to(64);
        self.order.shrink_to(64);
        self.tombstones.shrink_to(64);
    }

    fn forget(&mut self, since: Instant, source: SocketAddr) {
        if self
            .notes
            .get(&source)
            .is_some_and(|note| note.since == since)
        {
            self.notes.remove(&source);
        }
    }

    /// How many have introduced themselves and not gone on yet.
    pub fn waiting(&self) -> usize {
        self.notes.len()
    }
}

/// A handshake record of epoch 0 whose message is a ClientHello.
fn is_client_hello(record: &[u8]) -> bool {
    record.len() > 25 && record[0] == 22 && record[3..5] == [0, 0] && record[13] == 1
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use str0m::ice::{StunMessageBuilder, TransId};

    use super::*;
    use crate::username::Version;

    fn source(last: u16) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), last)
    }

    fn request(username: &str, key: &str) -> Vec<u8> {
        let mut bytes = vec![0; 1500];
        let message = StunMessageBuilder::new()
            .binding()
            .request()
            .username(username)
            .prio(1)
            .ice_controlling(7)
            .use_candidate()
            .build(TransId::new());
        let length = message.to_bytes(Some(key.as_bytes()), &mut bytes, hmac_sha1);
        bytes.truncate(length.unwrap());
        bytes
    }

    /// A request that no library would make.
    fn raw_request(username: &str) -> Vec<u8> {
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([5; 12]);
        bytes.extend([0, 6]);
        bytes.extend((username.len() as u16).to_be_bytes());
        bytes.extend(username.bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend([0, 0x24, 0, 4, 0, 0, 0, 1]);
        let length = bytes.len() as u16 - 20 + 24;
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let key = username.split(':').next().unwrap();
        let integrity = hmac_sha1(key.as_bytes(), &[&bytes]);
        bytes.extend([0, 8, 0, 20]);
        bytes.extend(integrity);
        bytes
    }

    fn introduction(credentials: &Credentials) -> Vec<u8> {
        let username = format!("{}:{}", credentials.server, credentials.client);
        request(&username, &credentials.server)
    }

    fn client_hello() -> Vec<u8> {
        let mut record = vec![0; 60];
        record[0] = 22;
        record[13] = 1;
        record
    }

    #[test]
    fn who_introduces_themselves_and_goes_on_is_admitted() {
        let mut entrance = Entrance::new(EntranceLimits::default());
        let now = Instant::now();
        for version in [Version::V1, Version::V2] {
            let credentials = Credentials::dial(version);
            let hello = introduction(&credentials);
            let Verdict::Answer(answer) = entrance.datagram(source(1), &hello, now) else {
                panic!("not answered");
            };
            assert!(
                answer.len() <= hello.len(),
                "{} for {}",
                answer.len(),
                hello.len()
            );
            let read = StunMessage::parse(&answer).unwrap();
            assert!(read.verify(credentials.server.as_bytes(), hmac_sha1));
            assert_eq!(read.mapped_address(), Some(source(1)));
            match entrance.datagram(source(1), &client_hello(), now) {
                Verdict::Admit(contact) => {
                    assert_eq!(contact.credentials, credentials);
                    assert_eq!(contact.request, hello);
                }
                other => panic!("{other:?}"),
            }
            assert_eq!(entrance.waiting(), 0);
        }
    }

    #[test]
    fn who_does_not_know_the_key_leaves_no_trace() {
        let mut entrance = Entrance::new(EntranceLimits::default());
        let now = Instant::now();
        let sound = raw_request("libp2p+webrtc+v1/abcd:libp2p+webrtc+v1/abcd");
        let verdict = Entrance::new(EntranceLimits::default()).datagram(source(1), &sound, now);
        assert!(matches!(verdict, Verdict::Answer(_)), "the form is right");
        let credentials = Credentials::dial(Version::V2);
        let username = format!("{}:{}", credentials.server, credentials.client);
        let unknown = "libp2p+webrtc+v9/abcdefghijklmnopqrstuvwxyz";
        let injected = "libp2p+webrtc+v1/ab\r\nab:abcd";
        let long = format!("libp2p+webrtc+v1/{}:abcd", "a".repeat(300));
        for bytes in [
            request(&username, "another key"),
            request(&format!("{unknown}:abcd"), unknown),
            raw_request(injected),
            raw_request(&long),
            client_hello(),
            vec![200; 100],
            vec![],
        ] {
            assert!(matches!(
                entrance.datagram(source(1), &bytes, now),
                Verdict::Ignore(_)
            ));
        }
        assert_eq!(entrance.waiting(), 0);
    }

    #[test]
    fn a_truncated_request_is_ignored() {
        let mut entrance = Entrance::new(EntranceLimits {
            contacts_per_second: 1_000_000,
            ..EntranceLimits::default()
        });
        let hello = introduction(&Credentials::dial(Version::V2));
        for length in 0..hello.len() {
            let verdict = entrance.datagram(source(1), &hello[..length], Instant::now());
            assert!(matches!(verdict, Verdict::Ignore(_)), "at {length}");
        }
    }

    #[test]
    fn a_flood_is_bounded_by_source_and_in_all() {
        let limits = EntranceLimits {
            half_open: 10,
            contacts_per_second: 20,
            contacts_burst: 100,
            ..EntranceLimits::default()
        };
        let mut entrance = Entrance::new(limits.clone());
        let now = Instant::now();
        let mut answered = 0;
        for port in 1..=500 {
            let hello = introduction(&Credentials::dial(Version::V2));
            let verdict = entrance.datagram(source(port), &hello, now);
            answered += usize::from(matches!(verdict, Verdict::Answer(_)));
        }
        assert_eq!(answered, 100);
        assert_eq!(entrance.waiting(), 10);
        entrance.tick(now + limits.contact_timeout);
        assert_eq!(entrance.waiting(), 0);
        assert!(entrance.order.is_empty() && entrance.contacts.sources() <= 1);
    }

    #[test]
    fn one_source_that_introduces_itself_anew_each_time_is_bounded_too() {
        let mut entrance = Entrance::new(EntranceLimits {
            half_open: 10,
            contacts_burst: 500,
            ..EntranceLimits::default()
        });
        let now = Instant::now();
        for _ in 0..500 {
            let hello = introduction(&Credentials::dial(Version::V2));
            entrance.datagram(source(1), &hello, now);
        }
        assert_eq!(entrance.waiting(), 1);
        assert!(entrance.order.len() <= 20, "{}", entrance.order.len());
    }

    #[test]
    fn stragglers_of_an_ended_connection_do_not_begin_another() {
        let mut entrance = Entrance::new(EntranceLimits::default());
        let now = Instant::now();
        let credentials = Credentials::dial(Version::V2);
        entrance.bury(source(1), credentials.server.clone(), now);
        let hello = introduction(&credentials);
        assert_eq!(
            entrance.datagram(source(1), &hello, now),
            Verdict::Ignore(Ignored::Late)
        );
        let another = introduction(&Credentials::dial(Version::V2));
        let verdict = entrance.datagram(source(1), &another, now);
        assert!(matches!(verdict, Verdict::Answer(_)));
    }

    #[test]
    fn plain_binding_requests_are_answered_and_limited() {
        let limits = EntranceLimits::default();
        let burst = limits.plain_burst as usize;
        let mut entrance = Entrance::new(limits);
        let now = Instant::now();
        let mut bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([5; 12]);
        let answered = (0..1_000)
            .filter(|_| {
                matches!(
                    entrance.datagram(source(1), &bytes, now),
                    Verdict::Answer(_)
                )
            })
            .count();
        assert_eq!(answered, burst);
        assert_eq!(entrance.waiting(), 0);
    }
}
