//! What the pictures show: eight scenes, three of each.

mod abstracts;
mod land;
mod sky;
mod water;

use rand::{RngExt, rngs::StdRng};

use crate::{
    canvas::Canvas,
    colour::{Palette, SKIES, TONES},
};

type Paint = fn(&mut StdRng, &Palette) -> Canvas;

/// Titles, painters, and which set of palettes they take.
const SCENES: [([&str; 3], Paint, &[Palette]); 8] = [
    (
        ["The far range", "Seven ridges", "Above the valley"],
        land::ridges,
        &SKIES,
    ),
    (
        ["Shoreline", "Paper islands", "Terraces"],
        abstracts::cut_paper,
        &TONES,
    ),
    (
        ["Open sea", "Two islands", "Last light"],
        water::sea,
        &SKIES,
    ),
    (
        ["Grass in the wind", "Slow current", "Eddies"],
        abstracts::currents,
        &TONES,
    ),
    (
        ["Pines in mist", "The north slope", "Forest morning"],
        land::pines,
        &SKIES,
    ),
    (
        ["Nursery of stars", "Ember cloud", "Veil"],
        sky::nebula,
        &TONES,
    ),
    (
        ["Dunes", "The long crest", "Wind over sand"],
        land::dunes,
        &SKIES,
    ),
    (
        ["Agate", "Growth rings", "Polished stone"],
        abstracts::agate,
        &TONES,
    ),
];

/// Paints the scene of the `index`-th picture.
pub fn paint(index: usize, rng: &mut StdRng) -> (String, Canvas) {
    let (titles, paint, palettes) = SCENES[index % SCENES.len()];
    let title = titles[(index / SCENES.len()) % titles.len()].to_owned();
    // Scenes that share palettes start apart, and each goes on to another.
    let palette = 3 * (index % SCENES.len()) + 2 * (index / SCENES.len()) + rng.random_range(0..2);
    (title, paint(rng, &palettes[palette % palettes.len()]))
}
