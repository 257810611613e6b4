//! Two hosts and the link between them.
#![cfg(target_os = "linux")]

use std::{
    net::UdpSocket,
    time::{Duration, Instant},
};

use velox_forwarder::{Forwarder, Host, Links};

/// Hosts need root and TUN; a machine without them can't check this.
fn host(last: u8) -> Option<Host> {
    match Host::new([10, 77, last, 1].into()) {
        Ok(host) => Some(host),
        Err(error) => {
            println!("NOT checked: {error}");
            None
        }
    }
}

fn socket(host: &Host) -> UdpSocket {
    let socket = host
        .inside(|| UdpSocket::bind((host.address(), 0)))
        .expect("enters")
        .expect("binds");
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("a timeout");
    socket
}

#[test]
fn a_packet_takes_as_long_as_its_link_says_and_in_order() {
    let (Some(ann), Some(bob)) = (host(1), host(2)) else {
        return;
    };
    let delay = Duration::from_millis(40);
    let jitter = Duration::from_millis(20);
    let links = Links::uniform([ann.address(), bob.address()], delay).jitter(jitter, 1);
    let network = Forwarder::start([&ann, &bob], links).unwrap();
    let (at_ann, at_bob) = (socket(&ann), socket(&bob));

    let start = Instant::now();
    for number in 0..50u8 {
        at_ann
            .send_to(&[number], at_bob.local_addr().unwrap())
            .unwrap();
    }
    for number in 0..50u8 {
        let mut bytes = [0; 8];
        let (length, from) = at_bob.recv_from(&mut bytes).unwrap();
        assert_eq!(bytes[..length], [number]);
        assert_eq!(from, at_ann.local_addr().unwrap());
        assert!(start.elapsed() >= delay);
    }
    // Nobody has the address 10.77.3.1.
    at_ann.send_to(b"lost", "10.77.3.1:9").unwrap();
    at_ann
        .send_to(b"last", at_bob.local_addr().unwrap())
        .unwrap();
    at_bob.recv(&mut [0; 8]).unwrap();
    let figures = network.stop();
    assert_eq!((figures.passed, figures.lost), (51, 1));
    at_ann
        .send_to(b"over", at_bob.local_addr().unwrap())
        .unwrap();
    at_bob
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    assert!(at_bob.recv(&mut [0; 8]).is_err(), "the network has ended");
}
