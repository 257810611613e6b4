//! Why a peer, or the program, fails.

use velox_mesh::wire::Malformed;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("can't dial {0}: give /ip4/…/udp/…/webrtc-direct/… or /ip4/…/tcp/…/ws")]
    Address(String),
    #[error("{what}: {source}")]
    Io {
        what: &'static str,
        source: std::io::Error,
    },
    #[error("WebRTC-direct: {0}")]
    Direct(#[from] Box<libp2p_webrtc_direct::Error>),
    #[error("WebSocket: {0}")]
    WebSocket(#[from] Box<tokio_tungstenite::tungstenite::Error>),
    #[error("Noise: {0}")]
    Noise(#[from] snow::Error),
    #[error("protocol: {0}")]
    Protocol(String),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("the node has ended the attachment")]
    Ended,
    #[error("no {0} in time")]
    Late(&'static str),
    #[error(transparent)]
    Peer(#[from] velox_mesh::peer::PeerError),
}

impl Failure {
    pub fn io(what: &'static str) -> impl Fn(std::io::Error) -> Failure {
        move |source| Failure::Io { what, source }
    }
}

impl From<libp2p_webrtc_direct::Error> for Failure {
    fn from(error: libp2p_webrtc_direct::Error) -> Self {
        Failure::Direct(Box::new(error))
    }
}

impl From<tokio_tungstenite::tungstenite::Error> for Failure {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Failure::WebSocket(Box::new(error))
    }
}
