//! The sea.

use rand::{RngExt, rngs::StdRng};

use super::sky::{daylight, gradient};
use crate::{
    canvas::Canvas,
    colour::{Colour, Palette},
    noise::{Noise, step},
};

/// Open water under a low sun.
pub fn sea(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let horizon = rng.random_range(0.42..0.58);
    let (mut canvas, sun) = daylight(rng, palette, horizon);
    let swell = Noise::new(rng, 8, 0.55);
    let glitter = Noise::new(rng, 32, 0.75);
    let deep = palette.0[4].mix(palette.0[0], 0.45);
    let light = Colour::hex(0xfff6e2).mix(palette.0[3], 0.35);
    if rng.random_bool(0.7) {
        islands(&mut canvas, rng, palette, horizon);
    }
    canvas.fill_below(
        |_| horizon,
        |x| {
            let (swell, glitter) = (&swell, &glitter);
            move |y, depth| {
                // What lies near the horizon is far away: waves shrink towards it.
                let far = 0.035 / (depth + 0.012);
                let wave = swell.at(
                    x * 26.0 * far + 40.0 * far,
                    34.0 * far * 3.0 + 120.0 * depth,
                );
                let fine = glitter.at(
                    x * 70.0 * (0.4 + far),
                    300.0 * depth / (0.25 + depth) + 60.0 * depth,
                );
                let tilt = (wave - 0.5) * 0.5 + (fine - 0.5) * 0.45;
                let mirrored = gradient(palette, 1.0 - depth * 1.5 - 0.8 * tilt);
                let clear = step(0.0, 0.62, depth + 0.55 * tilt);
                let water = mirrored.mix(deep, 0.25 + 0.62 * clear);
                // The sun's path: broken by waves that face elsewhere.
                let aside = (x - sun[0]).abs() / (0.05 + 0.42 * depth);
                let path = (-aside * aside).exp() * step(0.47, 0.72, fine + 0.35 * (wave - 0.5));
                let edge = step(0.02, 0.0, (y - horizon).abs());
                water.mix(light, 0.85 * path).mix(palette.0[3], 0.35 * edge)
            }
        },
    );
    canvas
}

fn islands(canvas: &mut Canvas, rng: &mut StdRng, palette: &Palette, horizon: f32) {
    let shape = Noise::new(rng, 8, 0.55);
    for layer in 0..2 {
        let near = layer as f32;
        let centre: f32 = rng.random_range(0.1..1.4);
        let width: f32 = rng.random_range(0.25..0.55);
        let row = 50.0 * near;
        let line = |x: f32| {
            let inside = (1.0 - ((x - centre) / width).powi(2)).max(0.0);
            let top = inside.sqrt() * (0.03 + 0.16 * shape.at(x * 46.0 + row, row));
            if inside > 0.0 { horizon - top } else { 2.0 }
        };
        let land = palette.0[3].mix(palette.0[4], 0.45 + 0.3 * near);
        let grain = Noise::new(rng, 32, 0.8);
        canvas.fill_below(line, |x| {
            let grain = &grain;
            move |y, _| land * (0.85 + 0.3 * grain.at(x * 200.0, y * 200.0))
        });
    }
}
