//! Connections on their way to the HTTP server, however they came.

use std::{io, net::SocketAddr};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

/// Where a request comes from: the client itself, where a trusted proxy says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote(pub SocketAddr);

/// Any byte stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A stream that is ready for a request, and from where.
pub(super) type Ready = (Box<dyn Stream>, SocketAddr);

/// What axum accepts from: streams that others have accepted and, where it applies, decrypted.
pub(super) struct Incoming {
    pub ready: mpsc::Receiver<Ready>,
    pub local: SocketAddr,
}

impl Listener for Incoming {
    type Io = Box<dyn Stream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Ready {
        match self.ready.recv().await {
            Some(ready) => ready,
            // The accepting tasks have ended: the server is about to.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }
}

impl Connected<IncomingStream<'_, Incoming>> for Remote {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        Remote(*stream.remote_addr())
    }
}
