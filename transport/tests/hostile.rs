//! Floods, stalls, silence and lies.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::{
    net::{Ipv4Addr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use libp2p_webrtc_direct::{Config, Ended, Error, config::EntranceLimits};
use support::{Listener, config, dial, pair_of, soon};

/// Passes datagrams between a dialer and a listener, until it is told to stop.
struct Wire {
    address: libp2p_core::Multiaddr,
    cut: tokio::sync::watch::Sender<bool>,
    /// The dialer's datagrams leave from another port.
    moved: tokio::sync::watch::Sender<bool>,
}

impl Wire {
    /// In front of `listener`; `fate` decides about each datagram, `true` for those of the
    /// dialer.
    async fn before(
        listener: &Listener,
        mut fate: impl FnMut(bool, &[u8]) -> bool + Send + 'static,
    ) -> Self {
        let (outer, inner, later) = (bind().await, bind().await, bind().await);
        inner.connect(listener.socket()).await.unwrap();
        later.connect(listener.socket()).await.unwrap();
        let port = outer.local_addr().unwrap().port();
        let text = listener.address.to_string();
        let old = format!("/udp/{}/", listener.socket().port());
        let address = text
            .replace(&old, &format!("/udp/{port}/"))
            .parse()
            .unwrap();
        let (cut, is_cut) = tokio::sync::watch::channel(false);
        let (moved, has_moved) = tokio::sync::watch::channel(false);
        tokio::spawn(async move {
            let (mut one, mut two, mut three) = ([0; 2048], [0; 2048], [0; 2048]);
            let mut dialer = None;
            loop {
                tokio::select! {
                    Ok((length, from)) = outer.recv_from(&mut one) => {
                        dialer = Some(from);
                        if !*is_cut.borrow() && fate(true, &one[..length]) {
                            let from = if *has_moved.borrow() { &later } else { &inner };
                            let _ = from.send(&one[..length]).await;
                        }
                    }
                    Ok(length) = later.recv(&mut three) => {
                        if let Some(to) = dialer {
                            let _ = outer.send_to(&three[..length], to).await;
                        }
                    }
                    Ok(length) = inner.recv(&mut two) => {
                        if !*is_cut.borrow() && fate(false, &two[..length]) && let Some(to) = dialer {
                            let _ = outer.send_to(&two[..length], to).await;
                        }
                    }
                }
            }
        });
        Wire {
            address,
            cut,
            moved,
        }
    }
}

async fn bind() -> tokio::net::UdpSocket {
    tokio::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap()
}

fn impatient() -> Config {
    Config {
        silence_timeout: Duration::from_millis(600),
        handshake_timeout: Duration::from_millis(800),
        ..config()
    }
}

#[tokio::test]
async fn silence_is_noticed_by_both_ends() {
    let server = impatient();
    let silence = server.silence_timeout;
    let mut listener = Listener::start(server).await;
    let wire = Wire::before(&listener, |_, _| true).await;
    let here = dial(impatient(), &wire.address).await.unwrap();
    let there = listener.accept().await;
    let start = Instant::now();
    wire.cut.send_replace(true);
    assert_eq!(soon(there.ended()).await, Ended::Silent(silence));
    assert_eq!(soon(here.ended()).await, Ended::Silent(silence));
    println!("noticed after {:?}", start.elapsed());
    listener.holds(0).await;
    assert_eq!(listener.metrics.silent.get(), 1);
}

#[tokio::test]
async fn a_peer_that_moves_to_another_address_is_known() {
    let server = Config {
        silence_timeout: Duration::from_secs(20),
        ..config()
    };
    let client = Config {
        silence_timeout: Duration::from_secs(1),
        ..config()
    };
    let mut listener = Listener::start(server).await;
    let wire = Wire::before(&listener, |_, _| true).await;
    let here = dial(client, &wire.address).await.unwrap();
    listener.accept().await.echo();
    assert_eq!(soon(here.ask(b"from here")).await.unwrap(), b"from here");
    wire.moved.send_replace(true);
    assert_eq!(soon(here.ask(b"from there")).await.unwrap(), b"from there");
    assert_eq!(listener.metrics.accepted.get(), 1);
}

#[tokio::test]
async fn an_idle_connection_is_kept() {
    let (listener, here, there) = pair_of(impatient(), impatient()).await;
    // Five times what a silent peer is given.
    let kept = tokio::time::timeout(Duration::from_secs(3), async {
        tokio::select! {
            why = here.ended() => why,
            why = there.ended() => why,
        }
    });
    assert!(kept.await.is_err(), "neither end has ended");
    listener.holds(1).await;
    there.echo();
    assert_eq!(
        soon(here.ask(b"still there")).await.unwrap(),
        b"still there"
    );
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up() {
    let mut flights = 0;
    let listener = Listener::start(impatient()).await;
    // DTLS gets through once in each direction, and no further.
    let wire = Wire::before(&listener, move |_, bytes| {
        let dtls = (20..64).contains(&bytes[0]);
        flights += usize::from(dtls);
        !dtls || flights <= 2
    })
    .await;
    let error = dial(impatient(), &wire.address).await.err().unwrap();
    assert!(
        matches!(error, Error::Ended(Ended::HandshakeTimeout(_))),
        "{error}"
    );
    listener.holds(0).await;
    assert_eq!(listener.metrics.handshakes_failed.get(), 1);
}

#[tokio::test]
async fn lost_datagrams_are_made_good() {
    let mut number = 0_u32;
    let mut listener = Listener::start(config()).await;
    let wire = Wire::before(&listener, move |_, _| {
        number += 1;
        !number.is_multiple_of(50)
    })
    .await;
    let here = dial(config(), &wire.address).await.unwrap();
    listener.accept().await.echo();
    let bytes = vec![7; 300_000];
    assert!(soon(here.ask(&bytes)).await.unwrap() == bytes);
}

/// Whether a datagram is a STUN message with USE-CANDIDATE.
fn nominates(datagram: &[u8]) -> bool {
    let is_stun = datagram.first().is_some_and(|first| *first < 4);
    let mut rest = datagram.get(20..).filter(|_| is_stun).unwrap_or_default();
    while let [high, low, long, short, ..] = *rest {
        if [high, low] == [0, 0x25] {
            return true;
        }
        let length = usize::from(u16::from_be_bytes([long, short]));
        rest = rest
            .get(4 + length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    false
}

#[tokio::test]
async fn who_begins_dtls_is_answered_before_it_nominates() {
    let listener = Listener::start(config()).await;
    let answered = Arc::new(AtomicBool::new(false));
    let wire = Wire::before(&listener, move |dialer, bytes| {
        let is_dtls = bytes.first().is_some_and(|first| (20..64).contains(first));
        if !dialer && is_dtls {
            answered.store(true, Relaxed);
        }
        // As a browser does, whose second request comes 50 ms after the first.
        !dialer || answered.load(Relaxed) || !nominates(bytes)
    })
    .await;
    assert!(soon(dial(config(), &wire.address)).await.is_ok());
}

#[tokio::test]
async fn a_flood_of_strangers_costs_nobody_their_connection() {
    let server = Config {
        entrance: EntranceLimits {
            half_open: 64,
            ..EntranceLimits::default()
        },
        ..config()
    };
    let (listener, here, there) = pair_of(server, config()).await;
    there.echo();
    let target = listener.socket();
    let flood = tokio::task::spawn_blocking(move || {
        let sockets: Vec<_> = (0..50)
            .map(|_| UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap())
            .collect();
        for round in 0..200_u32 {
            for (number, socket) in sockets.iter().enumerate() {
                let length = (round as usize * 31 + number * 7) % 1400;
                let mut bytes: Vec<u8> = (0..length).map(|_| rand::random()).collect();
                match (number % 4, bytes.first_mut()) {
                    (0, Some(first)) => *first = 0,
                    (1, Some(first)) => *first = 22,
                    _ => {}
                }
                if number % 5 == 0 {
                    bytes = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
                    bytes.extend([number as u8; 12]);
                }
                let _ = socket.send_to(&bytes, target);
            }
        }
    });
    for number in 0..200_u32 {
        let answer = soon(here.ask(&number.to_be_bytes())).await.unwrap();
        assert_eq!(answer, number.to_be_bytes());
    }
    flood.await.unwrap();
    listener.holds(1).await;
    assert!(listener.metrics.strangers_refused.get() > 0);
    assert!(listener.metrics.rate_limited.get() > 0);
}

#[tokio::test]
async fn a_stun_client_learns_its_address() {
    let listener = Listener::start(config()).await;
    let socket = bind().await;
    let mut request = vec![0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
    request.extend([3; 12]);
    socket.send_to(&request, listener.socket()).await.unwrap();
    let mut answer = [0; 100];
    let (length, _) = soon(socket.recv_from(&mut answer)).await.unwrap();
    let port = u16::from_be_bytes([answer[26], answer[27]]) ^ 0x2112;
    assert_eq!((length, port), (32, socket.local_addr().unwrap().port()));
}

#[tokio::test]
async fn who_comes_when_it_is_full_is_turned_away() {
    let server = Config {
        max_connections: 1,
        ..config()
    };
    let (listener, here, there) = pair_of(server, config()).await;
    let error = dial(impatient(), &listener.address).await.err().unwrap();
    assert!(matches!(error, Error::Ended(_)), "{error}");
    assert!(listener.metrics.turned_away.get() > 0);
    drop((here, there));
    listener.holds(0).await;
    dial(config(), &listener.address).await.unwrap();
}

#[tokio::test]
async fn every_connection_is_given_back() {
    let mut listener = Listener::start(config()).await;
    for _ in 0..20 {
        let mut peers = Vec::new();
        for _ in 0..5 {
            peers.push(dial(config(), &listener.address).await.unwrap());
            peers.push(listener.accept().await);
        }
        drop(peers);
        listener.holds(0).await;
    }
    assert_eq!(listener.metrics.accepted.get(), 100);
}
