//! Clients that are connected by TCP, or by TLS over it.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::mpsc,
    time::timeout,
};
use velox_sockets::block;

use super::{Inner, Shared, outbox::Outbox};
use crate::{
    client::{Client, Moment},
    config::Config,
    framing::{Framing, padding},
};

/// Messages that wait for one client, besides the bound on their bytes.
const QUEUE: usize = 1_024;
/// How long a client may say nothing: a little more than an allocation lasts without a refresh.
const SILENCE: Duration = Duration::from_secs(660);
/// How long a stream has for its first message.
const FIRST: Duration = Duration::from_secs(30);

/// Where messages for clients go in.
#[derive(Debug)]
pub(super) struct Streams {
    open: HashMap<u64, Open>,
    next: u64,
    most: usize,
    most_per_address: usize,
    max_queue: usize,
}

#[derive(Debug)]
struct Open {
    source: IpAddr,
    queue: mpsc::Sender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

impl Streams {
    pub fn new(config: &Config) -> Self {
        Streams {
            open: HashMap::new(),
            next: 0,
            most: config.max_streams,
            most_per_address: config.max_streams_per_address,
            max_queue: config.max_queue,
        }
    }

    /// Queues an answer.
    pub fn say(&self, stream: u64, message: &[u8]) {
        if let Some(open) = self.open.get(&stream) {
            open.push(message);
        }
    }

    /// Queues what was relayed, if there is room.
    pub fn pass(&self, stream: u64, message: &[u8]) {
        if let Some(open) = self.open.get(&stream)
            && open.waiting.load(Relaxed) + message.len() <= self.max_queue
        {
            open.push(message);
        }
    }

    /// A place for a stream from there, if there is one.
    fn open(&mut self, remote: SocketAddr) -> Option<(u64, Receiver)> {
        let source = block(remote.ip());
        let same = self.open.values().filter(|open| open.source == source);
        if self.open.len() >= self.most || same.count() >= self.most_per_address {
            return None;
        }
        let (queue, queued) = mpsc::channel(QUEUE);
        let waiting = Arc::new(AtomicUsize::new(0));
        let id = self.next;
        self.next += 1;
        let open = Open {
            source,
            queue,
            waiting: waiting.clone(),
        };
        self.open.insert(id, open);
        Some((id, Receiver { queued, waiting }))
    }
}

impl Open {
    fn push(&self, message: &[u8]) {
        let framed = [message, padding(message)].concat();
        let length = framed.len();
        if self.queue.try_send(framed).is_ok() {
            self.waiting.fetch_add(length, Relaxed);
        }
    }
}

struct Receiver {
    queued: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
}

/// Serves one client until its stream ends.
pub(super) async fn serve(
    shared: Arc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
    local: SocketAddr,
    remote: SocketAddr,
) {
    let Some((id, receiver)) = shared.lock().streams.open(remote) else {
        tracing::debug!(%remote, "no more TURN streams");
        return;
    };
    let client = Client {
        local,
        remote,
        stream: Some(id),
    };
    let place = Place { shared, client };
    let (reader, writer) = tokio::io::split(stream);
    tokio::select! {
        () = read(&place, reader) => {}
        _ = write(receiver, writer) => {}
    }
}

/// Given back when the stream ends, however it does.
struct Place {
    shared: Arc<Shared>,
    client: Client,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        let Inner {
            server,
            sockets,
            streams,
        } = &mut *inner;
        server.gone(&self.client, sockets);
        if let Some(stream) = self.client.stream {
            streams.open.remove(&stream);
        }
    }
}

async fn read(place: &Place, mut reader: impl AsyncRead + Unpin) {
    let (mut framing, mut outbox) = (Framing::default(), Outbox::default());
    let mut buffer = vec![0; 16 * 1024];
    let mut patience = FIRST;
    while let Ok(Ok(length @ 1..)) = timeout(patience, reader.read(&mut buffer)).await {
        framing.add(&buffer[..length]);
        let now = Moment::read();
        {
            let mut inner = place.shared.lock();
            loop {
                match framing.take() {
                    Ok(Some(message)) => {
                        inner.client_sent(&place.shared, place.client, message, &mut outbox, now);
                        patience = SILENCE;
                    }
                    Ok(None) => break,
                    Err(foreign) => {
                        tracing::debug!(client = %place.client.remote, %foreign, "stream ended");
                        return;
                    }
                }
            }
        }
        outbox.send();
    }
}

async fn write(mut receiver: Receiver, mut writer: impl AsyncWrite + Unpin) -> io::Result<()> {
    while let Some(mut message) = receiver.queued.recv().await {
        while message.len() < 64 * 1024
            && let Ok(next) = receiver.queued.try_recv()
        {
            message.extend_from_slice(&next);
        }
        writer.write_all(&message).await?;
        writer.flush().await?;
        receiver.waiting.fetch_sub(message.len(), Relaxed);
    }
    Ok(())
}
