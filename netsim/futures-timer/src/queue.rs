//! The timers of a thread.
//!
//! Behaviours reset their timers at nearly every poll, mostly to a later time or to the same.
//! So a timer's entry in the heap stays where it is when the timer moves later, and is only
//! put back when it comes up too early.

use std::{cell::RefCell, cmp::Reverse, collections::BinaryHeap, task::Waker};

thread_local! {
    static QUEUE: RefCell<Queue> = RefCell::default();
}

/// Runs `f` on this thread's timers.
pub fn with<T>(f: impl FnOnce(&mut Queue) -> T) -> T {
    QUEUE.with(|queue| f(&mut queue.borrow_mut()))
}

/// The same, where the thread may be ending.
pub fn try_with<T>(f: impl FnOnce(&mut Queue) -> T) -> Option<T> {
    QUEUE.try_with(|queue| f(&mut queue.borrow_mut())).ok()
}

/// A timer's place, and which of those who had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerId {
    place: u32,
    tenant: u32,
}

struct Timer {
    tenant: u32,
    live: bool,
    due: u64,
    /// The earliest entry in the heap, if there is one.
    queued: Option<u64>,
    waker: Option<Waker>,
}

#[derive(Default)]
pub struct Queue {
    timers: Vec<Timer>,
    free: Vec<u32>,
    /// By time and order of entry.
    heap: BinaryHeap<Reverse<(u64, u64, TimerId)>>,
    order: u64,
}

impl Queue {
    pub fn insert(&mut self, due: u64) -> TimerId {
        let place = self.free.pop().unwrap_or_else(|| {
            self.timers.push(Timer {
                tenant: 0,
                live: false,
                due: 0,
                queued: None,
                waker: None,
            });
            u32::try_from(self.timers.len() - 1).expect("fewer timers than 2^32")
        });
        let timer = &mut self.timers[place as usize];
        timer.live = true;
        timer.due = due;
        TimerId {
            place,
            tenant: timer.tenant,
        }
    }

    pub fn reset(&mut self, id: TimerId, due: u64) {
        self.timers[id.place as usize].due = due;
        if self.timers[id.place as usize].waker.is_some() {
            self.enqueue(id);
        }
    }

    /// Whether it is due; if not, `waker` is told when it is.
    pub fn poll(&mut self, id: TimerId, now: u64, waker: &Waker) -> bool {
        let timer = &mut self.timers[id.place as usize];
        if timer.due <= now {
            timer.waker = None;
            return true;
        }
        match &mut timer.waker {
            Some(old) => old.clone_from(waker),
            None => timer.waker = Some(waker.clone()),
        }
        self.enqueue(id);
        false
    }

    /// Gives the waker back, to be dropped outside.
    pub fn remove(&mut self, id: TimerId) -> Option<Waker> {
        let timer = &mut self.timers[id.place as usize];
        timer.live = false;
        timer.tenant = timer.tenant.wrapping_add(1);
        timer.queued = None;
        self.free.push(id.place);
        timer.waker.take()
    }

    pub fn next_due(&mut self) -> Option<u64> {
        loop {
            let Reverse((at, _, id)) = *self.heap.peek()?;
            match self.come_up(at, id) {
                ComesUp::Due => return Some(at),
                ComesUp::Never => {
                    self.heap.pop();
                }
                ComesUp::Later => {
                    self.heap.pop();
                    self.enqueue(id);
                }
            }
        }
    }

    /// The next timer that is due by `at`: its waker, if anybody waits.
    pub fn take_due(&mut self, at: u64) -> Option<Option<Waker>> {
        if self.next_due()? > at {
            return None;
        }
        let Reverse((_, _, id)) = self.heap.pop()?;
        let timer = &mut self.timers[id.place as usize];
        timer.queued = None;
        Some(timer.waker.take())
    }

    fn come_up(&mut self, at: u64, id: TimerId) -> ComesUp {
        let timer = &mut self.timers[id.place as usize];
        if timer.tenant != id.tenant || !timer.live || timer.queued != Some(at) {
            return ComesUp::Never;
        }
        if timer.waker.is_none() {
            timer.queued = None;
            return ComesUp::Never;
        }
        if timer.due > at {
            timer.queued = None;
            return ComesUp::Later;
        }
        ComesUp::Due
    }

    fn enqueue(&mut self, id: TimerId) {
        let timer = &mut self.timers[id.place as usize];
        if timer.queued.is_some_and(|at| at <= timer.due) {
            return;
        }
        timer.queued = Some(timer.due);
        self.order += 1;
        self.heap.push(Reverse((timer.due, self.order, id)));
    }
}

enum ComesUp {
    Due,
    /// Its owner has moved it on.
    Later,
    /// Nobody waits for this entry any more.
    Never,
}
