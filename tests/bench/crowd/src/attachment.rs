//! What an idle peer says on its attachment: hello, and a pong for each ping.

use std::collections::VecDeque;

use velox_mesh::wire::{
    VERSION,
    attach::{Bye, FromNode, FromPeer, Hello},
    cbor, frame, limits,
};

use crate::failure::Failure;

/// What carries an attachment's byte stream.
pub trait Carrier: Send + 'static {
    fn send(&mut self, bytes: &[u8]) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The next bytes, at least one.
    fn receive(&mut self) -> impl Future<Output = Result<Vec<u8>, Failure>> + Send;
}

/// An attachment that the node has welcomed.
pub struct Attachment<C> {
    carrier: C,
    decoder: frame::Decoder,
    waiting: VecDeque<FromNode>,
}

impl<C: Carrier> Attachment<C> {
    /// Says hello; returns when the welcome has come.
    pub async fn open(carrier: C, network: &str) -> Result<Self, Failure> {
        let mut attachment = Attachment {
            carrier,
            decoder: frame::Decoder::new(limits::ATTACH_FRAME),
            waiting: VecDeque::new(),
        };
        let hello = Hello {
            versions: vec![VERSION],
            network: network.to_owned(),
            agent: concat!("velox-crowd/", env!("CARGO_PKG_VERSION")).to_owned(),
            token: None,
        };
        attachment.say(FromPeer::Hello(hello)).await?;
        match attachment.next().await? {
            FromNode::Welcome(_) => Ok(attachment),
            other => Err(Failure::Protocol(format!("not welcome: {other:?}"))),
        }
    }

    /// Answers pings until the node ends it.
    pub async fn stay(&mut self, mut pinged: impl FnMut()) -> Result<(), Failure> {
        loop {
            if let FromNode::Ping(beat) = self.next().await? {
                pinged();
                self.say(FromPeer::Pong(beat)).await?;
            }
        }
    }

    /// As a page that is closed.
    pub async fn leave(mut self) -> Result<(), Failure> {
        self.say(FromPeer::Bye(Bye {})).await
    }

    async fn say(&mut self, message: FromPeer) -> Result<(), Failure> {
        let mut bytes = Vec::new();
        frame::push(&mut bytes, &cbor::encode(&message));
        self.carrier.send(&bytes).await
    }

    async fn next(&mut self) -> Result<FromNode, Failure> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Ok(message);
            }
            self.decoder.extend(&self.carrier.receive().await?);
            while let Some(frame) = self.decoder.next_frame()? {
                let message = cbor::decode("message", &frame, limits::ATTACH_FRAME)?;
                self.waiting.push_back(message);
            }
        }
    }
}
