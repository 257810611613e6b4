//! Hosts behind NATs, with sockets of the kernel's.
#![cfg(target_os = "linux")]

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use velox_forwarder::{
    Forwarder, Host, HostId, Laboratory, Line, Site,
    nat::{Chain, Kind},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// What doesn't arrive within this, where a packet takes 10 ms, was lost.
const LOST: Duration = Duration::from_millis(300);

const HOME: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 2);
const HOME_PUBLIC: Ipv4Addr = Ipv4Addr::new(20, 1, 0, 1);
const MOBILE: Ipv4Addr = Ipv4Addr::new(10, 20, 0, 2);
const MOBILE_PUBLIC: Ipv4Addr = Ipv4Addr::new(20, 2, 0, 1);
const SERVERS: [Ipv4Addr; 2] = [Ipv4Addr::new(20, 9, 0, 1), Ipv4Addr::new(20, 9, 0, 2)];

struct Scene {
    home: Host,
    servers: Vec<Host>,
    laboratory: Laboratory,
    _forwarder: Forwarder,
}

impl Scene {
    /// Hosts need root and TUN; a machine without them can't check this.
    fn new(kind: Kind) -> Option<Self> {
        let host = |address| {
            Host::new(address)
                .inspect_err(|error| println!("NOT checked: {error}"))
                .ok()
        };
        let (home, first, second) = (host(HOME)?, host(SERVERS[0])?, host(SERVERS[1])?);
        let site = |address, nats| Site {
            address,
            nats,
            line: Line {
                delay: Duration::from_millis(5),
                loss: 0.0,
            },
        };
        let laboratory = Laboratory::new(
            [
                site(HOME, Chain::new(kind, HOME_PUBLIC, 1)),
                site(SERVERS[0], Chain::default()),
                site(SERVERS[1], Chain::default()),
            ],
            1,
        );
        let forwarder =
            Forwarder::start([&home, &first, &second], laboratory.clone()).expect("forwards");
        Some(Scene {
            home,
            servers: vec![first, second],
            laboratory,
            _forwarder: forwarder,
        })
    }
}

fn udp(host: &Host) -> UdpSocket {
    let socket = host
        .inside(|| UdpSocket::bind("0.0.0.0:0"))
        .expect("enters")
        .expect("binds");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket
}

fn heard(socket: &UdpSocket) -> SocketAddr {
    socket.recv_from(&mut [0; 16]).expect("hears").1
}

fn send(socket: &UdpSocket, host: &Host, to: &UdpSocket) {
    let port = to.local_addr().expect("an address").port();
    socket
        .send_to(b"hello", (host.address(), port))
        .expect("sends");
}

#[test]
fn a_server_sees_the_nat_and_a_stranger_is_kept_out() {
    for kind in [Kind::PortRestricted, Kind::CarrierGrade, Kind::Symmetric] {
        let Some(scene) = Scene::new(kind) else {
            return;
        };
        let [server, stranger] = [&scene.servers[0], &scene.servers[1]];
        let (at_home, at_server, at_stranger) = (udp(&scene.home), udp(server), udp(stranger));
        send(&at_home, server, &at_server);
        let seen = heard(&at_server);
        assert_eq!(seen.ip(), HOME_PUBLIC, "{kind:?}");
        at_stranger.send_to(b"let me in", seen).unwrap();
        at_server.send_to(b"hello yourself", seen).unwrap();
        assert_eq!(
            heard(&at_home),
            (server.address(), at_server.local_addr().unwrap().port()).into()
        );
        at_home.set_read_timeout(Some(LOST)).unwrap();
        assert!(at_home.recv(&mut [0; 16]).is_err(), "{kind:?}: a stranger");
    }
}

#[test]
fn tcp_passes_also_where_udp_does_not() {
    let Some(scene) = Scene::new(Kind::UdpBlocked) else {
        return;
    };
    let server = &scene.servers[0];
    let listener = server
        .inside(|| TcpListener::bind("0.0.0.0:80"))
        .unwrap()
        .unwrap();
    let answering = thread::spawn(move || {
        let (mut connection, from) = listener.accept().unwrap();
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes).unwrap();
        connection.write_all(&bytes).unwrap();
        from
    });
    // More than one segment, so that lengths and checksums of all sizes pass.
    let sent: Vec<u8> = (0..100_000u32).map(|number| number as u8).collect();
    let address = server.address();
    let mut connection = scene
        .home
        .inside(|| TcpStream::connect((address, 80)))
        .unwrap()
        .unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    connection.write_all(&sent).unwrap();
    connection.shutdown(std::net::Shutdown::Write).unwrap();
    let mut got = Vec::new();
    connection.read_to_end(&mut got).unwrap();
    assert!(got == sent);
    assert_eq!(answering.join().unwrap().ip(), HOME_PUBLIC);

    let (at_home, at_server) = (udp(&scene.home), udp(server));
    at_server.set_read_timeout(Some(LOST)).unwrap();
    send(&at_home, server, &at_server);
    assert!(at_server.recv(&mut [0; 16]).is_err());
}

#[test]
fn a_host_that_moves_speaks_from_elsewhere() {
    let Some(mut scene) = Scene::new(Kind::FullCone) else {
        return;
    };
    let at_home = udp(&scene.home);
    let at_server = udp(&scene.servers[0]);
    send(&at_home, &scene.servers[0], &at_server);
    let before = heard(&at_server);
    scene.laboratory.change(HostId(0), |site| {
        site.address = MOBILE;
        site.nats = Chain::new(Kind::FullCone, MOBILE_PUBLIC, 2);
    });
    scene.home.readdress(MOBILE).unwrap();
    assert_eq!(scene.home.address(), MOBILE);
    // A socket that is bound to no address goes along.
    send(&at_home, &scene.servers[0], &at_server);
    let after = heard(&at_server);
    assert_eq!(
        (before.ip(), after.ip()),
        (HOME_PUBLIC.into(), MOBILE_PUBLIC.into())
    );
    at_server.send_to(b"late", before).unwrap();
    at_server.send_to(b"in time", after).unwrap();
    let mut bytes = [0; 16];
    let length = at_home.recv(&mut bytes).unwrap();
    assert_eq!(&bytes[..length], b"in time");
}
