use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use crate::{
    clock,
    queue::{self, TimerId},
};

/// A future that is ready at a moment of virtual time.
pub struct Delay {
    timer: TimerId,
}

impl Delay {
    /// Ready after `span`.
    pub fn new(span: Duration) -> Delay {
        Delay {
            timer: queue::with(|queue| queue.insert(due(span))),
        }
    }

    /// Ready after `span` from now, whatever it was set to before.
    pub fn reset(&mut self, span: Duration) {
        queue::with(|queue| queue.reset(self.timer, due(span)));
    }
}

fn due(span: Duration) -> u64 {
    clock::now().saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX))
}

impl Future for Delay {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if queue::with(|queue| queue.poll(self.timer, clock::now(), cx.waker())) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        // The thread may be ending, and its timers gone before.
        let waker = queue::try_with(|queue| queue.remove(self.timer));
        drop(waker);
    }
}

impl fmt::Debug for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delay").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::{Wake, Waker},
    };

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(delay: &mut Delay, count: &Arc<Count>) -> bool {
        let waker = Waker::from(count.clone());
        Pin::new(delay)
            .poll(&mut Context::from_waker(&waker))
            .is_ready()
    }

    fn after(seconds: u64) {
        clock::advance(clock::now() + seconds * 1_000_000_000);
    }

    #[test]
    fn is_ready_when_time_has_come_and_not_before() {
        let count = Arc::new(Count::default());
        let mut delay = Delay::new(Duration::from_secs(3_600));
        assert!(!poll(&mut delay, &count));
        after(3_599);
        assert!(!poll(&mut delay, &count));
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        after(1);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(poll(&mut delay, &count));
        assert!(poll(&mut delay, &count), "it stays ready");
    }

    #[test]
    fn a_reset_moves_it_either_way() {
        let count = Arc::new(Count::default());
        let mut delay = Delay::new(Duration::from_secs(10));
        assert!(!poll(&mut delay, &count));
        delay.reset(Duration::from_secs(20));
        after(15);
        assert!(!poll(&mut delay, &count));
        delay.reset(Duration::from_secs(1));
        assert_eq!(
            clock::next_due(),
            Some(clock::now() + 1_000_000_000),
            "the earlier time counts"
        );
        after(1);
        assert!(poll(&mut delay, &count));
        delay.reset(Duration::from_secs(1));
        assert!(!poll(&mut delay, &count), "a reset makes it wait again");
        after(1);
        assert!(poll(&mut delay, &count));
        assert_eq!(count.0.load(Ordering::Relaxed), 2, "woken once for each");
    }

    #[test]
    fn a_dropped_one_wakes_nobody() {
        let count = Arc::new(Count::default());
        let mut delay = Delay::new(Duration::from_secs(1));
        assert!(!poll(&mut delay, &count));
        drop(delay);
        after(2);
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        assert_eq!(clock::next_due(), None);
    }
}
