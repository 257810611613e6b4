//! Pictures that show nothing but themselves.

use std::f32::consts::TAU;

use rand::{RngExt, rngs::StdRng};

use crate::{
    canvas::Canvas,
    colour::{Colour, Palette},
    noise::{Noise, step},
};

/// Sheets of coloured paper, cut along the contours of a landscape and laid over each other.
pub fn cut_paper(rng: &mut StdRng, palette: &Palette) -> Canvas {
    const SHEETS: f32 = 9.0;
    const PIXEL: f32 = 1.0 / 800.0;
    let ground = Noise::new(rng, 4, 0.38);
    let fibre = Noise::new(rng, 64, 0.9);
    let offset = rng.random_range(0.0..256.0);
    let height = |x: f32, y: f32| {
        (ground.at(x * 54.0 + offset, y * 54.0 + offset) * SHEETS).min(SHEETS - 0.01)
    };
    Canvas::paint(|x, y| {
        let here = height(x, y);
        let sheet = here.floor();
        // How much of the pixel the sheet covers, for a clean edge.
        let rise = (height(x + PIXEL, y) - here).abs() + (height(x, y + PIXEL) - here).abs();
        let covered = ((here - sheet) / rise.max(1e-6)).clamp(0.0, 1.0);
        // The sheet above throws its shadow towards the lower right.
        let mut shadow: f32 = 0.0;
        for reach in 1..=4 {
            let away = 0.006 * reach as f32;
            let over = height(x - 0.8 * away, y - away).floor() - sheet;
            shadow = shadow.max((over.min(1.0)) * (1.0 - 0.2 * reach as f32));
        }
        let edge = step(0.06, 0.0, here - sheet) * 0.16;
        let paper = 0.94 + 0.12 * fibre.at(x * 420.0, y * 420.0 + 3.0 * sheet);
        let sheet_colour = |sheet: f32| palette.at(sheet / (SHEETS - 1.0));
        let colour = sheet_colour(sheet - 1.0).mix(sheet_colour(sheet), covered) * paper;
        colour.mix(Colour::hex(0xffffff), edge) * (1.0 - 0.5 * shadow.max(0.0))
    })
}

/// Threads that follow a current.
pub fn currents(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let flow = Noise::new(rng, 4, 0.3);
    let weave = Noise::new(rng, 64, 0.9);
    let (turns, start) = (rng.random_range(0.9..1.6), rng.random_range(0.0..TAU));
    let ground = palette.0[0] * 0.7;
    let mut canvas = Canvas::paint(|x, y| {
        (ground.mix(palette.0[1], 0.35 * y)) * (0.9 + 0.2 * weave.at(x * 300.0, y * 300.0))
    });
    for thread in 0..1500 {
        let [mut x, mut y] = [rng.random_range(-0.1..1.6), rng.random_range(-0.1..1.1)];
        // Colours change with the place, so that neighbours agree.
        let place = flow.at(x * 30.0 + 90.0, y * 30.0) + rng.random_range(-0.16..0.16);
        let colour = palette.at(0.2 + 0.85 * place);
        let width = if thread % 9 == 0 {
            2.3
        } else {
            rng.random_range(0.3..1.1)
        };
        let strength = rng.random_range(0.25..0.8);
        let length = rng.random_range(60..220);
        for point in 0..length {
            let angle = start + turns * TAU * flow.at(x * 34.0, y * 34.0);
            x += angle.cos() * 0.0016;
            y += angle.sin() * 0.0016;
            // Threads run out thin.
            let taper = (point as f32 / length as f32 * TAU / 2.0).sin();
            canvas.dab(x, y, width * taper, colour, strength * taper);
        }
    }
    canvas
}

/// A polished stone: bands around a few centres, bent.
pub fn agate(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let (bend, vein) = (Noise::new(rng, 4, 0.5), Noise::new(rng, 16, 0.6));
    let centres: Vec<[f32; 2]> = (0..3)
        .map(|_| [rng.random_range(-0.2..1.7), rng.random_range(-0.2..1.2)])
        .collect();
    let (bands, shift) = (rng.random_range(5.0..8.0), rng.random_range(0.0..1.0));
    Canvas::paint(|x, y| {
        let (u, v) = (x * 40.0, y * 40.0);
        let bent = [
            x + 0.34 * (bend.at(u, v) - 0.5),
            y + 0.34 * (bend.at(u + 120.0, v + 60.0) - 0.5),
        ];
        let nearest = centres
            .iter()
            .map(|centre| (bent[0] - centre[0]).hypot(bent[1] - centre[1]))
            .fold(f32::MAX, f32::min);
        let depth = nearest * bands + shift + 0.25 * vein.at(2.0 * u, 2.0 * v);
        let broad = palette.at(0.5 + 0.5 * (depth * 0.9).sin());
        // Fine lines between the broad bands, and a crystal's glint at the heart.
        let fine = (depth * 23.0 + 2.0 * vein.at(u, v)).sin();
        let lined = broad * (0.9 + 0.1 * fine);
        let spark = step(0.72, 0.95, vein.at(5.0 * u, 5.0 * v)) * step(0.28, 0.05, nearest);
        lined.mix(
            Colour::hex(0xffffff),
            0.45 * spark + 0.10 * step(0.93, 1.0, fine),
        )
    })
}
