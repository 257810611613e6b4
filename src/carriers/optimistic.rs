//! Streams whose protocol is taken as agreed on.
//!
//! Who opens a stream says by multistream-select which protocol it is for, and waits for the other
//! side's consent before it says more: a round trip for each question to the DHT and each link. Nodes
//! speak all of this project's protocols, so consent to one of them is assumed here, and
//! checked when it comes. To everybody else the bytes are those of any other negotiation.
//!
//! multistream-select's own lazy form would do so for every protocol, also for those that many who
//! are connected don't know of: libp2p's ping and gossipsub would take them for theirs.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use futures::{AsyncRead, AsyncWrite};

use super::linger::Left;

/// How negotiations begin.
const HEADER: &[u8] = b"\x13/multistream/1.0.0\n";
/// What protocols are called that nodes speak.
const OURS: &[u8] = b"/velox/";
/// The longest name whose length takes one byte.
const LONGEST: u8 = 127;

/// A stream, from before its negotiation on.
pub struct Stream<S> {
    /// There until it is let go.
    stream: Option<S>,
    talk: Talk,
    closed: bool,
    /// Where it goes if it is closed and let go before the other side's consent has come.
    left: Option<Arc<Left<S>>>,
}

enum Talk {
    /// This side is saying what the stream is for, so far this.
    Proposing(Vec<u8>),
    /// It has proposed a protocol of ours. Of the consent so much has been told to this side, and
    /// so much has come from the other.
    Assumed {
        consent: Vec<u8>,
        told: usize,
        heard: usize,
    },
    /// Bytes pass as they are.
    Plain,
}

impl Talk {
    /// This side has written more.
    fn wrote(&mut self, bytes: &[u8]) {
        if let Talk::Proposing(so_far) = self {
            so_far.extend_from_slice(bytes);
            match proposed(so_far) {
                Ok(Some(name)) if name.starts_with(OURS) => {
                    so_far.truncate(HEADER.len() + 1 + name.len());
                    *self = Talk::Assumed {
                        consent: std::mem::take(so_far),
                        told: 0,
                        heard: 0,
                    };
                }
                Ok(None) => {}
                Ok(Some(_)) | Err(()) => *self = Talk::Plain,
            }
        }
    }
}

/// The first protocol that is proposed, with its line feed, once it is known; an error if it isn't
/// to be known.
fn proposed(bytes: &[u8]) -> Result<Option<&[u8]>, ()> {
    let Some(rest) = bytes.strip_prefix(HEADER) else {
        return if HEADER.starts_with(bytes) {
            Ok(None)
        } else {
            Err(())
        };
    };
    match rest.split_first() {
        None => Ok(None),
        Some((length, _)) if *length > LONGEST => Err(()),
        Some((length, name)) => Ok(name.get(..usize::from(*length))),
    }
}

impl<S> Stream<S> {
    /// A stream that the other side has opened.
    pub(super) fn inbound(stream: S) -> Self {
        Stream {
            stream: Some(stream),
            talk: Talk::Plain,
            closed: false,
            left: None,
        }
    }

    /// A stream that this side has opened. It goes to `left` if it has to be kept.
    pub(super) fn outbound(stream: S, left: Arc<Left<S>>) -> Self {
        Stream {
            stream: Some(stream),
            talk: Talk::Proposing(Vec::new()),
            closed: false,
            left: Some(left),
        }
    }

    fn inner(&mut self) -> Pin<&mut S>
    where
        S: Unpin,
    {
        Pin::new(self.stream.as_mut().expect("it is let go last"))
    }
}

impl<S: AsyncRead + Unpin> Stream<S> {
    /// Tells the assumed consent; ready with nothing told when the other side's has come as well.
    fn poll_consent(&mut self, cx: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let stream = self.stream.as_mut().expect("it is let go last");
        let Talk::Assumed {
            consent,
            told,
            heard,
        } = &mut self.talk
        else {
            return Poll::Ready(Ok(0));
        };
        if *told < consent.len() {
            let count = into.len().min(consent.len() - *told);
            into[..count].copy_from_slice(&consent[*told..*told + count]);
            *told += count;
            return Poll::Ready(Ok(count));
        }
        while *heard < consent.len() {
            let mut buffer = [0; 64];
            let most = buffer.len().min(consent.len() - *heard);
            let count = ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer[..most]))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            if buffer[..count] != consent[*heard..*heard + count] {
                let refused = "the other side doesn't speak the stream's protocol";
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refused)));
            }
            *heard += count;
        }
        self.talk = Talk::Plain;
        Poll::Ready(Ok(0))
    }
}

impl<S> Drop for Stream<S> {
    fn drop(&mut self) {
        if let (Talk::Assumed { .. }, true, Some(left), Some(stream)) = (
            &self.talk,
            self.closed,
            self.left.take(),
            self.stream.take(),
        ) {
            left.add(stream);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_consent(cx, into))? {
            0 => self.inner().poll_read(cx, into),
            told => Poll::Ready(Ok(told)),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(self.inner().poll_write(cx, bytes))?;
        self.talk.wrote(&bytes[..written]);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.inner().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = self.inner().poll_close(cx);
        if matches!(closed, Poll::Ready(Ok(()))) {
            self.closed = true;
        }
        closed
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt, AsyncWriteExt, FutureExt};

    use super::*;

    const NAME: &str = "/velox/example.org/kad/1\n";

    fn line(name: &str) -> Vec<u8> {
        let mut line = vec![u8::try_from(name.len()).unwrap()];
        line.extend_from_slice(name.as_bytes());
        line
    }

    fn negotiation(name: &str) -> Vec<u8> {
        [HEADER, &line(name)].concat()
    }

    /// What the other side has said so far, and whether it says more.
    struct Other {
        said: Vec<u8>,
        more: bool,
    }

    impl AsyncRead for Other {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            into: &mut [u8],
        ) -> Poll<io::Result<usize>> {
            if self.said.is_empty() && self.more {
                return Poll::Pending;
            }
            let count = into.len().min(self.said.len());
            into[..count].copy_from_slice(&self.said[..count]);
            self.said.drain(..count);
            Poll::Ready(Ok(count))
        }
    }

    impl AsyncWrite for Other {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            // In pieces, as a congested connection takes them.
            Poll::Ready(Ok(bytes.len().min(7)))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn stream(said: &[u8], more: bool) -> Stream<Other> {
        let said = said.to_vec();
        Stream {
            stream: Some(Other { said, more }),
            talk: Talk::Proposing(Vec::new()),
            closed: false,
            left: None,
        }
    }

    /// What this side reads, after it has proposed `name`.
    fn read(name: &str, answer: &[u8]) -> io::Result<Vec<u8>> {
        let mut stream = stream(answer, false);
        let all = negotiation(name);
        stream.write_all(&all).now_or_never().unwrap().unwrap();
        let mut all = Vec::new();
        let read = stream.read_to_end(&mut all).now_or_never().unwrap();
        read.map(|_| all)
    }

    #[test]
    fn consent_is_told_once_and_checked() {
        let answer = [&negotiation(NAME)[..], b"answer"].concat();
        assert_eq!(read(NAME, &answer).unwrap(), answer);
    }

    #[test]
    fn refusals_are_errors() {
        let refusal = [HEADER, &line("na\n")].concat();
        let error = read(NAME, &refusal).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        let error = read(NAME, HEADER).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
    }

    #[test]
    fn others_protocols_are_waited_for() {
        let refusal = [HEADER, &line("na\n")].concat();
        assert_eq!(read("/ipfs/ping/1.0.0\n", &refusal).unwrap(), refusal);
        let mut talk = Talk::Proposing(Vec::new());
        talk.wrote(b"GET / HTTP/1.1");
        assert!(matches!(talk, Talk::Plain));
        let mut talk = Talk::Proposing(HEADER.to_vec());
        talk.wrote(&[0x80, 1]);
        assert!(matches!(talk, Talk::Plain), "a length of two bytes");
    }

    #[test]
    fn consent_is_told_before_it_comes() {
        let mut stream = stream(b"", true);
        let all = negotiation(NAME);
        stream.write_all(&all).now_or_never().unwrap().unwrap();
        let mut told = vec![0; all.len()];
        stream
            .read_exact(&mut told)
            .now_or_never()
            .unwrap()
            .unwrap();
        assert_eq!(told, all);
        assert!(stream.read(&mut told).now_or_never().is_none());
        let other = stream.stream.as_mut().unwrap();
        other.said = [&all[..], b"!"].concat();
        let count = stream.read(&mut told).now_or_never().unwrap().unwrap();
        assert_eq!(&told[..count], b"!");
    }
}
