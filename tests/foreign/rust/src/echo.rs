//! `/echo/1.0.0`: what was sent until its sender closed his half comes back.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p_request_response::{self as request_response, Codec, ProtocolSupport};

/// More than any test sends.
const MOST: u64 = 4 * 1024 * 1024;
/// Streams of one connection that are served at once.
const STREAMS: usize = 256;

/// A behaviour that tells of every request.
pub type Behaviour = request_response::Behaviour<Bytes>;

pub fn behaviour() -> Behaviour {
    request_response::Behaviour::with_codec(
        Bytes,
        [(StreamProtocol::new("/echo/1.0.0"), ProtocolSupport::Inbound)],
        request_response::Config::default()
            .with_request_timeout(Duration::from_secs(60))
            .with_max_concurrent_streams(STREAMS),
    )
}

/// Requests and answers that are bytes to their stream's end.
#[derive(Clone)]
pub struct Bytes;

async fn read(io: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io.take(MOST).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

impl Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&request).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&response).await
    }
}
