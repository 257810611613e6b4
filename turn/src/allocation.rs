use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use turn_types::stun::message::TransactionId;

use crate::{client::Client, config::Config};

/// How long a permission lasts (RFC 8656, section 9).
const PERMISSION: Duration = Duration::from_secs(300);
/// How long a channel lasts (section 12).
const CHANNEL: Duration = Duration::from_secs(600);

/// A relayed address that a client has for a while.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub client: Client,
    /// The name that it was made with.
    pub username: String,
    /// The user in that name.
    pub user: String,
    /// The request that made it, which may come again.
    pub transaction: TransactionId,
    /// Where peers send to.
    pub relayed: SocketAddr,
    pub expires: Instant,
    permissions: HashMap<IpAddr, Instant>,
    channels: HashMap<u16, (SocketAddr, Instant)>,
    numbers: HashMap<SocketAddr, u16>,
}

/// Why a peer can't be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    /// As many as there may be.
    Full,
    /// The channel is another peer's, or the peer has another channel.
    Taken,
}

impl Allocation {
    pub fn new(
        client: Client,
        (username, user): (&str, &str),
        transaction: TransactionId,
        relayed: SocketAddr,
        expires: Instant,
    ) -> Self {
        Allocation {
            client,
            username: username.to_owned(),
            user: user.to_owned(),
            transaction,
            relayed,
            expires,
            permissions: HashMap::new(),
            channels: HashMap::new(),
            numbers: HashMap::new(),
        }
    }

    /// Lets these peers through from now on: all of them or none.
    pub fn permit(
        &mut self,
        peers: &[IpAddr],
        config: &Config,
        now: Instant,
    ) -> Result<(), NoRoom> {
        let new = peers.iter().filter(|ip| !self.permissions.contains_key(ip));
        if self.permissions.len() + new.count() > config.max_permissions {
            self.permissions.retain(|_, until| *until > now);
            let new = peers.iter().filter(|ip| !self.permissions.contains_key(ip));
            if self.permissions.len() + new.count() > config.max_permissions {
                return Err(NoRoom::Full);
            }
        }
        self.permissions
            .extend(peers.iter().map(|ip| (*ip, now + PERMISSION)));
        Ok(())
    }

    /// Whether what comes from there, or goes there, passes.
    pub fn permits(&self, peer: IpAddr, now: Instant) -> bool {
        self.permissions
            .get(&peer)
            .is_some_and(|until| *until > now)
    }

    /// Gives a peer a channel, and permission.
    pub fn bind(
        &mut self,
        number: u16,
        peer: SocketAddr,
        config: &Config,
        now: Instant,
    ) -> Result<(), NoRoom> {
        let other_peer = |until: &(SocketAddr, Instant)| until.0 != peer && until.1 > now;
        let other_number = self.numbers.get(&peer).filter(|other| **other != number);
        let other_number = other_number.and_then(|other| self.channels.get(other));
        if self.channels.get(&number).is_some_and(other_peer)
            || other_number.is_some_and(|(_, until)| *until > now)
        {
            return Err(NoRoom::Taken);
        }
        if !self.channels.contains_key(&number) && self.channels.len() >= config.max_channels {
            self.channels.retain(|_, (_, until)| *until > now);
            let channels = &self.channels;
            self.numbers
                .retain(|_, number| channels.contains_key(number));
            if self.channels.len() >= config.max_channels {
                return Err(NoRoom::Full);
            }
        }
        self.permit(&[peer.ip()], config, now)?;
        if let Some((before, _)) = self.channels.insert(number, (peer, now + CHANNEL))
            && before != peer
        {
            self.numbers.remove(&before);
        }
        if let Some(before) = self.numbers.insert(peer, number)
            && before != number
        {
            self.channels.remove(&before);
        }
        Ok(())
    }

    /// The peer of a channel.
    pub fn peer(&self, number: u16, now: Instant) -> Option<SocketAddr> {
        let (peer, until) = self.channels.get(&number)?;
        (*until > now).then_some(*peer)
    }

    /// The channel of a peer.
    pub fn channel(&self, peer: &SocketAddr, now: Instant) -> Option<u16> {
        let number = self.numbers.get(peer)?;
        self.peer(*number, now).map(|_| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocation(now: Instant) -> Allocation {
        let address = "192.0.2.1:1".parse().unwrap();
        let client = Client {
            local: address,
            remote: address,
            stream: None,
        };
        Allocation::new(client, ("9:a", "a"), 1.into(), address, now + CHANNEL)
    }

    fn ip(last: u8) -> IpAddr {
        [198, 51, 100, last].into()
    }

    #[test]
    fn permissions_end_and_are_bounded() {
        let config = Config {
            max_permissions: 2,
            ..Config::default()
        };
        let start = Instant::now();
        let mut allocation = allocation(start);
        allocation.permit(&[ip(1), ip(2)], &config, start).unwrap();
        assert_eq!(
            allocation.permit(&[ip(1), ip(3)], &config, start),
            Err(NoRoom::Full)
        );
        assert!(allocation.permits(ip(1), start) && !allocation.permits(ip(3), start));
        let later = start + PERMISSION;
        assert!(!allocation.permits(ip(1), later));
        allocation.permit(&[ip(3)], &config, later).unwrap();
        assert!(allocation.permits(ip(3), later));
    }

    #[test]
    fn a_channel_is_one_peer_s_and_a_peer_has_one() {
        let (config, start) = (Config::default(), Instant::now());
        let mut allocation = allocation(start);
        let (one, other) = (SocketAddr::new(ip(1), 5), SocketAddr::new(ip(1), 6));
        allocation.bind(0x4000, one, &config, start).unwrap();
        allocation.bind(0x4000, one, &config, start).unwrap();
        let taken = Err(NoRoom::Taken);
        assert_eq!(allocation.bind(0x4000, other, &config, start), taken);
        assert_eq!(allocation.bind(0x4001, one, &config, start), taken);
        assert_eq!(allocation.channel(&one, start), Some(0x4000));
        assert_eq!(allocation.peer(0x4000, start), Some(one));
        assert!(allocation.permits(ip(1), start));
        let later = start + CHANNEL;
        assert_eq!(allocation.channel(&one, later), None);
        allocation.bind(0x4001, one, &config, later).unwrap();
        allocation.bind(0x4000, other, &config, later).unwrap();
        assert_eq!(allocation.channel(&one, later), Some(0x4001));
        assert_eq!(allocation.channel(&other, later), Some(0x4000));
    }

    #[test]
    fn channels_are_bounded() {
        let config = Config {
            max_channels: 1,
            ..Config::default()
        };
        let start = Instant::now();
        let mut allocation = allocation(start);
        let (one, other) = (SocketAddr::new(ip(1), 5), SocketAddr::new(ip(2), 6));
        allocation.bind(0x4000, one, &config, start).unwrap();
        assert_eq!(
            allocation.bind(0x4001, other, &config, start),
            Err(NoRoom::Full)
        );
        let later = start + CHANNEL;
        allocation.bind(0x4001, other, &config, later).unwrap();
        assert_eq!(allocation.channel(&one, later), None);
    }
}
