//! When to ask who is here, when to answer, and whom to believe.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use libp2p::{Multiaddr, PeerId};
use web_time::Instant;

use super::message::{Announcement, Heard, answer, question, read};
use crate::{
    clock::Now,
    node::{
        Budget, Rate,
        addresses::{self, Reach, is_for_browsers},
    },
};

/// After the start: the first question, and two more in case it was lost.
const FIRST: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(1),
    Duration::from_secs(4),
];
/// Between questions after that.
const AGAIN: Duration = Duration::from_secs(60);
/// Between two answers: everybody hears each.
const PACE: Duration = Duration::from_secs(1);
/// Nodes that are believed: a flood of answers becomes a trickle of dials.
const BELIEVED: Rate = Rate {
    per_second: 2,
    burst: 32,
};

/// A node of the same network, in the same local network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::node) struct Found {
    pub node: PeerId,
    pub addresses: Vec<Multiaddr>,
}

/// The rules: what is heard and the present time in, messages to everybody out.
#[derive(Debug)]
pub(super) struct Beacon {
    own: Announcement,
    questions: usize,
    ask: Instant,
    /// When to answer, if somebody has asked.
    answer: Option<Instant>,
    answered: Option<Instant>,
    believed: Budget,
}

impl Beacon {
    pub fn new(network: String, node: PeerId, now: Now) -> Self {
        Beacon {
            own: Announcement {
                network,
                node,
                addresses: Vec::new(),
            },
            questions: 0,
            ask: now.instant,
            answer: None,
            answered: None,
            believed: Budget::new(BELIEVED, now),
        }
    }

    /// The addresses that the node listens on: those of private networks are told, now.
    pub fn listens(&mut self, all: &[Multiaddr], now: Now) {
        let told = all
            .iter()
            .filter(|address| addresses::reach_of(address) > Reach::Loopback)
            .filter(|address| !is_for_browsers(address))
            .cloned()
            .collect();
        if self.own.addresses != told {
            self.own.addresses = told;
            self.answer = Some(now.instant);
        }
    }

    /// The host is in another network: everything from the start.
    pub fn moved(&mut self, now: Now) {
        self.questions = 0;
        self.ask = now.instant;
        self.answer = Some(now.instant);
    }

    /// Takes what somebody sent. A node is believed about addresses that it sends from, and no
    /// others: else one liar could have everybody dial a third.
    pub fn heard(&mut self, from: SocketAddr, bytes: &[u8], now: Now) -> Vec<Found> {
        match read(bytes) {
            Some(Heard::Question) => {
                let pace = self.answered.map_or(now.instant, |at| at + PACE);
                // Many are asked at once: they don't answer all at once.
                let jitter = Duration::from_millis(rand::random_range(20..120));
                self.answer.get_or_insert(pace.max(now.instant) + jitter);
                Vec::new()
            }
            Some(Heard::Answers(answers)) => answers
                .into_iter()
                .filter(|said| said.network == self.own.network && said.node != self.own.node)
                .filter_map(|said| believe(said, from.ip()))
                .filter(|_| self.believed.take(1, now))
                .collect(),
            None => Vec::new(),
        }
    }

    /// When something is to be said.
    pub fn deadline(&self) -> Instant {
        self.answer.map_or(self.ask, |at| at.min(self.ask))
    }

    /// What is to be said to everybody now.
    pub fn say(&mut self, now: Now) -> Option<Vec<u8>> {
        if self.answer.is_some_and(|at| at <= now.instant) {
            self.answer = None;
            self.answered = Some(now.instant);
            if let Some(answer) = answer(&self.own) {
                return Some(answer);
            }
        }
        if self.ask > now.instant {
            return None;
        }
        self.questions += 1;
        let wait = match FIRST.get(self.questions) {
            Some(next) => *next - FIRST[self.questions - 1],
            None => AGAIN.mul_f64(rand::random_range(0.8..1.2)),
        };
        self.ask = now.instant + wait;
        Some(question())
    }
}

fn believe(said: Announcement, from: IpAddr) -> Option<Found> {
    let addresses: Vec<_> = said
        .addresses
        .into_iter()
        .filter(|address| addresses::ip(address) == Some(from) && !is_for_browsers(address))
        .collect();
    (!addresses.is_empty()).then_some(Found {
        node: said.node,
        addresses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str = "example.org";

    fn beacon(now: Now) -> Beacon {
        Beacon::new(NETWORK.to_owned(), PeerId::random(), now)
    }

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    /// All that is said until then, and how often.
    fn said(beacon: &mut Beacon, from: Now, until: Now) -> Vec<Vec<u8>> {
        let mut said = Vec::new();
        let mut now = from;
        while beacon.deadline() <= until.instant {
            now = from.after(beacon.deadline().saturating_duration_since(from.instant));
            said.extend(beacon.say(now));
        }
        assert!(now.instant <= until.instant);
        said
    }

    fn said_by(network: &str, addresses: &[&str]) -> Vec<u8> {
        let announcement = Announcement {
            network: network.to_owned(),
            node: PeerId::random(),
            addresses: addresses.iter().map(|text| address(text)).collect(),
        };
        answer(&announcement).unwrap()
    }

    #[test]
    fn two_find_each_other() {
        let now = Now::read();
        let (mut a, mut b) = (beacon(now), beacon(now));
        b.listens(
            &[
                address("/ip4/127.0.0.1/tcp/1"),
                address("/ip4/10.0.0.2/tcp/1"),
            ],
            now,
        );
        said(&mut b, now, now);
        let from = "10.0.0.1:5353".parse().unwrap();
        let later = now.after(Duration::from_secs(2));
        for question in said(&mut a, now, now) {
            assert_eq!(b.heard(from, &question, later), []);
        }
        let answers = said(&mut b, later, later.after(Duration::from_millis(200)));
        let from = "10.0.0.2:5353".parse().unwrap();
        let found: Vec<_> = answers
            .iter()
            .flat_map(|answer| a.heard(from, answer, later))
            .collect();
        let b = Found {
            node: b.own.node,
            addresses: vec![address("/ip4/10.0.0.2/tcp/1")],
        };
        assert!(found.contains(&b), "{found:?}");
    }

    #[test]
    fn questions_are_few_and_answers_are_paced() {
        let now = Now::read();
        let mut beacon = beacon(now);
        assert_eq!(
            said(&mut beacon, now, now.after(Duration::from_secs(10))).len(),
            3
        );
        beacon.listens(&[address("/ip4/10.0.0.2/tcp/1")], now);
        let (mut answers, mut at) = (0, now.after(Duration::from_secs(10)));
        let from = "10.0.0.1:5353".parse().unwrap();
        for _ in 0..100 {
            let next = at.after(Duration::from_millis(100));
            beacon.heard(from, &question(), at);
            let answered = |bytes: &Vec<u8>| matches!(read(bytes), Some(Heard::Answers(_)));
            answers += said(&mut beacon, at, next)
                .iter()
                .filter(|bytes| answered(bytes))
                .count();
            at = next;
        }
        assert!((8..=11).contains(&answers), "{answers} in 10 s");
    }

    #[test]
    fn nobody_is_believed_about_others_and_a_flood_is_a_trickle() {
        let now = Now::read();
        let mut beacon = beacon(now);
        let from = "10.0.0.2:5353".parse().unwrap();
        for (network, addresses) in [
            ("example.com", &["/ip4/10.0.0.2/tcp/1"][..]),
            (NETWORK, &["/ip4/10.0.0.3/tcp/1"]),
            (NETWORK, &["/ip4/20.0.0.1/tcp/1"]),
            (NETWORK, &["/dns4/example.org/tcp/1"]),
        ] {
            let bytes = said_by(network, addresses);
            assert_eq!(beacon.heard(from, &bytes, now), [], "{addresses:?}");
        }
        let found: usize = (0..500)
            .map(|_| {
                let bytes = said_by(NETWORK, &["/ip4/10.0.0.2/tcp/1"]);
                beacon.heard(from, &bytes, now).len()
            })
            .sum();
        assert_eq!(found, 32);
    }
}
