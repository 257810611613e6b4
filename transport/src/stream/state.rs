//! One stream as a state machine: frames in, frames out, bytes in between.

use std::{
    collections::VecDeque,
    io,
    task::{Context, Poll, Waker},
    time::Instant,
};

use crate::frame::{Decoder, Flag, FrameError, MAX_PAYLOAD, encode};

/// Bytes of one stream that wait to be sent, at most.
const SEND_BUFFER: usize = 64 * 1024;

/// The half that the peer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    Finished,
    Reset,
}

/// The half that we write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Open,
    /// FIN leaves behind what waits.
    Finishing,
    /// FIN has left.
    Finished,
    /// The peer has everything, or had its time to say so.
    Acknowledged,
    /// RESET leaves behind what waits.
    Resetting,
    /// RESET has left, the peer doesn't read on, or the channel is gone.
    Over,
}

/// A stream.
#[derive(Debug)]
pub(crate) struct State {
    /// The channel of the Noise handshake ends without flags.
    plain: bool,
    reading: Reading,
    writing: Writing,
    decoder: Decoder,
    incoming: VecDeque<Vec<u8>>,
    /// Of the first of `incoming`, so much has been read.
    read: usize,
    outgoing: VecDeque<Vec<u8>>,
    waiting: usize,
    /// A message that the connection didn't take yet.
    refused: Option<Vec<u8>>,
    /// Something that was written won't leave.
    dropped: bool,
    owes_fin_ack: bool,
    owes_stop: bool,
    stopped: bool,
    abandoned: bool,
    channel_gone: bool,
    /// Whether the peer has opened the stream and wasn't waited for yet.
    theirs: bool,
    /// Until when FIN_ACK is waited for or, of a stream that is over, the peer's closing.
    pub(crate) deadline: Option<Instant>,
    pub(crate) queued: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    pub(crate) fn new(plain: bool) -> Self {
        State {
            plain,
            reading: Reading::Open,
            writing: Writing::Open,
            decoder: Decoder::default(),
            incoming: VecDeque::new(),
            read: 0,
            outgoing: VecDeque::new(),
            waiting: 0,
            refused: None,
            dropped: false,
            owes_fin_ack: false,
            owes_stop: false,
            stopped: false,
            abandoned: false,
            channel_gone: false,
            theirs: false,
            deadline: None,
            queued: false,
            reader: None,
            writer: None,
        }
    }

    /// A stream that the peer has opened.
    pub(crate) fn theirs() -> Self {
        State {
            theirs: true,
            ..State::new(false)
        }
    }

    /// A message from the peer. Gives how many bytes wait for the reader now that didn't before.
    pub(crate) fn receive(&mut self, message: &[u8]) -> Result<usize, FrameError> {
        let mut more = 0;
        for frame in self.decoder.push(message)? {
            if !frame.payload.is_empty() && self.reading == Reading::Open && !self.stopped {
                more += frame.payload.len();
                self.incoming.push_back(frame.payload);
            }
            match frame.flag {
                Some(Flag::Fin) if self.reading == Reading::Open => {
                    self.reading = Reading::Finished;
                    self.owes_fin_ack = true;
                }
                Some(Flag::Reset) if self.reading == Reading::Open => {
                    self.reading = Reading::Reset;
                }
                Some(Flag::StopSending)
                    if matches!(
                        self.writing,
                        Writing::Open | Writing::Finishing | Writing::Resetting
                    ) =>
                {
                    self.stop_writing();
                }
                Some(Flag::FinAck) if self.writing == Writing::Finished => {
                    self.writing = Writing::Acknowledged;
                    self.deadline = None;
                    wake(&mut self.writer);
                }
                _ => {}
            }
        }
        wake(&mut self.reader);
        Ok(more)
    }

    fn stop_writing(&mut self) {
        self.writing = Writing::Over;
        self.dropped |= !self.outgoing.is_empty() || self.refused.is_some();
        self.outgoing.clear();
        self.refused = None;
        self.waiting = 0;
        self.deadline = None;
        wake(&mut self.writer);
    }

    /// The channel, or the whole connection, is gone.
    pub(crate) fn lose(&mut self) {
        self.channel_gone = true;
        if self.reading == Reading::Open {
            self.reading = Reading::Reset;
        }
        if self.writing != Writing::Acknowledged {
            self.stop_writing();
        }
        self.owes_fin_ack = false;
        self.owes_stop = false;
        wake(&mut self.reader);
    }

    /// The deadline has passed: there are implementations that don't send FIN_ACK, or don't close.
    pub(crate) fn give_up(&mut self) {
        self.deadline = None;
        if self.writing == Writing::Finished {
            self.writing = Writing::Acknowledged;
            wake(&mut self.writer);
        }
    }

    /// The next message, if there is one.
    pub(crate) fn next_message(&mut self, fin_ack_deadline: Instant) -> Option<Vec<u8>> {
        if self.channel_gone {
            return None;
        }
        if let Some(message) = self.refused.take() {
            if self.outgoing.is_empty() {
                wake(&mut self.writer);
            }
            return Some(message);
        }
        if std::mem::take(&mut self.owes_fin_ack) {
            return Some(encode(Some(Flag::FinAck), &[]));
        }
        if std::mem::take(&mut self.owes_stop) {
            return Some(encode(Some(Flag::StopSending), &[]));
        }
        if let Some(bytes) = self.outgoing.pop_front() {
            self.waiting -= bytes.len();
            if self.waiting == 0 || self.waiting < SEND_BUFFER / 2 {
                wake(&mut self.writer);
            }
            return Some(encode(None, &bytes));
        }
        match self.writing {
            Writing::Finishing => {
                self.writing = Writing::Finished;
                self.deadline = Some(fin_ack_deadline);
                wake(&mut self.writer);
                Some(encode(Some(Flag::Fin), &[]))
            }
            Writing::Resetting => {
                self.writing = Writing::Over;
                Some(encode(Some(Flag::Reset), &[]))
            }
            _ => None,
        }
    }

    /// The connection didn't take this message; it comes first the next time.
    pub(crate) fn refuse(&mut self, message: Vec<u8>) {
        self.refused = Some(message);
    }

    /// Whether nothing more will be said by either side, so that the channel can be closed.
    pub(crate) fn is_over(&self) -> bool {
        let said = self.refused.is_none()
            && self.outgoing.is_empty()
            && !self.owes_fin_ack
            && !self.owes_stop;
        let written = matches!(self.writing, Writing::Acknowledged | Writing::Over);
        let read = self.reading != Reading::Open || self.stopped;
        let over = if self.plain {
            self.abandoned
        } else {
            written && read
        };
        self.channel_gone || (said && over)
    }

    /// Whether the channel of a stream that is over is to be closed from here. Who has opened it
    /// goes first, until the deadline: of two ends that close a channel at the same time, SCTP as
    /// it is here (sctp-proto 0.10) resets it once more after the other end may have used its id
    /// again, and so ends a stream that has only begun.
    pub(crate) fn is_ours_to_close(&mut self, deadline: Instant) -> bool {
        if std::mem::take(&mut self.theirs) {
            self.deadline = Some(deadline);
        }
        self.deadline.is_none()
    }

    /// Whether the user has let go of the stream.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Bytes that wait for the reader.
    pub(crate) fn unread(&self) -> usize {
        self.incoming.iter().map(Vec::len).sum::<usize>() - self.read
    }

    /// Reads into `buffer`. 0 is the end, as the peer declared it.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut filled = 0;
        while filled < buffer.len()
            && let Some(first) = self.incoming.front()
        {
            let some = &first[self.read..];
            let length = some.len().min(buffer.len() - filled);
            buffer[filled..filled + length].copy_from_slice(&some[..length]);
            filled += length;
            self.read += length;
            if self.read == first.len() {
                self.incoming.pop_front();
                self.read = 0;
            }
        }
        if filled > 0 || buffer.is_empty() {
            return Poll::Ready(Ok(filled));
        }
        match self.reading {
            Reading::Open => {
                self.reader = Some(cx.waker().clone());
                Poll::Pending
            }
            Reading::Finished => Poll::Ready(Ok(0)),
            Reading::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
        }
    }

    /// Takes some of `bytes`, as long as not too many wait.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.writing != Writing::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = SEND_BUFFER - self.waiting;
        if room == 0 {
            self.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = bytes.len().min(room);
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            if self
                .outgoing
                .back()
                .is_none_or(|last| last.len() >= MAX_PAYLOAD)
            {
                self.outgoing.push_back(Vec::new());
            }
            let last = self.outgoing.back_mut().expect("pushed above");
            let (now, later) = rest.split_at(rest.len().min(MAX_PAYLOAD - last.len()));
            last.extend_from_slice(now);
            rest = later;
        }
        self.waiting += taken;
        Poll::Ready(Ok(taken))
    }

    /// Ready when everything has been handed to SCTP, which doesn't lose it. It stays handed over
    /// when the peer, having read it, closes before we look: so the Noise channel ends.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.dropped {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if self.outgoing.is_empty() && self.refused.is_none() {
            return Poll::Ready(Ok(()));
        }
        self.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Ends our half. Ready when the peer has confirmed that it has everything.
    pub(crate) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.plain {
            return self.poll_flush(cx);
        }
        match self.writing {
            Writing::Acknowledged => Poll::Ready(Ok(())),
            Writing::Over | Writing::Resetting => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
            Writing::Open | Writing::Finishing | Writing::Finished => {
                if self.writing == Writing::Open {
                    self.writing = Writing::Finishing;
                }
                self.writer = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The user lets go. What was written still leaves; a half that wasn't closed is reset, and
    /// one that wasn't read to its end is stopped. Gives how many bytes nobody will read.
    pub(crate) fn abandon(&mut self) -> usize {
        let unread = self.unread();
        self.abandoned = true;
        self.incoming.clear();
        self.read = 0;
        self.reader = None;
        self.writer = None;
        if !self.plain {
            if self.reading == Reading::Open {
                self.stopped = true;
                self.owes_stop = !self.channel_gone;
            }
            if self.writing == Writing::Open {
                self.writing = Writing::Resetting;
            }
        }
        unread
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cx() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    /// Carries messages from one end to the other until both are silent.
    fn settle(one: &mut State, other: &mut State) {
        let later = Instant::now() + Duration::from_secs(5);
        loop {
            let mut moved = false;
            while let Some(message) = one.next_message(later) {
                other.receive(&message).unwrap();
                moved = true;
            }
            while let Some(message) = other.next_message(later) {
                one.receive(&message).unwrap();
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    fn pair() -> (State, State) {
        (State::new(false), State::new(false))
    }

    fn read(state: &mut State) -> Option<io::Result<Vec<u8>>> {
        let mut buffer = [0; 1024];
        match state.poll_read(&mut cx(), &mut buffer) {
            Poll::Ready(read) => Some(read.map(|length| buffer[..length].to_vec())),
            Poll::Pending => None,
        }
    }

    fn write(state: &mut State, bytes: &[u8]) {
        assert!(
            matches!(state.poll_write(&mut cx(), bytes), Poll::Ready(Ok(n)) if n == bytes.len())
        );
    }

    #[test]
    fn who_has_opened_a_stream_closes_its_channel_first() {
        let (mut ours, mut theirs) = (State::new(false), State::theirs());
        assert!(ours.poll_close(&mut cx()).is_pending());
        assert!(theirs.poll_close(&mut cx()).is_pending());
        settle(&mut ours, &mut theirs);
        assert!(ours.is_over() && theirs.is_over());
        let later = Instant::now() + Duration::from_secs(5);
        assert!(ours.is_ours_to_close(later));
        assert!(!theirs.is_ours_to_close(later));
        assert!(!theirs.is_ours_to_close(later));
        assert_eq!(theirs.deadline, Some(later));
        theirs.give_up();
        assert!(theirs.is_ours_to_close(later));
    }

    #[test]
    fn a_half_closed_stream_is_still_written_from_the_other_end() {
        let (mut one, mut other) = pair();
        write(&mut one, b"question");
        assert!(one.poll_close(&mut cx()).is_pending());
        settle(&mut one, &mut other);
        assert!(
            matches!(one.poll_close(&mut cx()), Poll::Ready(Ok(()))),
            "FIN_ACK has come"
        );
        assert_eq!(read(&mut other).unwrap().unwrap(), b"question");
        assert_eq!(read(&mut other).unwrap().unwrap(), b"");
        assert!(!one.is_over() && !other.is_over());
        write(&mut other, b"answer");
        assert!(other.poll_close(&mut cx()).is_pending());
        settle(&mut one, &mut other);
        assert_eq!(read(&mut one).unwrap().unwrap(), b"answer");
        assert_eq!(read(&mut one).unwrap().unwrap(), b"");
        assert!(one.is_over() && other.is_over());
    }

    #[test]
    fn what_was_written_leaves_before_the_reset_of_who_lets_go() {
        let (mut one, mut other) = pair();
        write(&mut one, b"last words");
        one.abandon();
        settle(&mut one, &mut other);
        assert_eq!(read(&mut other).unwrap().unwrap(), b"last words");
        let error = read(&mut other).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let Poll::Ready(Err(error)) = other.poll_write(&mut cx(), b"x") else {
            panic!("stopped");
        };
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert!(one.is_over() && other.is_over());
    }

    #[test]
    fn who_does_not_read_makes_the_writer_wait() {
        let mut one = State::new(false);
        write(&mut one, &vec![1; SEND_BUFFER]);
        assert!(one.poll_write(&mut cx(), b"x").is_pending());
        let later = Instant::now();
        let mut bytes = 0;
        while let Some(message) = one.next_message(later) {
            assert!(message.len() <= crate::frame::MAX_MESSAGE);
            bytes += message.len();
        }
        assert!(bytes > SEND_BUFFER);
        write(&mut one, b"x");
    }

    #[test]
    fn a_refused_message_comes_first() {
        let mut one = State::new(false);
        write(&mut one, b"a");
        let message = one.next_message(Instant::now()).unwrap();
        one.refuse(message.clone());
        write(&mut one, b"b");
        assert!(one.poll_flush(&mut cx()).is_pending());
        assert_eq!(one.next_message(Instant::now()), Some(message));
        assert!(one.writer.is_some(), "b still waits");
        let message = one.next_message(Instant::now()).unwrap();
        one.refuse(message);
        assert!(one.poll_flush(&mut cx()).is_pending());
        assert!(one.next_message(Instant::now()).is_some());
        assert!(one.writer.is_none(), "whoever flushes has been woken");
    }

    #[test]
    fn who_never_confirms_is_waited_for_no_longer_than_agreed() {
        let mut one = State::new(false);
        assert!(one.poll_close(&mut cx()).is_pending());
        let deadline = Instant::now() + Duration::from_secs(5);
        assert!(one.next_message(deadline).is_some());
        assert_eq!(one.deadline, Some(deadline));
        one.give_up();
        assert!(matches!(one.poll_close(&mut cx()), Poll::Ready(Ok(()))));
    }

    #[test]
    fn every_flag_in_every_state_is_survived() {
        let flags = [Flag::Fin, Flag::StopSending, Flag::Reset, Flag::FinAck];
        let acts: [fn(&mut State); 5] = [
            |_| {},
            |state| drop(state.poll_write(&mut cx(), b"x")),
            |state| drop(state.poll_close(&mut cx())),
            |state| {
                state.abandon();
            },
            State::lose,
        ];
        for first in flags {
            for second in flags {
                for before in acts {
                    for after in acts {
                        let mut state = State::new(false);
                        before(&mut state);
                        let _ = state.next_message(Instant::now());
                        state.receive(&encode(Some(first), b"y")).unwrap();
                        after(&mut state);
                        while state.next_message(Instant::now()).is_some() {}
                        state.receive(&encode(Some(second), b"z")).unwrap();
                        while state.next_message(Instant::now()).is_some() {}
                        let _ = read(&mut state);
                        state.lose();
                        assert!(state.is_over());
                    }
                }
            }
        }
    }

    #[test]
    fn what_has_left_is_flushed_though_the_peer_closes_at_once() {
        for plain in [true, false] {
            let mut one = State::new(plain);
            write(&mut one, b"the last message");
            assert!(one.poll_flush(&mut cx()).is_pending());
            assert!(one.next_message(Instant::now()).is_some());
            one.lose();
            assert!(matches!(one.poll_flush(&mut cx()), Poll::Ready(Ok(()))));
        }
    }

    #[test]
    fn what_never_left_is_not_flushed() {
        let refused = |one: &mut State| {
            let message = one.next_message(Instant::now()).unwrap();
            one.refuse(message);
        };
        for before in [|_: &mut State| {}, refused] {
            let mut one = State::new(true);
            write(&mut one, b"the last message");
            before(&mut one);
            one.lose();
            assert!(matches!(one.poll_flush(&mut cx()), Poll::Ready(Err(_))));
        }
    }

    #[test]
    fn a_lost_channel_fails_both_halves() {
        let mut one = State::new(false);
        one.lose();
        assert!(read(&mut one).unwrap().is_err());
        assert!(matches!(
            one.poll_write(&mut cx(), b"x"),
            Poll::Ready(Err(_))
        ));
        assert!(one.is_over());
    }
}
