//! The thread that carries packets from host to host.

use std::{
    io, mem,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use nix::sys::{
    epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout},
    eventfd::{EfdFlags, EventFd},
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};

use crate::{Error, Figures, Host, HostId, Packet, Policy, queue::Queue};

/// Packets on their way at once: some seconds of all that the thread can carry.
const MAX_WAITING: usize = 262_144;
/// Packets taken from one interface before the others have their turn, and before what is due
/// is sent.
const AT_ONCE: usize = 32;
/// An interface's packets are no larger.
const MAX_PACKET: usize = 65_536;

const TIMER: u64 = u64::MAX;
const STOP: u64 = u64::MAX - 1;

/// The running network. It ends when this is dropped.
pub struct Forwarder {
    stop: EventFd,
    figures: Arc<Mutex<Figures>>,
    thread: Option<JoinHandle<()>>,
}

impl Forwarder {
    /// Carries packets between these hosts; `policy` knows them by their place in this list.
    pub fn start<'a>(
        hosts: impl IntoIterator<Item = &'a Host>,
        policy: impl Policy,
    ) -> Result<Self, Error> {
        let stop = EventFd::from_value_and_flags(0, EfdFlags::EFD_CLOEXEC)
            .map_err(|error| Error::Forwarder(error.into()))?;
        let figures = Arc::default();
        let carrier =
            Carrier::new(hosts, &stop, Arc::clone(&figures), policy).map_err(Error::Forwarder)?;
        let thread = thread::Builder::new()
            .name("forwarder".to_owned())
            .spawn(move || carrier.run())
            .map_err(Error::Forwarder)?;
        Ok(Forwarder {
            stop,
            figures,
            thread: Some(thread),
        })
    }

    /// What it has done since the start, or since this was asked last.
    pub fn figures(&self) -> Figures {
        mem::take(&mut lock(&self.figures))
    }

    /// Ends the network, and says what it has done since it was asked last.
    pub fn stop(mut self) -> Figures {
        self.end();
        self.figures()
    }

    fn end(&mut self) {
        // Fails only when the counter is full, and then it has been told.
        self.stop.write(1).ok();
        if let Some(thread) = self.thread.take() {
            // A panic has been printed.
            thread.join().ok();
        }
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        self.end();
    }
}

struct Carrier<P> {
    devices: Vec<Arc<tun_rs::SyncDevice>>,
    policy: P,
    queue: Queue,
    figures: Arc<Mutex<Figures>>,
    epoll: Epoll,
    /// A deadline by timerfd is kept to some 50 µs, epoll's own only to the millisecond.
    timer: TimerFd,
    buffer: Vec<u8>,
}

impl<P: Policy> Carrier<P> {
    fn new<'a>(
        hosts: impl IntoIterator<Item = &'a Host>,
        stop: &EventFd,
        figures: Arc<Mutex<Figures>>,
        policy: P,
    ) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let readable = |token| EpollEvent::new(EpollFlags::EPOLLIN, token);
        let devices: Vec<_> = hosts.into_iter().map(|host| host.device.clone()).collect();
        for (place, device) in devices.iter().enumerate() {
            epoll.add(&**device, readable(place as u64))?;
        }
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        epoll.add(&timer, readable(TIMER))?;
        epoll.add(stop, readable(STOP))?;
        Ok(Carrier {
            devices,
            policy,
            queue: Queue::default(),
            figures,
            epoll,
            timer,
            buffer: vec![0; MAX_PACKET],
        })
    }

    fn run(mut self) {
        hurry();
        let mut events = vec![EpollEvent::empty(); self.devices.len() + 2];
        loop {
            self.send();
            self.arm();
            let ready = match self.epoll.wait(&mut events, EpollTimeout::NONE) {
                Ok(ready) => ready,
                Err(nix::Error::EINTR) => continue,
                Err(_) => return,
            };
            for event in &events[..ready] {
                match event.data() {
                    STOP => return,
                    // It may have been armed anew since.
                    TIMER => drop(self.timer.wait()),
                    place => self.receive(HostId(place as usize)),
                }
            }
        }
    }

    fn receive(&mut self, from: HostId) {
        let Some(device) = self.devices.get(from.0).cloned() else {
            return;
        };
        for _ in 0..AT_ONCE {
            let Ok(length) = device.recv(&mut self.buffer) else {
                return;
            };
            let now = Instant::now();
            let Some(mut packet) = Packet::new(&self.buffer[..length]) else {
                continue;
            };
            match self.policy.pass(from, &mut packet, now) {
                Some(_) if self.queue.len() >= MAX_WAITING => lock(&self.figures).overflowed += 1,
                Some(passage) => self.queue.push(from, passage, packet),
                None => lock(&self.figures).lost += 1,
            }
        }
    }

    fn send(&mut self) {
        let mut now = Instant::now();
        while let Some(mut due) = self.queue.pop(now) {
            if !self.policy.arrive(due.to, &mut due.packet, now) {
                lock(&self.figures).lost += 1;
                continue;
            }
            let sent = match self.devices.get(due.to.0) {
                Some(device) => device.send(due.packet.bytes()).is_ok(),
                None => false,
            };
            now = Instant::now();
            let mut figures = lock(&self.figures);
            if sent {
                figures.passed += 1;
                figures.bytes += due.packet.bytes().len() as u64;
                figures.late(now.saturating_duration_since(due.at));
            } else {
                figures.overflowed += 1;
            }
        }
    }

    fn arm(&self) {
        let set = match self.queue.deadline() {
            // Zero would disarm it.
            Some(at) => self.timer.set(
                Expiration::OneShot(TimeSpec::from(
                    at.saturating_duration_since(Instant::now())
                        .max(Duration::from_nanos(1)),
                )),
                TimerSetTimeFlags::empty(),
            ),
            None => self.timer.unset(),
        };
        debug_assert!(set.is_ok(), "a timer takes any time: {set:?}");
    }
}

/// Lets the calling thread go before all ordinary ones, so that a busy machine doesn't change
/// the delays. Where it may not, [`Figures::lateness`] tells.
fn hurry() {
    let thread = nix::unistd::gettid().to_string();
    Command::new("chrt")
        .args(["--fifo", "--pid", "50", &thread])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok();
}

/// Figures stay figures, whatever became of whoever counted.
fn lock(figures: &Mutex<Figures>) -> MutexGuard<'_, Figures> {
    figures.lock().unwrap_or_else(PoisonError::into_inner)
}
