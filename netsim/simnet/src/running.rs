//! A swarm that runs on a host.

use std::{cell::RefCell, future::poll_fn, rc::Rc, task::Poll};

use futures::StreamExt;
use libp2p::{
    Swarm,
    swarm::{NetworkBehaviour, SwarmEvent},
};

use crate::{HostId, executor, executor::TaskId, world};

type Listener<B> = Box<dyn FnMut(&mut Swarm<B>, SwarmEvent<<B as NetworkBehaviour>::ToSwarm>)>;
type Observer<B> = Box<dyn FnMut(&mut Swarm<B>)>;

struct Inner<B: NetworkBehaviour> {
    swarm: RefCell<Swarm<B>>,
    listener: RefCell<Option<Listener<B>>>,
    observer: RefCell<Option<Observer<B>>>,
}

/// A swarm that runs on a host, until the host is stopped.
pub struct Running<B: NetworkBehaviour> {
    host: HostId,
    task: TaskId,
    /// Weak: the swarm belongs to the host, and ends with it.
    inner: std::rc::Weak<Inner<B>>,
}

impl<B: NetworkBehaviour> Clone for Running<B> {
    fn clone(&self) -> Self {
        Running {
            host: self.host,
            task: self.task,
            inner: self.inner.clone(),
        }
    }
}

impl<B: NetworkBehaviour> Running<B> {
    pub(crate) fn start(host: HostId, swarm: Swarm<B>) -> Self {
        let inner = Rc::new(Inner {
            swarm: RefCell::new(swarm),
            listener: RefCell::default(),
            observer: RefCell::default(),
        });
        let weak = Rc::downgrade(&inner);
        let task = executor::spawn(
            host,
            poll_fn(move |cx| {
                let mut swarm = inner.swarm.borrow_mut();
                while let Poll::Ready(Some(event)) = swarm.poll_next_unpin(cx) {
                    if let Some(listener) = &mut *inner.listener.borrow_mut() {
                        listener(&mut swarm, event);
                    }
                }
                if let Some(observer) = &mut *inner.observer.borrow_mut() {
                    observer(&mut swarm);
                }
                Poll::Pending
            }),
        );
        Running {
            host,
            task,
            inner: weak,
        }
    }

    /// Its host.
    pub fn host(&self) -> HostId {
        self.host
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.inner.strong_count() > 0
    }

    /// Calls `f` with the swarm, on its host, and has it polled afterwards; `None` if it has
    /// ended.
    pub fn with<T>(&self, f: impl FnOnce(&mut Swarm<B>) -> T) -> Option<T> {
        let inner = self.inner.upgrade()?;
        let result = world::as_host(self.host, || f(&mut inner.swarm.borrow_mut()));
        executor::wake(self.task);
        Some(result)
    }

    /// Calls `f` with the swarm, to look at; it isn't polled for that.
    pub fn look<T>(&self, f: impl FnOnce(&mut Swarm<B>) -> T) -> Option<T> {
        let inner = self.inner.upgrade()?;
        let result = f(&mut inner.swarm.borrow_mut());
        Some(result)
    }

    /// Calls `listener` with whatever the swarm tells from now on. It mustn't ask this very
    /// handle.
    pub fn listen(&self, listener: impl FnMut(&mut Swarm<B>, SwarmEvent<B::ToSwarm>) + 'static) {
        if let Some(inner) = self.inner.upgrade() {
            *inner.listener.borrow_mut() = Some(Box::new(listener));
        }
    }

    /// Calls `observer` each time that the swarm has been polled. It mustn't ask this very
    /// handle.
    pub fn observe(&self, observer: impl FnMut(&mut Swarm<B>) + 'static) {
        if let Some(inner) = self.inner.upgrade() {
            *inner.observer.borrow_mut() = Some(Box::new(observer));
        }
    }
}
