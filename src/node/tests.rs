//! What the assembled node promises, without sockets.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    task::{Context, Poll, Wake},
    time::Duration,
};

use libp2p::swarm::{NetworkBehaviour, ToSwarm};

use super::{AddressBook, Behaviour, Config};
use crate::{identity::Identity, wire::Signed};

fn behaviour() -> Behaviour {
    Behaviour::new(
        Identity::generate(),
        Config::new("example.org"),
        AddressBook::default(),
    )
}

struct Bell(Sender<()>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Nobody listens any more when the test is over.
        self.0.send(()).ok();
    }
}

fn poll_until_pending(behaviour: &mut Behaviour, bell: &Arc<Bell>) {
    let waker = bell.clone().into();
    let mut context = Context::from_waker(&waker);
    while let Poll::Ready(event) = behaviour.poll(&mut context) {
        assert!(
            !matches!(event, ToSwarm::Dial { .. }),
            "a node that knows nobody dials nobody"
        );
    }
}

/// gossipsub's heartbeat re-arms its timer without polling it: in a network where nothing
/// happens it would run once and never again. Every wake of the node polls it.
#[test]
fn the_heartbeat_goes_on_in_a_quiet_network() {
    let (sender, rings): (_, Receiver<()>) = channel();
    let bell = Arc::new(Bell(sender));
    let mut behaviour = behaviour();
    for beat in 0..4 {
        poll_until_pending(&mut behaviour, &bell);
        while rings.try_recv().is_ok() {}
        rings
            .recv_timeout(Duration::from_secs(5))
            .unwrap_or_else(|_| panic!("woken {beat} times, then never again"));
    }
}

#[test]
fn its_record_lists_where_it_is_reached() {
    let mut behaviour = behaviour();
    behaviour.set_http_addresses(vec!["/ip4/192.0.2.1/tcp/8080/ws".parse().unwrap()]);
    let record = behaviour.record().expect("signed").bytes().to_vec();
    let record = Signed::<crate::wire::node_record::NodeRecord>::verify(&record).unwrap();
    assert_eq!(record.addrs, ["/ip4/192.0.2.1/tcp/8080/ws"]);
    assert_eq!(record.network, "example.org");
}

#[test]
fn nobody_is_told_of_addresses_that_do_not_reach_him() {
    let mut behaviour = behaviour();
    let all = [
        "/ip4/127.0.0.1/tcp/1/ws",
        "/ip4/10.0.0.1/tcp/1/ws",
        "/ip4/192.0.2.1/tcp/1/ws",
    ];
    behaviour.set_http_addresses(all.iter().map(|text| text.parse().unwrap()).collect());
    for (whom, known) in all.iter().zip([&all[..], &all[1..], &all[2..]]) {
        let record = behaviour.record_for(&whom.parse().unwrap());
        assert_eq!(record.expect("signed").addrs, known);
    }
}
