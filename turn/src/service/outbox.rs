use std::{net::SocketAddr, sync::Arc};

use velox_sockets::{Backlog, Socket};

use super::{Shared, streams::Streams};
use crate::{client::Client, delivery::Delivery};

/// Datagrams that one batch of received ones has led to, by socket: they leave together.
#[derive(Default)]
pub(super) struct Outbox {
    datagrams: Vec<(Arc<Socket>, Backlog)>,
    message: Vec<u8>,
}

impl Outbox {
    /// Answers a client.
    pub fn answer(&mut self, shared: &Shared, streams: &Streams, client: Client, answer: &[u8]) {
        match client.stream {
            Some(stream) => streams.say(stream, answer),
            None => self.datagram(shared, client, answer),
        }
    }

    /// Hands a client what a peer sent.
    pub fn deliver(&mut self, shared: &Shared, streams: &Streams, delivery: Delivery) {
        let mut message = std::mem::take(&mut self.message);
        delivery.write(&mut message);
        match delivery.client.stream {
            Some(stream) => streams.pass(stream, &message),
            None => self.datagram(shared, delivery.client, &message),
        }
        self.message = message;
    }

    /// Sends to a peer.
    pub fn relay(&mut self, socket: &Arc<Socket>, peer: SocketAddr, data: &[u8]) {
        self.push(socket, socket.local(), peer, data);
    }

    /// Sends what has been gathered. What the kernel has no room for is lost: a relay that made
    /// it wait would hold up everybody.
    pub fn send(&mut self) {
        for (socket, backlog) in &mut self.datagrams {
            socket.send(backlog);
        }
        self.datagrams.clear();
    }

    fn datagram(&mut self, shared: &Shared, client: Client, message: &[u8]) {
        if let Some(socket) = shared.listener(&client) {
            self.push(socket, client.local, client.remote, message);
        }
    }

    fn push(&mut self, socket: &Arc<Socket>, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        let known = self
            .datagrams
            .iter_mut()
            .find(|(other, _)| Arc::ptr_eq(other, socket));
        let backlog = match known {
            Some((_, backlog)) => backlog,
            None => {
                self.datagrams.push((socket.clone(), socket.backlog()));
                &mut self.datagrams.last_mut().expect("just pushed").1
            }
        };
        backlog.push(from, to, datagram);
    }
}
