use std::collections::BTreeMap;

use libp2p::PeerId;

use super::rank::Rank;

/// Live records by rank: what the sample of a big room is read off. It holds the `n` members of
/// the smallest ranks that are known between nodes, without anybody's choosing.
#[derive(Default)]
pub(super) struct Sample {
    members: BTreeMap<(Rank, PeerId), Place>,
    open: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub rank: Rank,
    /// What the record and its void attachments put into a digest.
    pub digest: u64,
    /// It is an attached peer's, and other nodes haven't been told.
    pub open: bool,
}

impl Sample {
    pub fn insert(&mut self, peer: PeerId, place: Place) {
        self.open += usize::from(place.open);
        if let Some(before) = self.members.insert((place.rank, peer), place) {
            self.open -= usize::from(before.open);
        }
    }

    pub fn remove(&mut self, peer: &PeerId, rank: Rank) {
        if let Some(place) = self.members.remove(&(rank, *peer)) {
            self.open -= usize::from(place.open);
        }
    }

    /// Members that other nodes know as well.
    fn shared(&self) -> usize {
        self.members.len() - self.open
    }

    /// The rank up to which members belong to a sample of `n`: that of the `n`-th whom other
    /// nodes know. Where they know fewer, some have just gone: then as far beyond the last as
    /// the missing ones are expected to be, for if every node took this for an invitation to
    /// all of its peers, all nodes would speak at once.
    pub fn reach(&self, n: usize) -> Rank {
        match self.shared_ranks().take(n).enumerate().last() {
            None => Rank::LAST,
            Some((i, rank)) if i + 1 == n => rank,
            Some((i, rank)) => rank.project(n, i + 1),
        }
    }

    /// The rank of the `n`-th whom other nodes know: the last if they know fewer.
    pub fn nth(&self, n: usize) -> Rank {
        let nth = self.shared_ranks().nth(n.saturating_sub(1));
        nth.unwrap_or(Rank::LAST)
    }

    fn shared_ranks(&self) -> impl Iterator<Item = Rank> + '_ {
        let shared = self.members.values().filter(|place| !place.open);
        shared.map(|place| place.rank)
    }

    /// Attached peers that are among the first `n` of all, within `reach`, and of whom other
    /// nodes haven't been told.
    pub fn open(&self, n: usize, reach: Rank) -> Vec<PeerId> {
        self.within(reach)
            .take(n)
            .filter(|(_, place)| place.open)
            .map(|(peer, _)| peer)
            .collect()
    }

    /// Members whom other nodes know, beyond the first `n` of them.
    pub fn beyond(&self, n: usize) -> Vec<PeerId> {
        let surplus = self.shared().saturating_sub(n);
        let shared = self.members.iter().rev().filter(|(_, place)| !place.open);
        let beyond = shared.take(surplus);
        beyond.map(|((_, peer), _)| *peer).collect()
    }

    /// Members up to a rank.
    pub fn within(&self, reach: Rank) -> impl Iterator<Item = (PeerId, Place)> + '_ {
        self.members
            .iter()
            .map(|((_, peer), place)| (*peer, *place))
            .take_while(move |(_, place)| place.rank <= reach)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(rank: u64) -> Rank {
        Rank::from_wire(&crate::wire::Array::new(rank.to_be_bytes()))
    }

    fn place(at: u64, open: bool) -> Place {
        Place {
            rank: rank(at),
            digest: at,
            open,
        }
    }

    /// Members of ranks 10, 20, … known to all, and one of rank 25 that isn't.
    fn sample(n: u64) -> (Sample, PeerId) {
        let mut sample = Sample::default();
        for i in 1..=n {
            sample.insert(PeerId::random(), place(10 * i, false));
        }
        let own = PeerId::random();
        sample.insert(own, place(25, true));
        (sample, own)
    }

    #[test]
    fn reaches_to_the_nth_and_beyond_where_some_are_missing() {
        let (sample, _) = sample(10);
        assert_eq!(sample.reach(4), rank(40));
        assert_eq!(sample.reach(10), rank(100));
        assert_eq!(sample.reach(12), rank(120));
        assert_eq!(sample.nth(4), rank(40));
        assert_eq!(sample.nth(12), Rank::LAST);
        assert_eq!(Sample::default().reach(4), Rank::LAST);
    }

    #[test]
    fn finds_who_is_in_it_and_untold() {
        let (mut sample, own) = sample(10);
        assert_eq!(sample.open(4, sample.reach(4)), [own]);
        assert!(sample.open(2, sample.reach(2)).is_empty(), "beyond");
        assert!(sample.open(2, Rank::LAST).is_empty(), "not of the first");
        sample.insert(own, place(25, false));
        assert!(sample.open(4, sample.reach(4)).is_empty(), "told");
        assert_eq!(sample.shared(), 11);
        assert_eq!(sample.beyond(9).len(), 2);
        assert!(sample.beyond(11).is_empty());
        sample.remove(&own, rank(25));
        assert_eq!(sample.shared(), 10);
    }
}
