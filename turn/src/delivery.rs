use std::net::SocketAddr;

use turn_types::{
    attribute::{Data, XorPeerAddress},
    message::DATA,
    stun::message::{
        Message, MessageClass, MessageType, MessageWrite, MessageWriteExt, MessageWriteVec,
        TransactionId,
    },
};

use crate::client::Client;

/// What a peer sent, on its way to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery<'a> {
    /// To whom.
    pub client: Client,
    /// By which channel; where there is none, as an indication.
    pub channel: Option<u16>,
    /// From whom.
    pub peer: SocketAddr,
    /// What.
    pub data: &'a [u8],
}

impl Delivery<'_> {
    /// The message to the client, in place of what was in `message`.
    pub fn write(&self, message: &mut Vec<u8>) {
        message.clear();
        if let Some(channel) = self.channel {
            message.extend_from_slice(&channel.to_be_bytes());
            message.extend_from_slice(&(self.data.len() as u16).to_be_bytes());
            message.extend_from_slice(self.data);
            return;
        }
        let transaction = TransactionId::generate();
        let kind = MessageType::from_class_method(MessageClass::Indication, DATA);
        let mut indication = Message::builder(
            kind,
            transaction,
            MessageWriteVec::with_capacity(self.data.len() + 64),
        );
        let peer = XorPeerAddress::new(self.peer, transaction);
        let written = indication
            .add_attribute(&peer)
            .and_then(|()| indication.add_attribute(&Data::new(self.data)));
        match written {
            Ok(()) => *message = indication.finish(),
            Err(error) => tracing::debug!(%error, "too long for an indication"),
        }
    }
}
