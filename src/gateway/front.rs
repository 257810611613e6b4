//! One port: accepts connections, and makes them ready for what is spoken on them.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::AsyncBufReadExt,
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use velox_sockets::block;

use super::{
    incoming::Ready,
    proxies::Proxies,
    tls::{ACME_TLS, TURN},
};

/// Connections that aren't ready yet: those that dawdle make way for nobody, but end soon.
const ARRIVING: usize = 1_024;
/// Such connections of one address, or one IPv6 /64, unless it is a trusted proxy's: one host that
/// dawdles doesn't take all the places.
const ARRIVING_FROM_ONE: usize = 64;
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

/// Connections that arrive, by source.
type Sources = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// A connection among those of its source, until it is dropped.
struct Here {
    sources: Sources,
    source: IpAddr,
}

/// Held by a connection until it is ready.
struct Place {
    _place: OwnedSemaphorePermit,
    _here: Here,
}

impl Here {
    /// Nothing if the source has as many as it may; a proxy's are everybody's.
    fn count(sources: &Sources, ip: IpAddr, proxy: bool) -> Option<Self> {
        let source = block(ip);
        let mut counts = sources.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(source).or_default();
        if *count >= ARRIVING_FROM_ONE && !proxy {
            return None;
        }
        *count += 1;
        drop(counts);
        Some(Here {
            sources: sources.clone(),
            source,
        })
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let mut counts = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.source);
            }
        }
    }
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
        let places = Arc::new(Semaphore::new(ARRIVING));
        let sources: Sources = Arc::default();
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            match self.listener.accept().await {
                Ok((stream, remote)) => {
                    let proxy = self.proxies.trusts(remote.ip());
                    let Some(here) = Here::count(&sources, remote.ip(), proxy) else {
                        tracing::debug!(%remote, "too many connections of one address arrive");
                        continue;
                    };
                    let place = Place {
                        _place: place,
                        _here: here,
                    };
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
        place: Place,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_has_so_many_places_and_gets_them_back() {
        let sources = Sources::default();
        let ip = "192.0.2.1".parse().unwrap();
        let held: Vec<_> = (0..ARRIVING_FROM_ONE)
            .map(|_| Here::count(&sources, ip, false).unwrap())
            .collect();
        assert!(Here::count(&sources, ip, false).is_none());
        assert!(Here::count(&sources, ip, true).is_some(), "a proxy");
        assert!(Here::count(&sources, "192.0.2.2".parse().unwrap(), false).is_some());
        drop(held);
        assert!(Here::count(&sources, ip, false).is_some());
        assert!(sources.lock().unwrap().is_empty());
    }
}
