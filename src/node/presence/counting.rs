use std::time::Duration;

use web_time::Instant;

use super::Config;
use crate::clock::Now;

/// When this node says how many members of a big room are its own. All nodes of a room have one
/// pace in common: the more they are, the less often each speaks of small changes.
#[derive(Default)]
pub(super) struct Counting {
    said: Option<Said>,
    planned: Option<Instant>,
}

struct Said {
    members: usize,
    /// From when on a small change may be said.
    paced: Instant,
    renewal: Instant,
}

impl Counting {
    /// When to speak next, if there are `members` now and `nodes` nodes serve the room.
    pub fn plan(&mut self, members: usize, nodes: usize, now: Now, config: &Config) -> Instant {
        let spread = config.count_spread(nodes);
        let (mut from, mut latest) = (now.instant, None);
        if let Some(said) = &self.said {
            let change = members.abs_diff(said.members);
            if change == 0 || change * 100 < said.members {
                self.planned = Some(said.renewal);
                return said.renewal;
            }
            if !is_large(members, said.members) {
                from = from.max(said.paced);
            }
            latest = Some(said.renewal);
        }
        // Once drawn, the moment stands, unless it was drawn for less.
        let drawn = self.planned.filter(|at| Some(*at) != latest);
        let drawn = drawn.filter(|at| *at <= from + spread);
        let at = drawn.unwrap_or_else(|| from + spread.mul_f64(rand::random()));
        let at = latest.map_or(at, |latest| latest.min(at));
        self.planned = Some(at);
        at
    }

    /// Whether the planned moment has come.
    pub fn is_due(&self, now: Now) -> bool {
        self.planned.is_some_and(|at| at <= now.instant)
    }

    /// It is said now. Gives how long it holds.
    pub fn say(&mut self, members: usize, nodes: usize, now: Now, config: &Config) -> Duration {
        let period = config.count_period(nodes);
        let jitter = 0.8 + 0.4 * rand::random::<f64>();
        // While a crowd comes or goes one word is soon followed by another, the last of which
        // says what is left when it has.
        let crowd = self
            .said
            .as_ref()
            .is_none_or(|said| is_large(members, said.members));
        let pause = config.count_interval(nodes);
        let pause = if crowd {
            pause.min(config.count_again())
        } else {
            pause
        };
        self.said = Some(Said {
            members,
            paced: now.instant + pause,
            renewal: now.instant + period.mul_f64(jitter),
        });
        self.planned = None;
        config.count_life(nodes)
    }

    /// Nothing is to be said any more. `true` if something stands that was.
    pub fn stop(&mut self) -> bool {
        self.planned = None;
        self.said.take().is_some_and(|said| said.members > 0)
    }
}

/// Whether a quarter of what was said is wrong, or nothing of it is left: that doesn't wait for
/// the pace.
fn is_large(members: usize, said: usize) -> bool {
    let change = members.abs_diff(said);
    let none_left = members == 0 && said > 0;
    none_left || (change >= 2 && change * 4 >= said)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Speaks for `time`, with `members` as a function of the seconds passed. Gives when.
    fn speak(time: u64, nodes: usize, members: impl Fn(u64) -> usize) -> Vec<u64> {
        let (config, start) = (Config::default(), Now::read());
        let mut counting = Counting::default();
        let mut said = Vec::new();
        for second in 0..time {
            let now = start.after(Duration::from_secs(second));
            counting.plan(members(second), nodes, now, &config);
            if counting.is_due(now) {
                counting.say(members(second), nodes, now, &config);
                said.push(second);
            }
        }
        said
    }

    #[test]
    fn what_does_not_change_is_renewed_before_it_ends() {
        for (nodes, period) in [(1, 30), (60, 30), (400, 200), (100_000, 400)] {
            let said = speak(3_000, nodes, |_| 5);
            let gaps = said.windows(2).map(|pair| pair[1] - pair[0]);
            for gap in gaps {
                assert!(gap.abs_diff(period) <= period / 5 + 1, "{gap} of {period}");
            }
        }
    }

    #[test]
    fn the_first_word_and_a_large_change_wait_for_a_few_seconds_only() {
        for _ in 0..50 {
            let said = speak(40, 1_000, |second| if second < 20 { 5 } else { 12 });
            assert!(said[0] <= 10, "{said:?}");
            assert!((20..=30).contains(&said[1]), "{said:?}");
        }
    }

    #[test]
    fn small_changes_keep_the_common_pace() {
        let said = speak(4_000, 1_000, |second| 20 + (second / 10 % 2) as usize);
        assert!((11..=18).contains(&said.len()), "{said:?}");
        let few = speak(600, 2, |second| 2_000 + (second / 5 % 2) as usize * 100);
        assert!(few.len() > 100, "two nodes needn't be shy: {}", few.len());
    }

    #[test]
    fn what_a_crowd_leaves_behind_is_said_soon() {
        for size in [7, 11, 19, 40] {
            let members = |second: u64| (size * second.min(10) / 10) as usize;
            let said = speak(60, 200, members);
            let last = *said.last().unwrap();
            assert!((10..=20).contains(&last), "{said:?}");
            assert!(said.len() <= 12, "{said:?}");
        }
    }
}
