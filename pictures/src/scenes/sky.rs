//! Skies, by day and by night.

use rand::{RngExt, rngs::StdRng};

use crate::{
    canvas::Canvas,
    colour::{Colour, Palette},
    noise::{Noise, step},
};

/// A sky with a sun low over `horizon`, and clouds; gives the sun's place as well.
pub fn daylight(rng: &mut StdRng, palette: &Palette, horizon: f32) -> (Canvas, [f32; 2]) {
    let clouds = Noise::new(rng, 8, 0.55);
    let (cover, drift) = (rng.random_range(0.48..0.62), rng.random_range(0.0..256.0));
    let sun = [
        rng.random_range(0.35..1.15),
        horizon - rng.random_range(0.06..0.28),
    ];
    let bright = palette.0[3].mix(Colour::hex(0xffffff), 0.45);
    let mut canvas = Canvas::paint(|x, y| {
        let sky = gradient(palette, y / horizon);
        // Clouds flatten towards the horizon.
        let height = 48.0 * (y / horizon).powf(1.25);
        let cloud = clouds.at(x * 60.0 + drift, height + drift);
        let thick = step(cover, cover + 0.3, cloud) * (1.0 - step(0.55, 1.0, y / horizon));
        sky.mix(bright, 0.55 * thick)
    });
    canvas.glow(sun[0], sun[1], 0.42, palette.0[3], 0.55);
    canvas.glow(sun[0], sun[1], 0.12, bright, 0.8);
    canvas.dab(sun[0], sun[1], 26.0, Colour::hex(0xfffaf0), 0.95);
    (canvas, sun)
}

/// The colour of the sky at `height`, 0 at the zenith and 1 at the horizon.
pub fn gradient(palette: &Palette, height: f32) -> Colour {
    let place = height.clamp(0.0, 1.0) * 3.0;
    let above = (place as usize).min(2);
    palette.0[above].mix(palette.0[above + 1], place - above as f32)
}

/// Gas and dust among stars.
pub fn nebula(rng: &mut StdRng, palette: &Palette) -> Canvas {
    let (gas, bend) = (Noise::new(rng, 4, 0.58), Noise::new(rng, 4, 0.5));
    let tilt: f32 = rng.random_range(-0.7..0.7);
    let mut canvas = Canvas::paint(|x, y| {
        let (u, v) = (x * 48.0, y * 48.0);
        let (bu, bv) = (bend.at(u, v) - 0.5, bend.at(u + 97.0, v + 31.0) - 0.5);
        let value = gas.at(u + 60.0 * bu, v + 60.0 * bv);
        let dust = gas.at(2.1 * u - 40.0 * bv + 128.0, 2.1 * v + 40.0 * bu);
        let across = (y - 0.5) - tilt * (x - 0.75);
        let band = (-across * across * 4.5).exp();
        let light = (value * band * 1.9 - 0.35).max(0.0) * (0.5 + 0.8 * dust);
        let space = palette.0[0] * 0.35;
        let colour = palette.at(0.15 + 0.85 * light + 0.25 * (bu + bv));
        space.mix(colour, step(0.0, 0.75, light))
    });
    for _ in 0..900 {
        let [x, y] = [rng.random_range(0.0..1.5), rng.random_range(0.0..1.0)];
        let light: f32 = rng.random::<f32>().powi(5);
        let tint = palette.pick(rng).mix(Colour::hex(0xffffff), 0.8);
        canvas.dab(x, y, 0.2 + 1.1 * light, tint, 0.35 + 0.65 * light);
        if light > 0.8 {
            canvas.glow(x, y, 0.007 * light, tint, 0.5);
        }
    }
    canvas
}
