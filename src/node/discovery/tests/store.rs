use std::{collections::HashSet, time::Duration};

use libp2p::kad::store::RecordStore;
use proptest::prelude::*;

use super::*;

fn small() -> StoreConfig {
    StoreConfig {
        records: 30,
        per_key: 4,
        per_provider: 6,
        per_range: 12,
        own: 10,
        key_bytes: 40,
        addresses: 2,
    }
}

/// Provider `n`, the same each time.
fn provider(n: u8) -> PeerId {
    crate::identity::Identity::from_seed([n; 32]).peer_id()
}

fn record(key: &[u8], n: u8, address: &str) -> ProviderRecord {
    ProviderRecord::new(key.to_vec(), provider(n), vec![address.parse().unwrap()])
}

fn key(bytes: &[u8]) -> Key {
    Key::new(&bytes)
}

/// The groups say what the slots say: every slot is in each once, where it says it is.
fn is_consistent(store: &Store) -> bool {
    let len = store.slots.len();
    let whole = |sizes: Vec<usize>| sizes.iter().sum::<usize>() == len && !sizes.contains(&0);
    whole(store.keys.values().map(Vec::len).collect())
        && whole(store.providers.values().map(Vec::len).collect())
        && whole(store.ranges.values().map(Vec::len).collect())
        && store.slots.iter().enumerate().all(|(at, slot)| {
            store.keys[&slot.record.key][slot.in_key] == at
                && store.providers[&slot.record.provider][slot.in_provider] == at
                && store.ranges[&slot.range][slot.in_range] == at
        })
}

#[test]
fn keeps_what_it_is_given() {
    let mut store = Store::with_seed(small(), provider(0), 1);
    store
        .add_provider(record(b"a", 1, "/ip4/8.8.0.1/tcp/1"))
        .unwrap();
    store
        .add_provider(record(b"a", 2, "/ip4/8.9.0.1/tcp/1"))
        .unwrap();
    store
        .add_provider(record(b"a", 1, "/ip4/8.8.0.2/tcp/1"))
        .unwrap();
    let there = store.providers(&key(b"a"));
    assert_eq!(there.len(), 2, "a renewal replaces");
    let renewed = there.iter().find(|r| r.provider == provider(1)).unwrap();
    assert_eq!(renewed.addresses[0].to_string(), "/ip4/8.8.0.2/tcp/1");
    RecordStore::remove_provider(&mut store, &key(b"a"), &provider(1));
    assert_eq!(store.providers(&key(b"a")).len(), 1);
    RecordStore::remove_provider(&mut store, &key(b"b"), &provider(1));
    assert!(store.providers(&key(b"b")).is_empty());
}

#[test]
fn keeps_no_values() {
    let mut store = Store::with_seed(small(), provider(0), 1);
    assert!(store.put(Record::new(key(b"a"), vec![1])).is_err());
    assert!(store.get(&key(b"a")).is_none());
    assert_eq!(store.records().count(), 0);
}

#[test]
fn its_own_are_not_limited_by_others() {
    let mut store = Store::with_seed(small(), provider(0), 1);
    for n in 1..100 {
        let address = format!("/ip4/8.{n}.0.1/tcp/1");
        store.add_provider(record(&[n % 10], n, &address)).unwrap();
    }
    for n in 0..10 {
        store
            .add_provider(ProviderRecord::new(vec![n], provider(0), vec![]))
            .unwrap();
    }
    let eleventh = ProviderRecord::new(vec![10], provider(0), vec![]);
    assert!(store.add_provider(eleventh).is_err());
    let renewed = ProviderRecord::new(vec![9], provider(0), vec![]);
    store.add_provider(renewed).unwrap();
    for n in 100..200 {
        let address = format!("/ip4/8.{n}.0.1/tcp/1");
        store.add_provider(record(&[n % 10], n, &address)).unwrap();
    }
    assert_eq!(store.provided().count(), 10);
    assert!(
        store
            .providers(&key(&[3]))
            .iter()
            .any(|r| r.provider == provider(0))
    );
    RecordStore::remove_provider(&mut store, &key(&[3]), &provider(0));
    assert_eq!(store.provided().count(), 9);
}

#[test]
fn one_network_does_not_fill_a_key() {
    for seed in 0..20 {
        let mut store = Store::with_seed(small(), provider(0), seed);
        let honest = record(b"a", 1, "/ip4/9.9.9.9/tcp/1");
        store.add_provider(honest).unwrap();
        for n in 2..200 {
            store
                .add_provider(record(b"a", n, "/ip4/8.8.0.1/tcp/1"))
                .unwrap();
        }
        let there = store.providers(&key(b"a"));
        assert_eq!(there.len(), 4);
        assert!(there.iter().any(|r| r.provider == provider(1)));
    }
}

#[test]
fn a_full_store_replaces_at_random() {
    let survivors: Vec<HashSet<_>> = (0..2)
        .map(|seed| {
            let mut store = Store::with_seed(small(), provider(0), seed);
            for n in 1..=200 {
                let address = format!("/ip4/8.{n}.0.1/tcp/1");
                store.add_provider(record(&[n], n, &address)).unwrap();
            }
            assert_eq!(store.len(), 30);
            store
                .slots
                .iter()
                .map(|slot| slot.record.provider)
                .collect()
        })
        .collect();
    assert_ne!(survivors[0], survivors[1], "it depends on the seed");
    let last: HashSet<_> = (171..=200).map(provider).collect();
    assert_ne!(survivors[0], last, "neither the newest alone");
    assert!(
        survivors[0].contains(&provider(200)),
        "but the newest is in"
    );
}

#[test]
fn what_has_expired_gives_way() {
    let mut store = Store::with_seed(small(), provider(0), 1);
    let now = Instant::now();
    for n in 1..=20 {
        let mut old = record(&[n], n, &format!("/ip4/8.{n}.0.1/tcp/1"));
        old.expires = Some(now + Duration::from_secs(1));
        store.add(old, now).unwrap();
    }
    assert_eq!(store.len(), 20);
    let later = now + Duration::from_secs(2);
    for n in 21..=40 {
        let new = record(&[n], n, &format!("/ip4/8.{n}.0.1/tcp/1"));
        store.add(new, later).unwrap();
    }
    let expired = |slot: &&Slot| slot.record.is_expired(later);
    assert_eq!(store.slots.iter().filter(expired).count(), 0);
    assert_eq!(store.len(), 20, "and no new one had to go");
}

#[test]
fn long_keys_and_lists_are_cut_short() {
    let mut store = Store::with_seed(small(), provider(0), 1);
    assert!(
        store
            .add_provider(record(&[7; 41], 1, "/ip4/8.8.0.1/tcp/1"))
            .is_err()
    );
    let mut many = record(b"a", 1, "/ip4/8.8.0.1/tcp/1");
    many.addresses = vec!["/ip4/8.8.0.1/tcp/1".parse().unwrap(); 50];
    store.add_provider(many).unwrap();
    assert_eq!(store.providers(&key(b"a"))[0].addresses.len(), 2);
}

#[test]
fn ranges_are_those_that_one_party_may_own() {
    let of = |address: &str| Range::of(&[address.parse().unwrap()]);
    assert_eq!(of("/ip4/8.8.1.1/tcp/1"), of("/ip4/8.8.2.2/udp/2"));
    assert_ne!(of("/ip4/8.8.1.1/tcp/1"), of("/ip4/8.9.1.1/tcp/1"));
    assert_eq!(of("/ip6/2620:fe:1::1/tcp/1"), of("/ip6/2620:fe:2::1/tcp/1"));
    assert_ne!(of("/ip6/2620:fe::1/tcp/1"), of("/ip6/2620:ff::1/tcp/1"));
    assert_eq!(of("/ip6/::ffff:8.8.1.1/tcp/1"), of("/ip4/8.8.1.1/tcp/1"));
    assert_eq!(of("/dns4/a.example/tcp/1"), Range::Unknown);
    let both = ["/dns4/a.example/tcp/1", "/ip4/8.8.1.1/tcp/1"].map(|a| a.parse().unwrap());
    assert_eq!(Range::of(&both), of("/ip4/8.8.1.1/tcp/1"));
}

proptest! {
    /// Whatever is stored and removed in whatever order: bounds hold, the newest is in, and the
    /// groups agree with the records.
    #[test]
    fn bounds_hold_in_any_order(
        seed in any::<u64>(),
        steps in prop::collection::vec((0u8..12, 0u8..16, 0u8..5, 0u8..10), 1..250),
    ) {
        let config = small();
        let mut store = Store::with_seed(config.clone(), provider(0), seed);
        let mut now = Instant::now();
        for (k, n, range, what) in steps {
            now += Duration::from_millis(50);
            if what == 0 {
                RecordStore::remove_provider(&mut store, &key(&[k]), &provider(n));
            } else {
                let mut new = record(&[k], n, &format!("/ip4/8.{range}.0.1/tcp/1"));
                new.expires = (what < 5).then(|| now + Duration::from_secs(1));
                let stored = store.add(new, now);
                prop_assert!(stored.is_ok() || n == 0);
                if stored.is_ok() {
                    prop_assert!(
                        store.providers(&key(&[k])).iter().any(|r| r.provider == provider(n))
                    );
                }
            }
            prop_assert!(store.slots.len() <= config.records);
            prop_assert!(store.keys.values().all(|group| group.len() <= config.per_key));
            prop_assert!(store.providers.values().all(|group| group.len() <= config.per_provider));
            prop_assert!(store.ranges.values().all(|group| group.len() <= config.per_range));
            prop_assert!(store.own.len() <= config.own);
            prop_assert!(is_consistent(&store));
        }
    }
}
