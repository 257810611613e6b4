//! Who is at the other end: Noise XX on channel 0, bound to both certificates.

use libp2p_core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use libp2p_identity::{Keypair, PeerId};

use crate::{
    connection::Role, error::Error, link::NOISE, muxer::Connection, stream::handle::Stream,
};

/// Runs the handshake. The server of the connection begins it, since in DTLS 1.2 the server is
/// who can send first.
pub(crate) async fn authenticate(
    identity: &Keypair,
    role: Role,
    connection: Connection,
    prologue: Vec<u8>,
    expected: Option<PeerId>,
) -> Result<(PeerId, Connection), Error> {
    let stream = Stream::new(connection.link().clone(), NOISE);
    let noise = libp2p_noise::Config::new(identity)?.with_prologue(prologue);
    let outcome = match role {
        Role::Server => noise.upgrade_outbound(stream, "/noise").await,
        Role::Client => noise.upgrade_inbound(stream, "/noise").await,
    };
    let actual = match outcome {
        Ok((peer, _)) => peer,
        Err(error) => {
            return Err(match connection.link().lock().ended.clone() {
                Some(why) => Error::Ended(why),
                None => Error::Noise(error),
            });
        }
    };
    if let Some(expected) = expected
        && expected != actual
    {
        return Err(Error::WrongPeer { expected, actual });
    }
    let link = connection.link();
    let mut shared = link.lock();
    shared.authenticated = true;
    link.call(&mut shared);
    drop(shared);
    Ok((actual, connection))
}
