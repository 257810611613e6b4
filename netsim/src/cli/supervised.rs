//! One seed of a sweep, in a process of its own, which its parent started.
//!
//! The parent writes the scenario to standard input (its length in a line, then its bytes) and
//! leaves it open: when it is closed, or the parent is gone, the run ends early. Standard output
//! has a line for each [`State`].

use std::{
    io::{self, BufRead, Read, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    Failure, Outcome, bars::State, folders, run::heed_interrupts, scenario::Loaded, single,
};

/// In the process of the seed.
pub fn main(path: &Path, seed: u64, out: &Path) -> Result<Outcome, Failure> {
    let text = received().map_err(Failure::new)?;
    let loaded = Loaded::parse(path, text)?;
    folders::make(out)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    heed_interrupts(&interrupted);
    let stop = interrupted.clone();
    thread::spawn(move || {
        io::copy(&mut io::stdin(), &mut io::sink()).ok();
        stop.store(true, Ordering::Relaxed);
    });
    let run = single::run(&loaded, seed, interrupted, &mut |state| {
        // The parent may be gone; then the input has ended too.
        writeln!(io::stdout(), "{}", line(state)).ok();
    });
    folders::keep_run(out, &run)?;
    Ok(match run.is_good() {
        true => Outcome::Good,
        false => Outcome::Bad,
    })
}

fn received() -> io::Result<String> {
    let mut input = io::stdin().lock();
    let mut length = String::new();
    input.read_line(&mut length)?;
    let length: u64 = length.trim().parse().map_err(io::Error::other)?;
    let mut text = String::new();
    input.take(length).read_to_string(&mut text)?;
    Ok(text)
}

/// In the parent: what a process is to be sent at first.
pub fn sent(text: &str) -> String {
    format!("{}\n{text}", text.len())
}

fn line(state: State) -> String {
    let State {
        at,
        nodes,
        peers,
        events,
    } = state;
    format!("{} {nodes} {peers} {events}", at.as_millis())
}

/// In the parent: what a line says.
pub fn read(line: &str) -> Option<State> {
    let mut numbers = line.split(' ').map(|number| number.parse::<u64>().ok());
    let mut next = || numbers.next().flatten();
    Some(State {
        at: Duration::from_millis(next()?),
        nodes: next()?,
        peers: next()?,
        events: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_arrives_as_it_was() {
        let state = State {
            at: Duration::from_millis(1_250),
            nodes: 3,
            peers: 4,
            events: 500,
        };
        assert_eq!(read(&line(state)), Some(state));
        assert_eq!(read("what?"), None);
    }
}
