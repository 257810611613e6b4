//! One port: accepts connections, and makes them ready for what is spoken on them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::AsyncBufReadExt,
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    incoming::Ready,
    proxies::Proxies,
    tls::{ACME_TLS, TURN},
};

/// Connections that aren't ready yet: those that dawdle make way for nobody, but end soon.
const ARRIVING: usize = 1_024;
/// How long a connection may take until it is.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait when there are no file descriptors left.
const RELIEF: Duration = Duration::from_millis(500);

pub(super) struct Front {
    pub listener: TcpListener,
    pub tls: Option<TlsAcceptor>,
    pub proxies: Arc<Proxies>,
    pub turn: Option<velox_turn::Handle>,
    pub ready: mpsc::Sender<Ready>,
}

/// Where a connection goes on.
struct Guest {
    tls: Option<TlsAcceptor>,
    proxies: Arc<Proxies>,
    turn: Option<velox_turn::Handle>,
    ready: mpsc::Sender<Ready>,
}

impl Front {
    pub async fn run(self) {
        let arriving = Arc::new(Semaphore::new(ARRIVING));
        loop {
            let Ok(place) = arriving.clone().acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    let guest = Guest {
                        tls: self.tls.clone(),
                        proxies: self.proxies.clone(),
                        turn: self.turn.clone(),
                        ready: self.ready.clone(),
                    };
                    tokio::spawn(async move {
                        if let Err(error) = guest.receive(stream, remote, place).await {
                            tracing::debug!(%remote, %error, "connection ended before a request");
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept a connection");
                    tokio::time::sleep(RELIEF).await;
                }
            }
        }
    }
}

impl Guest {
    async fn receive(
        self,
        mut stream: TcpStream,
        remote: SocketAddr,
        place: tokio::sync::OwnedSemaphorePermit,
    ) -> io::Result<()> {
        // Attachments send small frames at any time: Nagle's algorithm would keep each back until
        // the page's kernel acknowledges the one before, which takes it up to 40 ms. A connection
        // that refuses is slower, and that is all.
        stream.set_nodelay(true).ok();
        let local = stream.local_addr()?;
        let remote = self.proxies.introduced(&mut stream, remote).await?;
        let Some(tls) = &self.tls else {
            self.ready.send((Box::new(stream), remote)).await.ok();
            return Ok(());
        };
        let shaken = async {
            let mut stream = tls.accept(stream).await?;
            let spoken = spoken(&mut stream).await?;
            Ok::<_, io::Error>((stream, spoken))
        };
        let shaken = tokio::time::timeout(PATIENCE, shaken).await;
        let (stream, spoken) = shaken.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
        drop(place);
        match (spoken, self.turn) {
            (Spoken::Http, _) => {
                self.ready.send((Box::new(stream), remote)).await.ok();
            }
            (Spoken::Turn, Some(turn)) => turn.serve(stream, local, remote).await,
            _ => {}
        }
        Ok(())
    }
}

enum Spoken {
    Http,
    Turn,
    Nothing,
}

/// What a client that has shaken hands is about to speak. Browsers' TURN doesn't name itself, but
/// begins with a byte that no request begins with.
async fn spoken(stream: &mut TlsStream<TcpStream>) -> io::Result<Spoken> {
    let protocol = stream.get_ref().1.alpn_protocol();
    if protocol == Some(ACME_TLS) {
        return Ok(Spoken::Nothing);
    }
    if protocol == Some(TURN) {
        return Ok(Spoken::Turn);
    }
    if protocol.is_some() {
        return Ok(Spoken::Http);
    }
    Ok(match stream.fill_buf().await?.first() {
        Some(0..=3) => Spoken::Turn,
        Some(_) => Spoken::Http,
        None => Spoken::Nothing,
    })
}
