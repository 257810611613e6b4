//! A node dials another.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use libp2p_webrtc_direct::{Certificate, Config, Ended, Error, Version};
use support::{Listener, config, dial, pair, pair_of, soon};

#[tokio::test]
async fn both_handshakes_authenticate_both_ends() {
    for version in [Version::V1, Version::V2] {
        let client = Config {
            dial_version: version,
            ..config()
        };
        let us = client.identity.public().to_peer_id();
        let (listener, here, there) = pair_of(config(), client).await;
        assert_eq!((here.id, there.id), (listener.peer, us), "{version:?}");
        there.echo();
        let answer = soon(here.ask(b"hello")).await.unwrap();
        assert_eq!(answer, b"hello");
        here.echo();
        let answer = soon(there.ask(b"and back")).await.unwrap();
        assert_eq!(answer, b"and back");
    }
}

#[tokio::test]
async fn a_certificate_is_the_same_after_a_restart() {
    let server = config();
    let pem = server.certificate.to_pem();
    let (listener, here, _there) = pair_of(server, config()).await;
    let hash = |address: &libp2p_core::Multiaddr| {
        libp2p_webrtc_direct::address::to_dial(address)
            .unwrap()
            .certhash
    };
    let before = hash(&listener.address);
    drop(here);
    let again = Config {
        certificate: Certificate::from_pem(&pem).unwrap(),
        ..config()
    };
    let listener = Listener::start(again).await;
    assert_eq!(hash(&listener.address), before);
    dial(config(), &listener.address).await.unwrap();
}

#[tokio::test]
async fn a_wrong_certhash_is_refused() {
    let listener = Listener::start(config()).await;
    let other = Listener::start(config()).await;
    let address: libp2p_core::Multiaddr = listener
        .address
        .to_string()
        .split("/certhash/")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let wrong = address.with(
        other
            .address
            .iter()
            .find(|part| part.tag() == "certhash")
            .unwrap(),
    );
    let error = dial(config(), &wrong).await.err().unwrap();
    assert!(matches!(error, Error::Ended(Ended::Failed(_))), "{error}");
}

#[tokio::test]
async fn somebody_else_at_the_address_is_refused() {
    let listener = Listener::start(config()).await;
    let text = listener.address.to_string();
    let (address, _) = text.split_once("/p2p/").unwrap();
    let stranger = config().identity.public().to_peer_id();
    let wrong = format!("{address}/p2p/{stranger}").parse().unwrap();
    let error = dial(config(), &wrong).await.err().unwrap();
    assert!(matches!(error, Error::WrongPeer { .. }), "{error}");
}

#[tokio::test]
async fn who_closes_is_noticed_at_once() {
    let (listener, here, there) = pair().await;
    let start = std::time::Instant::now();
    here.close().await;
    assert_eq!(soon(there.ended()).await, Ended::ByPeer);
    assert!(start.elapsed() < config().silence_timeout / 2);
    listener.holds(0).await;
    let (listener, here, there) = pair().await;
    drop(there);
    assert_eq!(soon(here.ended()).await, Ended::ByPeer);
    listener.holds(0).await;
}
