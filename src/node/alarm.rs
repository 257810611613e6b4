use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::FutureExt;
use futures_timer::Delay;
use web_time::Instant;

/// A timer for a deadline that changes with most of what happens.
///
/// To set a `Delay` wakes the thread behind it, so this one is set only when the deadline has come
/// nearer. When it has moved away meanwhile, the alarm goes off once for nothing.
pub(crate) struct Alarm {
    delay: Delay,
    /// When it goes off.
    at: Option<Instant>,
}

impl Default for Alarm {
    fn default() -> Self {
        Alarm {
            delay: Delay::new(Duration::ZERO),
            at: None,
        }
    }
}

impl Alarm {
    /// Ready when it has gone off, at the deadline or before: who asks looks at the time again.
    pub fn poll(&mut self, deadline: Instant, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.at.is_none_or(|at| deadline < at) {
            self.delay.reset(deadline - now);
            self.at = Some(deadline);
        }
        ready!(self.delay.poll_unpin(cx));
        self.at = None;
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SOON: Duration = Duration::from_millis(20);
    const LATER: Duration = Duration::from_secs(3_600);

    /// Waits until `deadline`, however often the alarm goes off.
    async fn wait(alarm: &mut Alarm, deadline: Instant) {
        let until = poll_fn(|cx| {
            loop {
                let now = Instant::now();
                if deadline <= now {
                    return Poll::Ready(());
                }
                ready!(alarm.poll(deadline, now, cx));
            }
        });
        let most = Duration::from_secs(20);
        tokio::time::timeout(most, until).await.unwrap();
    }

    async fn set(alarm: &mut Alarm, deadline: Instant) {
        let poll = poll_fn(|cx| Poll::Ready(alarm.poll(deadline, Instant::now(), cx)));
        assert!(poll.await.is_pending());
    }

    #[tokio::test]
    async fn it_goes_off_at_the_nearest_deadline() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        set(&mut alarm, start + LATER).await;
        wait(&mut alarm, start + SOON).await;
        assert!(Instant::now() >= start + SOON);
    }

    #[tokio::test]
    async fn a_deadline_that_moves_away_is_met_as_well() {
        let (mut alarm, start) = (Alarm::default(), Instant::now());
        set(&mut alarm, start + SOON).await;
        set(&mut alarm, start + 2 * SOON).await;
        wait(&mut alarm, start + 3 * SOON).await;
        let again = Instant::now() + SOON;
        wait(&mut alarm, again).await;
    }
}
