//! How punctual the forwarder is, and how much it carries, on this machine:
//! `cargo bench -p velox-forwarder`, as root.
#![cfg(target_os = "linux")]

use std::{
    error::Error,
    net::UdpSocket,
    thread,
    time::{Duration, Instant},
};

use velox_forwarder::{Forwarder, Host, Links};

const PINGS: usize = 400;
const BULK: Duration = Duration::from_secs(3);

fn main() -> Result<(), Box<dyn Error>> {
    println!("one way minus wanted, ms, {PINGS} packets each");
    println!("| wanted | p50 | p99 | most |\n| ---: | ---: | ---: | ---: |");
    for wanted in [0, 1, 5, 17, 58, 164] {
        let mut over = pings(Duration::from_millis(wanted))?;
        over.sort_unstable();
        let at = |p: f64| over[((over.len() - 1) as f64 * p) as usize].as_secs_f64() * 1e3;
        println!(
            "| {wanted} | {:.3} | {:.3} | {:.3} |",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    bulk()
}

struct Pair {
    ann: Host,
    bob: Host,
    _network: Forwarder,
}

impl Pair {
    fn new(delay: Duration) -> Result<Self, velox_forwarder::Error> {
        let ann = Host::new([10, 77, 1, 1].into())?;
        let bob = Host::new([10, 77, 2, 1].into())?;
        let links = Links::uniform([ann.address(), bob.address()], delay);
        let network = Forwarder::start([&ann, &bob], links)?;
        Ok(Pair {
            ann,
            bob,
            _network: network,
        })
    }

    fn sockets(&self) -> Result<(UdpSocket, UdpSocket), Box<dyn Error>> {
        let socket = |host: &Host| {
            let socket = host.inside(|| UdpSocket::bind((host.address(), 0)))??;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            Ok::<_, Box<dyn Error>>(socket)
        };
        Ok((socket(&self.ann)?, socket(&self.bob)?))
    }
}

/// How much longer than wanted packets took.
fn pings(delay: Duration) -> Result<Vec<Duration>, Box<dyn Error>> {
    let pair = Pair::new(delay)?;
    let (at_ann, at_bob) = pair.sockets()?;
    at_ann.connect(at_bob.local_addr()?)?;
    let start = Instant::now();
    let receiver = thread::spawn(move || {
        let mut over = Vec::new();
        let mut bytes = [0; 8];
        while over.len() < PINGS && at_bob.recv(&mut bytes).is_ok() {
            let sent = Duration::from_nanos(u64::from_le_bytes(bytes));
            over.push((start.elapsed() - sent).saturating_sub(delay));
        }
        over
    });
    for number in 0..PINGS {
        let sent = start.elapsed().as_nanos() as u64;
        at_ann.send(&sent.to_le_bytes())?;
        thread::sleep(Duration::from_micros(
            3_000 + (number as u64 * 7919) % 4_000,
        ));
    }
    Ok(receiver.join().expect("it doesn't panic"))
}

/// How much passes when a host sends as fast as it can.
fn bulk() -> Result<(), Box<dyn Error>> {
    let pair = Pair::new(Duration::from_millis(20))?;
    let (at_ann, at_bob) = pair.sockets()?;
    at_ann.connect(at_bob.local_addr()?)?;
    let receiver = thread::spawn(move || {
        let (mut bytes, mut count) = ([0; 2048], 0u64);
        while at_bob.recv(&mut bytes).is_ok() {
            count += 1;
        }
        count
    });
    let start = Instant::now();
    while start.elapsed() < BULK {
        at_ann.send(&[0; 1200])?;
    }
    let count = receiver.join().expect("it doesn't panic") as f64;
    let seconds = BULK.as_secs_f64();
    println!(
        "\nas fast as a host sends: {:.0} packets of 1,200 bytes a second, {:.0} MB/s",
        count / seconds,
        count * 1200.0 / seconds / 1e6
    );
    Ok(())
}
