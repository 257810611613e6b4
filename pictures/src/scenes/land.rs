//! Mountains, forests, deserts: layers behind layers, each nearer one darker.

use rand::{RngExt, rngs::StdRng};

use super::sky::daylight;
use crate::{
    canvas::Canvas,
    colour::{Colour, Palette},
    noise::{Noise, step},
};

/// Mountain ridges, one behind the other.
pub fn ridges(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let horizon = rng.random_range(0.5..0.6);
    let (mut canvas, sun) = daylight(rng, palette, horizon);
    let shape = Noise::new(rng, 16, 0.5);
    let rock = Noise::new(rng, 32, 0.7);
    let layers = rng.random_range(6..9);
    for layer in 0..layers {
        let near = (layer as f32 + 0.6) / layers as f32;
        let base = horizon - 0.1 + 0.55 * near * near;
        let (height, width) = (0.24 + 0.12 * near, 36.0 - 16.0 * near);
        let row = 29.0 * layer as f32;
        let line = |x: f32| {
            let place = x * width + row;
            base - height * (shape.at(place, row) - 0.42) - 0.025 * near * rock.at(3.0 * place, row)
        };
        let land = palette.0[3].mix(palette.0[4], near.powf(0.8));
        let haze = palette.0[2].mix(palette.0[3], 0.5);
        canvas.fill_below(line, |x| {
            let slope = line(x + 0.004) - line(x - 0.004);
            let towards = if sun[0] > x { -slope } else { slope };
            let (rock, side) = (&rock, (9.0 * towards).clamp(-0.12, 0.12));
            move |y, depth| {
                let grit = rock.at(x * 150.0 + row, y * 150.0) - 0.5;
                let lit = side * step(0.07, 0.0, depth);
                let mist = step(0.02, 0.30, depth) * (0.75 - 0.6 * near);
                let shade = 1.0 + lit + 0.22 * grit * near;
                (land * shade).mix(haze, mist)
            }
        });
    }
    canvas
}

/// A forest on slopes, in mist.
pub fn pines(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let (mut canvas, _) = daylight(rng, palette, 0.62);
    let shape = Noise::new(rng, 8, 0.45);
    let fog = Noise::new(rng, 8, 0.55);
    let bark = Noise::new(rng, 32, 0.8);
    let mist = palette.0[2].mix(palette.0[3], 0.6);
    for layer in 0..6 {
        let near = (layer as f32 + 0.5) / 6.0;
        let row = 41.0 * layer as f32;
        let ground = |x: f32| {
            0.36 + 0.62 * near - 0.34 * (1.15 - near) * (shape.at(x * 26.0 + row, row) - 0.5)
        };
        let trees = forest(rng, near, ground);
        let leaf = mist.mix(palette.0[4], 0.15 + 0.85 * near.powf(1.2));
        canvas.fill_below(
            |x| trees[((x * 800.0) as usize).min(trees.len() - 1)],
            |x| {
                let (fog, bark) = (&fog, &bark);
                move |y, depth| {
                    let veil = fog.at(x * 30.0 + row, y * 55.0 + row);
                    let low = step(0.0, 0.26 - 0.08 * near, depth);
                    let grit = 1.0 + 0.5 * near * (bark.at(x * 240.0, y * 160.0) - 0.5);
                    (leaf * grit).mix(mist, low * (0.35 + 0.7 * veil) * (1.0 - 0.62 * near))
                }
            },
        );
    }
    canvas
}

/// The upper outline of a row of trees on `ground`, for each column.
fn forest(rng: &mut StdRng, near: f32, ground: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut outline: Vec<f32> = (0..1200).map(|x| ground(x as f32 / 800.0)).collect();
    let mut x = -10.0;
    while x < 1210.0 {
        let tall = (0.05 + 0.16 * near) * rng.random_range(0.55..1.15);
        let foot = ground(x / 800.0) + 0.012;
        let half = tall * 800.0 * rng.random_range(0.17..0.23);
        let whorls: f32 = rng.random_range(7.0..11.0);
        let columns = (x - half).max(0.0) as usize..(x + half).clamp(0.0, 1200.0) as usize;
        for (column, outline) in outline[columns.clone()].iter_mut().enumerate() {
            // Boughs hang in whorls that widen downwards: a saw along the cone.
            let out = ((columns.start + column) as f32 - x).abs() / half;
            let saw = (out * whorls).fract() / whorls;
            let top = foot - tall * (1.0 - out - 0.55 * saw + 0.04).clamp(0.0, 1.0);
            *outline = outline.min(top);
        }
        x += half * rng.random_range(0.35..1.5);
    }
    outline
}

/// Sand, ridge behind ridge, lit from one side.
pub fn dunes(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let horizon = rng.random_range(0.36..0.46);
    let (mut canvas, sun) = daylight(rng, palette, horizon);
    let shape = Noise::new(rng, 8, 0.3);
    let from_the_left = sun[0] < 0.75;
    let ripple = Noise::new(rng, 8, 0.5);
    let sand = palette.0[3].mix(Colour::hex(0xd9964f), 0.55);
    let dark = palette.0[4].mix(Colour::hex(0x6b3f2a), 0.4);
    for layer in 0..6 {
        let near = layer as f32 / 5.0;
        let row = 37.0 * layer as f32;
        let base = horizon + 0.01 + 0.42 * near * near;
        let width = 22.0 - 12.0 * near;
        let line = |x: f32| base - (0.07 + 0.26 * near) * (shape.at(x * width + row, row) - 0.42);
        canvas.fill_below(line, |x| {
            let (shape, ripple) = (&shape, &ripple);
            let slope = line(x + 0.03) - line(x - 0.03);
            move |y, depth| {
                // The crest winds down towards the viewer: one side in the light, one in shadow.
                let winding = 0.55 * depth.sqrt() * (1.0 + near);
                let crest = shape.at(x * width + row + 9.0, row + 60.0 * depth);
                let slope = slope + winding * (crest - 0.5);
                let facing = if from_the_left { -slope } else { slope };
                let light = step(-0.05, 0.05, facing);
                let bend = 5.0 * ripple.at(x * 30.0, y * 30.0 + row);
                let waves = ((y - 0.35 * x) * (330.0 - 190.0 * near) + 3.0 * bend).sin();
                let fine = 0.055 * near.max(0.25) * waves * (0.4 + light);
                let shade = dark.mix(sand, 0.25 + 0.65 * light + fine);
                shade.mix(palette.0[3], 0.55 * (1.0 - near))
            }
        });
    }
    canvas
}
