//! What a TURN server relays: `load <server> <secret> <clients> <seconds>`. Each client has a
//! channel to a peer that sends everything back, and keeps a window of datagrams under way; all
//! goes through the server twice. Prints one JSON object: bytes relayed, datagrams lost.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use turn_types::{
    attribute::{ChannelNumber, RequestedTransport, XorPeerAddress},
    channel::ChannelData,
    message::{ALLOCATE, CHANNEL_BIND},
    stun::{
        attribute::{AttributeWrite, Nonce, Realm, Username},
        message::{
            IntegrityAlgorithm, LongTermKeyCredentials, Message, MessageClass, MessageType,
            MessageWrite, MessageWriteExt, MessageWriteVec, Method, TransactionId,
        },
    },
};
use velox_turn::{Credentials, Moment, Secret};

/// Bytes of a datagram, as a browser's of a data channel.
const DATAGRAM: usize = 1_200;
/// Datagrams of one client that are under way.
const WINDOW: usize = 32;
const CHANNEL: u16 = 0x4000;
/// After so long what isn't back is lost.
const LOST: Duration = Duration::from_millis(50);

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [server, secret, clients, seconds] = &arguments[..] else {
        return Err("usage: load <server> <secret> <clients> <seconds>".into());
    };
    let server: SocketAddr = server.parse()?;
    let length = Duration::from_secs(seconds.parse()?);
    let hour = Moment::read().unix + 3_600;
    let credentials = Secret::new(secret.as_bytes()).issue("load", hour);
    let echo = UdpSocket::bind("127.0.0.1:0")?;
    let peer = echo.local_addr()?;
    std::thread::spawn(move || send_back(&echo));
    let began = Instant::now();
    let clients: Vec<_> = (0..clients.parse()?)
        .map(|_| {
            let credentials = credentials.clone();
            std::thread::spawn(move || client(server, peer, &credentials, length))
        })
        .collect();
    let (mut back, mut lost) = (0, 0);
    for client in clients {
        let (received, missing) = client.join().map_err(|_| "a client panicked")??;
        back += received;
        lost += missing;
    }
    println!(
        "{{\"bytes\":{},\"lost\":{lost},\"seconds\":{}}}",
        2 * back * DATAGRAM,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn send_back(socket: &UdpSocket) {
    let mut buffer = [0; 2_048];
    while let Ok((length, from)) = socket.recv_from(&mut buffer) {
        let _ = socket.send_to(&buffer[..length], from);
    }
}

/// Datagrams that came back, and that didn't.
fn client(
    server: SocketAddr,
    peer: SocketAddr,
    credentials: &Credentials,
    length: Duration,
) -> Result<(usize, usize), Failure> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let udp = RequestedTransport::new(RequestedTransport::UDP);
    let nonce = ask(&socket, credentials, None, ALLOCATE, &|_| {
        vec![Box::new(udp.clone())]
    })?;
    let nonce = nonce.ok_or("no challenge")?;
    ask(&socket, credentials, Some(&nonce), ALLOCATE, &|_| {
        vec![Box::new(udp.clone())]
    })?;
    ask(
        &socket,
        credentials,
        Some(&nonce),
        CHANNEL_BIND,
        &|transaction| {
            vec![
                Box::new(ChannelNumber::new(CHANNEL)),
                Box::new(XorPeerAddress::new(peer, transaction)),
            ]
        },
    )?;
    socket.set_read_timeout(Some(LOST))?;
    let mut message = [0; DATAGRAM + 4];
    ChannelData::new(CHANNEL, &[7; DATAGRAM]).write_into_unchecked(&mut message);
    let (mut back, mut lost, mut under_way) = (0, 0, 0);
    let mut buffer = [0; 2_048];
    let end = Instant::now() + length;
    while Instant::now() < end {
        while under_way < WINDOW {
            socket.send(&message)?;
            under_way += 1;
        }
        match socket.recv(&mut buffer) {
            Ok(_) => {
                back += 1;
                under_way -= 1;
            }
            Err(_) => lost += std::mem::take(&mut under_way),
        }
    }
    Ok((back, lost))
}

type Attributes = Vec<Box<dyn AttributeWrite>>;

/// Asks, and gives the nonce of the answer where it is a challenge.
fn ask(
    socket: &UdpSocket,
    credentials: &Credentials,
    nonce: Option<&(String, String)>,
    method: Method,
    attributes: &dyn Fn(TransactionId) -> Attributes,
) -> Result<Option<(String, String)>, Failure> {
    let transaction = TransactionId::generate();
    let kind = MessageType::from_class_method(MessageClass::Request, method);
    let mut request = Message::builder(kind, transaction, MessageWriteVec::new());
    for attribute in attributes(transaction) {
        request.add_attribute(&*attribute)?;
    }
    if let Some((realm, nonce)) = nonce {
        request.add_attribute(&Username::new(&credentials.username)?)?;
        request.add_attribute(&Realm::new(realm)?)?;
        request.add_attribute(&Nonce::new(nonce)?)?;
        let key = LongTermKeyCredentials::new(
            credentials.username.clone(),
            credentials.password.clone(),
            realm.clone(),
        );
        request.add_message_integrity(&key.into(), IntegrityAlgorithm::Sha1)?;
    }
    socket.send(&request.finish())?;
    let mut buffer = [0; 2_048];
    let length = socket.recv(&mut buffer)?;
    let answer = Message::from_bytes(&buffer[..length])?;
    match (answer.class(), nonce) {
        (MessageClass::Success, _) => Ok(None),
        (_, None) => Ok(Some((
            answer.attribute::<Realm>()?.realm().to_owned(),
            answer.attribute::<Nonce>()?.nonce().to_owned(),
        ))),
        _ => Err(format!("refused: {answer}").into()),
    }
}
