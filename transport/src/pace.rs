//! How much is under way at once, and how fast: as much as a browser's socket holds, and what it
//! has surely read meanwhile. SCTP sends all that its congestion window allows in one burst, and
//! finds out what the other end can't take only by losing it, a round trip for each datagram.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    time::{Duration, Instant},
};

use crate::config::Config;

/// Channels that are counted anew at a time: to ask str0m for one takes as long as there are
/// channels.
const COUNTED: usize = 16;
/// When the next of them are, if the peer says nothing meanwhile.
const RECOUNT: Duration = Duration::from_millis(10);
/// Of a round trip, what a busy peer takes rather than the path.
const PEERS_SHARE: Duration = Duration::from_millis(5);
/// Bytes that follow a burst at once.
const STEP: usize = 16 * 1024;
/// Timers are no finer.
const TICK: Duration = Duration::from_millis(1);
/// Datagrams that are shorter acknowledge, and never wait. No data overtakes data: SCTP would take
/// what comes late for lost.
const BULK: usize = 120;

/// What of one connection is under way, and what waits to be. Its channels are called by `Id`.
#[derive(Debug)]
pub(crate) struct Pace<Id> {
    /// Bytes that may still wait in the peer's socket.
    unread: usize,
    reckoned: Instant,
    /// Bytes that SCTP has taken and the peer hasn't acknowledged, and of which channels.
    unacknowledged: usize,
    channels: VecDeque<(Id, usize)>,
    counted: Instant,
    /// More is to be sent than there is room for.
    is_full: bool,
    /// The shortest round trip that was seen.
    rtt: Option<Duration>,
    queue: VecDeque<(SocketAddr, Vec<u8>)>,
}

impl<Id: Copy + PartialEq> Pace<Id> {
    pub(crate) fn new(now: Instant) -> Self {
        Pace {
            unread: 0,
            reckoned: now,
            unacknowledged: 0,
            channels: VecDeque::new(),
            counted: now,
            is_full: false,
            rtt: None,
            queue: VecDeque::new(),
        }
    }

    /// Something was answered after so long.
    pub(crate) fn answered_after(&mut self, rtt: Duration) {
        self.rtt = Some(self.rtt.map_or(rtt, |least| least.min(rtt)));
    }

    /// Reckons anew what is unacknowledged, of those channels whose turn it is.
    pub(crate) fn recount(&mut self, mut amount: impl FnMut(Id) -> usize, now: Instant) {
        self.counted = now;
        for _ in 0..self.channels.len().min(COUNTED) {
            let Some((channel, before)) = self.channels.pop_front() else {
                return;
            };
            let left = amount(channel);
            self.unacknowledged = self.unacknowledged - before + left;
            if left > 0 {
                self.channels.push_back((channel, left));
            }
        }
    }

    /// Bytes that SCTP has taken and the peer hasn't acknowledged.
    pub(crate) fn unacknowledged(&self) -> usize {
        self.unacknowledged
    }

    /// SCTP has taken so many bytes more.
    pub(crate) fn taken(&mut self, channel: Id, bytes: usize) {
        self.unacknowledged += bytes;
        match self.channels.iter_mut().find(|(of, _)| *of == channel) {
            Some((_, amount)) => *amount += bytes,
            None => self.channels.push_back((channel, bytes)),
        }
    }

    /// Whether SCTP may take more.
    pub(crate) fn has_room(&mut self, config: &Config) -> bool {
        let on_the_way = self.rtt.unwrap_or_default().saturating_sub(PEERS_SHARE);
        let window = config.send_burst + in_time(config.send_rate, on_the_way);
        self.is_full = self.unacknowledged >= window.min(config.send_window);
        !self.is_full
    }

    /// A datagram is to go: it is given back if it may go now.
    pub(crate) fn pass<'a>(
        &mut self,
        to: SocketAddr,
        datagram: &'a [u8],
        config: &Config,
        now: Instant,
    ) -> Option<&'a [u8]> {
        if datagram.len() < BULK {
            return Some(datagram);
        }
        if self.queue.is_empty() && self.allows(config, now) {
            self.unread += datagram.len();
            return Some(datagram);
        }
        self.queue.push_back((to, datagram.to_vec()));
        None
    }

    /// A datagram that has waited and may go now.
    pub(crate) fn next(&mut self, config: &Config, now: Instant) -> Option<(SocketAddr, Vec<u8>)> {
        if self.queue.is_empty() || !self.allows(config, now) {
            return None;
        }
        let (to, datagram) = self.queue.pop_front()?;
        self.unread += datagram.len();
        Some((to, datagram))
    }

    /// When the next datagram may go, if one waits, or when there may turn out to be room.
    pub(crate) fn due(&self, config: &Config) -> Option<Instant> {
        if self.queue.is_empty() {
            let uncounted = self.is_full && self.channels.len() > COUNTED;
            return uncounted.then(|| self.counted + RECOUNT);
        }
        let over = (self.unread + 1).saturating_sub(STEP);
        let wait = Duration::from_secs_f64(over as f64 / config.send_rate.max(1) as f64);
        Some(self.reckoned + wait.max(TICK))
    }

    fn allows(&mut self, config: &Config, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.reckoned);
        self.reckoned = now;
        self.unread = self
            .unread
            .saturating_sub(in_time(config.send_rate, passed))
            .min(self.unacknowledged);
        self.unread < STEP || self.unacknowledged <= config.send_burst
    }
}

fn in_time(rate: usize, time: Duration) -> usize {
    (rate as f64 * time.as_secs_f64()) as usize
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "what fails here fails the test")]
mod tests {
    use libp2p_identity::Keypair;

    use super::*;
    use crate::Certificate;

    const DATAGRAM: [u8; 1000] = [7; 1000];

    fn config() -> Config {
        let identity = Keypair::ed25519_from_bytes([7; 32]).unwrap();
        Config {
            send_burst: 64_000,
            send_rate: 8_000_000,
            send_window: 400_000,
            ..Config::new(identity, Certificate::generate().unwrap())
        }
    }

    fn somebody() -> SocketAddr {
        "192.0.2.1:4601".parse().unwrap()
    }

    /// Lets SCTP take and send all that it may; how many datagrams go at once.
    fn send(pace: &mut Pace<u16>, config: &Config, now: Instant) -> usize {
        let mut datagrams = 0;
        while pace.has_room(config) {
            pace.taken(7, DATAGRAM.len());
            datagrams += usize::from(pace.pass(somebody(), &DATAGRAM, config, now).is_some());
        }
        datagrams
    }

    fn go_on(pace: &mut Pace<u16>, config: &Config, now: Instant) -> usize {
        std::iter::from_fn(|| pace.next(config, now)).count()
    }

    #[test]
    fn a_near_peer_has_a_burst_under_way_and_no_more() {
        let (config, start) = (config(), Instant::now());
        let mut pace: Pace<u16> = Pace::new(start);
        pace.answered_after(Duration::from_millis(4));
        assert_eq!(send(&mut pace, &config, start), 64);
        assert_eq!(pace.due(&config), None, "nothing waits");
        // What is acknowledged was read, however fast.
        pace.recount(|_| 54_000, start);
        assert_eq!(send(&mut pace, &config, start), 10);
    }

    #[test]
    fn to_a_far_peer_more_follows_at_the_rate() {
        let (config, start) = (config(), Instant::now());
        let mut pace: Pace<u16> = Pace::new(start);
        pace.answered_after(Duration::from_millis(45));
        // The window: a burst, and 40 ms at the rate.
        assert_eq!(send(&mut pace, &config, start), 64);
        assert_eq!(pace.unacknowledged(), 384_000);
        let mut now = pace.due(&config).unwrap();
        assert!(now > start && now <= start + Duration::from_millis(8));
        let mut more = go_on(&mut pace, &config, now);
        for _ in 0..20 {
            now += Duration::from_millis(1);
            let each = go_on(&mut pace, &config, now);
            assert!(
                (7..=9).contains(&each),
                "{each} of 1,000 bytes in a millisecond"
            );
            more += each;
        }
        now += Duration::from_secs(1);
        while let Some(due) = pace.due(&config) {
            now = now.max(due);
            more += go_on(&mut pace, &config, now);
        }
        assert_eq!(64 + more, 384, "all of them have gone, in order");
    }

    #[test]
    fn many_channels_are_counted_in_turn_and_none_is_forgotten() {
        let (config, start) = (config(), Instant::now());
        let mut pace: Pace<u16> = Pace::new(start);
        for channel in 0..100 {
            pace.taken(channel, 1_000);
        }
        assert!(!pace.has_room(&config));
        // Everything has been acknowledged, and the peer says no more.
        let (mut now, mut asked) = (start, 0);
        while pace.unacknowledged() > 0 {
            now = pace.due(&config).map_or(now, |due| due.max(now));
            let before = asked;
            pace.recount(
                |_| {
                    asked += 1;
                    0
                },
                now,
            );
            assert!(asked - before <= COUNTED);
            pace.has_room(&config);
        }
        assert_eq!(asked, 100);
        assert!(pace.has_room(&config) && now > start);
    }

    #[test]
    fn an_acknowledgement_never_waits_and_no_data_overtakes_data() {
        let (config, start) = (config(), Instant::now());
        let mut pace: Pace<u16> = Pace::new(start);
        pace.answered_after(Duration::from_millis(45));
        send(&mut pace, &config, start);
        assert!(pace.pass(somebody(), &[0; 100], &config, start).is_some());
        assert!(pace.pass(somebody(), &[0; 500], &config, start).is_none());
    }

    #[test]
    fn the_window_has_a_bound_and_the_round_trip_is_the_shortest() {
        let (config, start) = (config(), Instant::now());
        let mut pace: Pace<u16> = Pace::new(start);
        pace.taken(7, 1);
        let room = |pace: &mut Pace<u16>, bytes| {
            pace.recount(|_| bytes, start);
            pace.has_room(&config)
        };
        assert!(room(&mut pace, 63_999) && !room(&mut pace, 64_000));
        pace.answered_after(Duration::from_secs(9));
        assert!(room(&mut pace, 399_999) && !room(&mut pace, 400_000));
        pace.answered_after(Duration::from_millis(10));
        pace.answered_after(Duration::from_millis(30));
        assert!(room(&mut pace, 103_999) && !room(&mut pace, 104_000));
    }
}
