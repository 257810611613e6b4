//! The demo's gallery: two dozen pictures painted from a seed, each about 250 KB of JPEG.
//!
//! Painted rather than shipped, so that they are nobody's, and a new seed is a new gallery with
//! other CIDs, which no cache has seen. A crate of its own so that it is optimised in debug
//! builds, too.

mod canvas;
mod colour;
mod jpeg;
mod noise;
mod scenes;

use std::{
    num::NonZero,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use rand::{SeedableRng, rngs::StdRng};

/// Pixels across.
const WIDTH: usize = 1200;
/// Pixels down.
const HEIGHT: usize = 800;
/// Pictures in a gallery.
const COUNT: usize = 24;

/// One picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its file's name, without `.jpg`.
    pub name: String,
    /// What is under it.
    pub title: String,
    /// The file.
    pub jpeg: Vec<u8>,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Draws the gallery on all cores: the same for the same seed.
pub fn draw(seed: u64) -> Vec<Picture> {
    let next = AtomicUsize::new(0);
    let hand = || {
        let mut drawn = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= COUNT {
                return drawn;
            }
            drawn.push((index, picture(seed, index)));
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let mut drawn: Vec<_> = thread::scope(|scope| {
        let hands: Vec<_> = (0..cores.min(COUNT)).map(|_| scope.spawn(hand)).collect();
        hands
            .into_iter()
            .flat_map(|hand| hand.join().expect("drawing doesn't panic"))
            .collect()
    });
    drawn.sort_by_key(|(index, _)| *index);
    drawn.into_iter().map(|(_, picture)| picture).collect()
}

fn picture(seed: u64, index: usize) -> Picture {
    let own = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut rng = StdRng::seed_from_u64(seed ^ own);
    let (title, canvas) = scenes::paint(index, &mut rng);
    Picture {
        name: format!("{:02}", index + 1),
        title,
        jpeg: jpeg::encode(&canvas, &mut rng),
        width: WIDTH as u32,
        height: HEIGHT as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_is_of_about_250_kb_and_its_seed_s() {
        let gallery = draw(7);
        assert_eq!(gallery.len(), COUNT);
        for one in &gallery {
            let size = one.jpeg.len();
            assert!(
                (220_000..280_000).contains(&size),
                "{}: {size} bytes",
                one.title
            );
            assert_eq!(&one.jpeg[..3], b"\xff\xd8\xff", "a JPEG");
        }
        assert_eq!(picture(7, 3), gallery[3]);
        assert_ne!(picture(8, 3).jpeg, gallery[3].jpeg);
    }
}
