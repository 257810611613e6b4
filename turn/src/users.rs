use std::{collections::HashMap, net::IpAddr, time::Instant};

use velox_sockets::block;

use crate::{config::Config, meter::Meter};

/// Seconds of a day.
const DAY: u64 = 86_400;

/// What each user has, and what all have had.
#[derive(Debug)]
pub(crate) struct Users {
    users: HashMap<String, User>,
    /// Allocations by source.
    sources: HashMap<IpAddr, usize>,
    all: Meter,
    day: u64,
    today: u64,
    /// Bytes relayed since the start.
    pub relayed: u64,
    /// Bytes that were above a budget.
    pub dropped: u64,
}

#[derive(Debug)]
struct User {
    allocations: usize,
    meter: Meter,
}

impl Users {
    pub fn new() -> Self {
        Users {
            users: HashMap::new(),
            sources: HashMap::new(),
            all: Meter::new(),
            day: 0,
            today: 0,
            relayed: 0,
            dropped: 0,
        }
    }

    /// Whether the day's bytes are used up.
    pub fn is_spent(&self, config: &Config, unix: u64) -> bool {
        self.day == unix / DAY && self.today >= config.bytes_per_day
    }

    /// A further allocation, if the user may have one, and the address from which it comes.
    pub fn open(&mut self, user: &str, source: IpAddr, config: &Config) -> bool {
        let source = block(source);
        let here = self.sources.get(&source).copied().unwrap_or(0);
        let allocations = self.users.get(user).map_or(0, |known| known.allocations);
        if allocations >= config.max_per_user || here >= config.max_per_address {
            return false;
        }
        self.sources.insert(source, here + 1);
        let known = self.users.entry(user.to_owned()).or_insert_with(|| User {
            allocations: 0,
            meter: Meter::new(),
        });
        known.allocations += 1;
        true
    }

    /// One allocation less. A user without any is forgotten: to have none and come back costs more
    /// than what a budget's rest is worth.
    pub fn close(&mut self, user: &str, source: IpAddr) {
        let source = block(source);
        match self.sources.get_mut(&source) {
            Some(here) if *here > 1 => *here -= 1,
            _ => {
                self.sources.remove(&source);
            }
        }
        if let Some(known) = self.users.get_mut(user) {
            known.allocations -= 1;
            if known.allocations == 0 {
                self.users.remove(user);
            }
        }
    }

    /// Lets bytes of a user pass.
    pub fn pass(
        &mut self,
        user: &str,
        bytes: usize,
        config: &Config,
        now: Instant,
        unix: u64,
    ) -> bool {
        let own = self.users.get_mut(user);
        let passes = own.is_some_and(|own| own.meter.take(bytes, config.per_user, now))
            && self.all.take(bytes, config.in_all, now);
        if passes {
            self.relayed += bytes as u64;
            if self.day != unix / DAY {
                (self.day, self.today) = (unix / DAY, 0);
            }
            self.today += bytes as u64;
        } else {
            self.dropped += bytes as u64;
        }
        passes
    }

    pub fn len(&self) -> usize {
        self.users.len()
    }
}
