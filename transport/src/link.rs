//! What the task that drives a connection and the tasks that use it have in common.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

use tokio::sync::mpsc;

use crate::{
    error::Ended,
    stream::{handle::Stream, state::State},
};

/// A connection among those of its driver.
pub(crate) type ConnectionId = u64;
/// A stream among those of its connection.
pub(crate) type StreamId = u64;

/// The channel on which Noise speaks.
pub(crate) const NOISE: StreamId = 0;

#[derive(Debug)]
pub(crate) struct Link {
    connection: ConnectionId,
    driver: mpsc::UnboundedSender<ConnectionId>,
    window: usize,
    shared: Mutex<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) streams: HashMap<StreamId, State>,
    next: StreamId,
    /// Opened by the peer and not taken yet.
    pub(crate) inbound: VecDeque<StreamId>,
    /// Opened by us and without a channel yet.
    pub(crate) opening: Vec<StreamId>,
    /// Streams that may have something to say.
    pub(crate) stirred: VecDeque<StreamId>,
    /// Bytes received and not read.
    pub(crate) unread: usize,
    /// Some were read, and the peer may have been told to wait.
    pub(crate) has_read: bool,
    pub(crate) authenticated: bool,
    pub(crate) closing: bool,
    pub(crate) ended: Option<Ended>,
    /// Whether the driver has been called and hasn't come yet.
    called: bool,
    pub(crate) waker: Option<Waker>,
    pub(crate) inbound_waker: Option<Waker>,
    pub(crate) outbound_waker: Option<Waker>,
    pub(crate) close_waker: Option<Waker>,
}

impl Link {
    pub(crate) fn new(
        connection: ConnectionId,
        driver: mpsc::UnboundedSender<ConnectionId>,
        window: usize,
    ) -> Arc<Self> {
        let shared = Shared {
            streams: HashMap::from([(NOISE, State::new(true))]),
            next: NOISE + 1,
            inbound: VecDeque::new(),
            opening: Vec::new(),
            stirred: VecDeque::new(),
            unread: 0,
            has_read: false,
            authenticated: false,
            closing: false,
            ended: None,
            called: false,
            waker: None,
            inbound_waker: None,
            outbound_waker: None,
            close_waker: None,
        };
        Arc::new(Link {
            connection,
            driver,
            window,
            shared: Mutex::new(shared),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Shared> {
        // What a panicking user leaves behind is as valid as before: nothing here is done by halves.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the driver look after this connection.
    pub(crate) fn call(&self, shared: &mut Shared) {
        if !std::mem::replace(&mut shared.called, true) {
            // The driver outlives its connections; without it nothing is left to be done.
            let _ = self.driver.send(self.connection);
        }
    }

    /// A stream may have something to say.
    pub(crate) fn stir(&self, shared: &mut Shared, id: StreamId) {
        shared.stir(id);
        self.call(shared);
    }

    /// Bytes were read: the peer may send more.
    pub(crate) fn has_read(&self, shared: &mut Shared, bytes: usize) {
        let before = shared.unread;
        shared.unread = before.saturating_sub(bytes);
        let line = self.window / 2;
        if before > line && shared.unread <= line {
            shared.has_read = true;
            self.call(shared);
        }
    }

    /// The user of a stream lets go of it.
    pub(crate) fn abandon(&self, id: StreamId) {
        let mut shared = self.lock();
        let Some(stream) = shared.streams.get_mut(&id) else {
            return;
        };
        let unread = stream.abandon();
        self.has_read(&mut shared, unread);
        if shared.ended.is_some() {
            shared.remove(id);
        } else {
            self.stir(&mut shared, id);
        }
    }

    /// Everything is closed.
    pub(crate) fn close(&self) {
        let mut shared = self.lock();
        if !shared.closing {
            shared.closing = true;
            self.call(&mut shared);
        }
    }

    /// A stream that we open.
    pub(crate) fn open(self: &Arc<Self>, shared: &mut Shared) -> Stream {
        let id = shared.add(State::new(false));
        shared.opening.push(id);
        self.call(shared);
        Stream::new(self.clone(), id)
    }
}

impl Shared {
    /// A new stream.
    pub(crate) fn add(&mut self, stream: State) -> StreamId {
        let id = self.next;
        self.next += 1;
        self.streams.insert(id, stream);
        id
    }

    /// Forgets a stream.
    pub(crate) fn remove(&mut self, id: StreamId) {
        self.streams.remove(&id);
        wake(&mut self.outbound_waker);
    }

    pub(crate) fn stir(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get_mut(&id)
            && !std::mem::replace(&mut stream.queued, true)
        {
            self.stirred.push_back(id);
        }
    }

    /// The driver has come.
    pub(crate) fn answered(&mut self) {
        self.called = false;
    }

    /// The connection is no more.
    pub(crate) fn end(&mut self, why: Ended) {
        self.ended.get_or_insert(why);
        self.streams.values_mut().for_each(State::lose);
        self.streams.retain(|_, stream| !stream.is_abandoned());
        self.stirred = VecDeque::new();
        self.opening = Vec::new();
        for waker in [
            &mut self.waker,
            &mut self.inbound_waker,
            &mut self.outbound_waker,
            &mut self.close_waker,
        ] {
            wake(waker);
        }
    }
}

pub(crate) fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
