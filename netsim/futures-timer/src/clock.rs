//! The virtual time of this thread: nanoseconds since the simulation's start.

use std::cell::Cell;

use crate::queue;

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(0) };
}

/// The present.
pub fn now() -> u64 {
    NOW.with(Cell::get)
}

/// When the next timer is due, if any is set.
pub fn next_due() -> Option<u64> {
    queue::with(queue::Queue::next_due)
}

/// Moves on to `at`, which doesn't lie in the past, and wakes whose timers are due by then, in
/// the order of their times. Says how many.
pub fn advance(at: u64) -> usize {
    debug_assert!(at >= now(), "time doesn't run backwards");
    NOW.with(|now| now.set(at));
    let mut woken = 0;
    // One by one: whoever is woken may set timers, though not before the present.
    while let Some(waker) = queue::with(|queue| queue.take_due(at)) {
        woken += 1;
        if let Some(waker) = waker {
            waker.wake();
        }
    }
    woken
}
