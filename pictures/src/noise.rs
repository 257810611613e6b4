//! Smooth noise: the shape of hills, clouds and water.

use rand::{RngExt, rngs::StdRng};

/// Lattice points along a side; a power of two. The noise repeats after it.
const SIDE: usize = 256;

/// A texture of summed octaves, read at any point between its lattice points. Reading it costs
/// one interpolation, however many octaves were summed.
pub struct Noise {
    texture: Vec<f32>,
}

impl Noise {
    /// Noise of which the coarsest octave has `cells` hills along a side of the texture; each
    /// finer one has `roughness` times the height of the one before. About 0.5 in the mean,
    /// and from 0 to 1.
    pub fn new(rng: &mut StdRng, cells: usize, roughness: f32) -> Self {
        let mut texture = vec![0.0; SIDE * SIDE];
        let (mut cells, mut height, mut total) = (cells, 1.0, 0.0);
        while cells <= SIDE {
            let lattice: Vec<f32> = (0..cells * cells).map(|_| rng.random()).collect();
            add_octave(&mut texture, &lattice, cells, height);
            total += height;
            height *= roughness;
            cells *= 2;
        }
        // A sum of octaves keeps to the middle; stretched, it uses the whole scale.
        for value in &mut texture {
            *value = ((*value / total - 0.5) * 1.6 + 0.5).clamp(0.0, 1.0);
        }
        Noise { texture }
    }

    /// The value at a point, in lattice points; anything outside wraps around.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let (share_x, share_y) = (x - left, y - top);
        let wrap = |value: f32| (value as i32) as usize & (SIDE - 1);
        let (x0, y0) = (wrap(left), wrap(top) * SIDE);
        let (x1, y1) = ((x0 + 1) & (SIDE - 1), (y0 + SIDE) & (SIDE * SIDE - 1));
        let above = lerp(self.texture[y0 + x0], self.texture[y0 + x1], share_x);
        let below = lerp(self.texture[y1 + x0], self.texture[y1 + x1], share_x);
        lerp(above, below, share_y)
    }
}

fn add_octave(texture: &mut [f32], lattice: &[f32], cells: usize, height: f32) {
    let step = cells as f32 / SIDE as f32;
    for y in 0..SIDE {
        let (y0, y1, share_y) = between(y, step, cells);
        for x in 0..SIDE {
            let (x0, x1, share_x) = between(x, step, cells);
            let above = lerp(lattice[y0 * cells + x0], lattice[y0 * cells + x1], share_x);
            let below = lerp(lattice[y1 * cells + x0], lattice[y1 * cells + x1], share_x);
            texture[y * SIDE + x] += height * lerp(above, below, share_y);
        }
    }
}

/// The lattice points around a texture point, and how far it is on its way to the second.
fn between(point: usize, step: f32, cells: usize) -> (usize, usize, f32) {
    let place = point as f32 * step;
    let first = place as usize;
    (
        first % cells,
        (first + 1) % cells,
        smooth(place - first as f32),
    )
}

/// From `a` at 0 to `b` at 1.
pub fn lerp(a: f32, b: f32, share: f32) -> f32 {
    a + (b - a) * share
}

/// From 0 to 1 without a corner at either end.
pub fn smooth(share: f32) -> f32 {
    let share = share.clamp(0.0, 1.0);
    share * share * (3.0 - 2.0 * share)
}

/// 0 below `from`, 1 above `to`, smooth between.
pub fn step(from: f32, to: f32, value: f32) -> f32 {
    smooth((value - from) / (to - from))
}
