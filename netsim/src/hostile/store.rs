//! What a sybil keeps for the DHT.

use std::{borrow::Cow, sync::Arc};

use libp2p::{
    Multiaddr, PeerId,
    kad::{
        ProviderRecord, Record, RecordKey,
        store::{RecordStore, Result},
    },
};
use velox_mesh::node::discovery::Store;

/// A store that swallows what is said about one key, and names its like there. For all others it
/// does as it should.
pub struct LyingStore {
    honest: Store,
    key: RecordKey,
    like: Arc<[(PeerId, Vec<Multiaddr>)]>,
}

impl LyingStore {
    /// Lies about `key`, where it names `like`.
    pub fn new(honest: Store, key: &[u8], like: Arc<[(PeerId, Vec<Multiaddr>)]>) -> Self {
        LyingStore {
            honest,
            key: RecordKey::new(&key),
            like,
        }
    }
}

impl RecordStore for LyingStore {
    type RecordsIter<'a> = <Store as RecordStore>::RecordsIter<'a>;
    type ProvidedIter<'a> = <Store as RecordStore>::ProvidedIter<'a>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, Record>> {
        self.honest.get(key)
    }

    fn put(&mut self, record: Record) -> Result<()> {
        self.honest.put(record)
    }

    fn remove(&mut self, key: &RecordKey) {
        RecordStore::remove(&mut self.honest, key);
    }

    fn records(&self) -> Self::RecordsIter<'_> {
        self.honest.records()
    }

    fn add_provider(&mut self, record: ProviderRecord) -> Result<()> {
        if record.key == self.key {
            return Ok(());
        }
        self.honest.add_provider(record)
    }

    fn providers(&self, key: &RecordKey) -> Vec<ProviderRecord> {
        if *key != self.key {
            return self.honest.providers(key);
        }
        self.like
            .iter()
            .map(|(node, addresses)| ProviderRecord {
                key: key.clone(),
                provider: *node,
                expires: None,
                addresses: addresses.clone(),
            })
            .collect()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        self.honest.provided()
    }

    fn remove_provider(&mut self, key: &RecordKey, provider: &PeerId) {
        self.honest.remove_provider(key, provider);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use velox_mesh::node::discovery::StoreConfig;

    #[test]
    fn it_lies_about_its_key_and_no_other() {
        let (own, like, honest) = (PeerId::random(), PeerId::random(), PeerId::random());
        let store = Store::with_seed(StoreConfig::default(), own, 1);
        let mut store = LyingStore::new(store, b"room", [(like, Vec::new())].into());
        for key in [b"room", b"else"] {
            let record = ProviderRecord::new(RecordKey::new(key), honest, Vec::new());
            store.add_provider(record).unwrap();
        }
        let named = |key: &[u8]| -> Vec<_> {
            let records = store.providers(&RecordKey::new(&key));
            records.into_iter().map(|record| record.provider).collect()
        };
        assert_eq!(named(b"room"), [like]);
        assert_eq!(named(b"else"), [honest]);
    }
}
