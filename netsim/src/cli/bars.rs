//! How far runs are: a bar for each on a terminal, a line now and then elsewhere.

use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a line is written where there is no terminal.
const LINES: Duration = Duration::from_secs(30);
/// Over how long the present pace is taken.
const PACE: Duration = Duration::from_secs(2);

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Virtual time.
    pub at: Duration,
    pub nodes: u64,
    pub peers: u64,
    pub events: u64,
}

/// The bars of what runs at once.
pub struct Bars {
    all: MultiProgress,
    terminal: bool,
    duration: Duration,
}

/// The bar of one run.
pub struct Bar {
    bar: ProgressBar,
    name: String,
    duration: Duration,
    began: Instant,
    /// When the pace was last taken, at how many events, and what it was.
    pace: (Instant, u64, f64),
    /// When the next line is due, where there is no terminal.
    line: Option<Instant>,
}

impl Bars {
    /// For runs of so much virtual time.
    pub fn new(duration: Duration) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let all = MultiProgress::with_draw_target(match terminal {
            true => ProgressDrawTarget::stderr_with_hz(10),
            false => ProgressDrawTarget::hidden(),
        });
        Bars {
            all,
            terminal,
            duration,
        }
    }

    /// A run begins.
    pub fn begin(&self, name: &str) -> Bar {
        let length = u64::try_from(self.duration.as_millis()).unwrap_or(u64::MAX);
        let bar = self.all.add(ProgressBar::new(length));
        if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:16} {wide_msg}") {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(name.to_owned());
        let began = Instant::now();
        Bar {
            bar,
            name: name.to_owned(),
            duration: self.duration,
            began,
            pace: (began, 0, 0.0),
            line: (!self.terminal).then(|| began + LINES),
        }
    }

    /// Says something above the bars.
    pub fn say(&self, text: &str) {
        self.all.suspend(|| eprintln!("{text}"));
    }
}

impl Bar {
    pub fn show(&mut self, state: State) {
        let now = Instant::now();
        let (taken, events, _) = self.pace;
        if now - taken >= PACE {
            let pace = (state.events.saturating_sub(events)) as f64 / (now - taken).as_secs_f64();
            self.pace = (now, state.events, pace);
        }
        let said = self.said(state, now);
        self.bar
            .set_position(u64::try_from(state.at.as_millis()).unwrap_or(u64::MAX));
        if self.line.is_some_and(|due| due <= now) {
            self.line = Some(now + LINES);
            eprintln!("{}: {said}", self.name);
        }
        self.bar.set_message(said);
    }

    fn said(&self, state: State, now: Instant) -> String {
        let wall = now - self.began;
        let mut said = format!(
            "{} of {} s in {}, {} nodes, {} peers",
            state.at.as_secs(),
            self.duration.as_secs(),
            clock(wall),
            state.nodes,
            state.peers
        );
        if self.pace.2 > 0.0 {
            said += &format!(", {:.1}k events/s", self.pace.2 / 1e3);
        }
        let share = state.at.as_secs_f64() / self.duration.as_secs_f64();
        if wall > PACE && share > 0.02 {
            said += &format!(", {} left", clock(wall.mul_f64(1.0 / share - 1.0)));
        }
        said
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// `0:07`, `12:34`, `1:02:03`.
fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_read_at_a_glance() {
        let said = [7, 754, 3_723].map(|seconds| clock(Duration::from_secs(seconds)));
        assert_eq!(said, ["0:07", "12:34", "1:02:03"]);
    }
}
