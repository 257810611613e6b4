//! Streams of one connection: many, large, half-closed, reset.
#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

mod support;

use std::{io::ErrorKind, time::Duration};

use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, stream::FuturesUnordered};
use libp2p_webrtc_direct::Config;
use support::{config, pair, pair_of, soon};

#[tokio::test]
async fn two_thousand_streams_one_after_another() {
    let (_listener, here, there) = pair().await;
    there.echo();
    for number in 0..2_000_u32 {
        let answer = soon(here.ask(&number.to_be_bytes())).await.unwrap();
        assert_eq!(answer, number.to_be_bytes(), "stream {number}");
    }
}

#[tokio::test]
async fn sixty_four_streams_at_once_from_both_ends() {
    let (_listener, here, there) = pair().await;
    here.echo();
    there.echo();
    for round in 0..3_u8 {
        let bytes = vec![round; 20_000];
        let mut asked: FuturesUnordered<_> = (0..128)
            .map(|number| {
                let (peer, bytes) = (if number % 2 == 0 { &here } else { &there }, &bytes);
                async move { peer.ask(bytes).await }
            })
            .collect();
        while let Some(answer) = soon(asked.next()).await {
            assert_eq!(answer.unwrap().len(), bytes.len());
        }
    }
}

#[tokio::test]
async fn a_half_closed_stream_still_answers() {
    let (_listener, here, there) = pair().await;
    let mut ours = here.open().await.unwrap();
    ours.write_all(b"question").await.unwrap();
    soon(ours.close()).await.unwrap();
    let mut theirs = soon(there.accept()).await.unwrap();
    let mut question = String::new();
    soon(theirs.read_to_string(&mut question)).await.unwrap();
    assert_eq!(question, "question");
    theirs.write_all(b"answer").await.unwrap();
    soon(theirs.close()).await.unwrap();
    let mut answer = String::new();
    soon(ours.read_to_string(&mut answer)).await.unwrap();
    assert_eq!(answer, "answer");
    let error = ours.write_all(b"more").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn a_dropped_stream_is_reset_at_the_other_end() {
    let (_listener, here, there) = pair().await;
    let mut ours = here.open().await.unwrap();
    ours.write_all(b"last words").await.unwrap();
    let mut theirs = soon(there.accept()).await.unwrap();
    drop(ours);
    let mut read = Vec::new();
    let error = soon(theirs.read_to_end(&mut read)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(read, b"last words");
    let written = soon(async {
        loop {
            if let Err(error) = theirs.write_all(&[0; 1024]).await {
                return error;
            }
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(written.await.kind(), ErrorKind::BrokenPipe);
    there.echo();
    assert_eq!(
        soon(here.ask(b"others live")).await.unwrap(),
        b"others live"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_flows_both_ways_at_once() {
    let (_listener, here, there) = pair().await;
    there.echo();
    let bytes: Vec<u8> = (0..8_000_000_u32).map(|n| (n % 251) as u8).collect();
    let start = std::time::Instant::now();
    let answer = soon(here.ask(&bytes)).await.unwrap();
    println!("8 MB there and back in {:?}", start.elapsed());
    assert!(answer == bytes, "not a byte is lost or changed");
}

#[tokio::test]
async fn large_messages_arrive_whole() {
    let (_listener, here, there) = pair().await;
    there.echo();
    for number in 0..200_u8 {
        let bytes = vec![number; 60_000];
        assert!(soon(here.ask(&bytes)).await.unwrap() == bytes);
    }
}

#[tokio::test]
async fn who_does_not_read_is_waited_for() {
    let server = Config {
        receive_window: 128 * 1024,
        ..config()
    };
    let (_listener, here, there) = pair_of(server, config()).await;
    let mut ours = here.open().await.unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 253) as u8).collect();
    let sent = bytes.clone();
    let (progress, written) = tokio::sync::watch::channel(0);
    let writer = tokio::spawn(async move {
        for part in sent.chunks(10_000) {
            ours.write_all(part).await.unwrap();
            progress.send_modify(|all| *all += part.len());
        }
        ours.close().await.unwrap();
    });
    let mut theirs = soon(there.accept()).await.unwrap();
    // Until nothing moves for as long as SCTP waits before it sends again.
    let mut watched = written.clone();
    while tokio::time::timeout(Duration::from_secs(2), watched.changed())
        .await
        .is_ok()
    {}
    let held = *written.borrow();
    assert!(
        (128 * 1024..1_000_000).contains(&held),
        "{held} bytes were taken"
    );
    let mut read = Vec::new();
    soon(theirs.read_to_end(&mut read)).await.unwrap();
    assert!(read == bytes, "and nothing is lost");
    drop(theirs);
    soon(writer).await.unwrap();
}
