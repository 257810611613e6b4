use std::{num::NonZeroUsize, time::Duration};

use libp2p::{StreamProtocol, kad};

/// How long a provider record lives in the DHT.
pub const PROVIDER_LIFE: Duration = Duration::from_secs(30 * 60);
/// How often each node publishes its own anew: two renewals may be lost.
pub const PROVIDER_RENEWAL: Duration = Duration::from_secs(10 * 60);

/// What `kad::Behaviour::with_config` is given, together with a
/// [`Store`](super::Store).
///
/// - Protocol `/velox/<network>/kad/1`: networks never share a DHT. The router adds to the
///   routing table, by `add_address`, only neighbours whose identify names this protocol; those
///   this node dialed come in by themselves once the protocol is confirmed.
/// - Provider records live 30 minutes and are renewed every 10. Value records are neither kept,
///   published nor replicated, and lookups cache nothing: the DHT holds providers only.
/// - Disjoint paths (three, kad's parallelism), so that one liar can't lead a query astray.
/// - Queries end after 10 s, requests after 5: a page that waits has long given up.
/// - Inserts into the store aren't filtered: [`Store`](super::Store) has the bounds.
/// - A node looks itself up every 5 minutes, and while it knows fewer than 20 others whenever it
///   meets one.
/// - Buckets hold 20 nodes, of which kad keeps room in 256 buckets from the start: about
///   1.6 MB a node.
pub fn kad_config(network: &str) -> kad::Config {
    let protocol = StreamProtocol::try_from_owned(format!("/velox/{network}/kad/1"))
        .expect("it begins with a slash");
    let mut config = kad::Config::new(protocol);
    config
        .disjoint_query_paths(true)
        .set_parallelism(NonZeroUsize::new(3).expect("not zero"))
        .set_query_timeout(Duration::from_secs(10))
        .set_substreams_timeout(Duration::from_secs(5))
        .set_provider_record_ttl(Some(PROVIDER_LIFE))
        .set_provider_publication_interval(Some(PROVIDER_RENEWAL))
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_record_filtering(kad::StoreInserts::Unfiltered)
        .set_kbucket_inserts(kad::BucketInserts::OnConnected)
        .set_caching(kad::Caching::Disabled)
        .set_max_packet_size(16 * 1024);
    config
}
