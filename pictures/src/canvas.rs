//! What scenes are painted on.

use crate::{HEIGHT, WIDTH, colour::Colour};

/// A picture in the making.
pub struct Canvas {
    /// Row by row from the top.
    pub pixels: Vec<Colour>,
}

impl Canvas {
    /// Asks for every pixel's colour. `x` and `y` are in picture heights: `y` from 0 at the top
    /// to 1, `x` from 0 to 1.5.
    pub fn paint(mut colour: impl FnMut(f32, f32) -> Colour) -> Self {
        let mut pixels = Vec::with_capacity(WIDTH * HEIGHT);
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                pixels.push(colour(unit(x), unit(y)));
            }
        }
        Canvas { pixels }
    }

    /// Paints over the part of every column that is below `line(x)`, which stays smooth. For
    /// each column `colour(x)` gives what its pixels' colours are asked of: `y`, and how deep
    /// below the line.
    pub fn fill_below<Column: Fn(f32, f32) -> Colour>(
        &mut self,
        line: impl Fn(f32) -> f32,
        colour: impl Fn(f32) -> Column,
    ) {
        for x in 0..WIDTH {
            let top = line(unit(x)) * HEIGHT as f32;
            let column = colour(unit(x));
            for y in (top.max(0.0) as usize)..HEIGHT {
                let covered = (y as f32 + 1.0 - top).clamp(0.0, 1.0);
                let depth = (y as f32 - top).max(0.0) / HEIGHT as f32;
                let pixel = &mut self.pixels[y * WIDTH + x];
                *pixel = pixel.mix(column(unit(y), depth), covered);
            }
        }
    }

    /// A soft round dab at a point, of this radius in pixels.
    pub fn dab(&mut self, x: f32, y: f32, radius: f32, colour: Colour, strength: f32) {
        let (x, y) = (x * HEIGHT as f32, y * HEIGHT as f32);
        let reach = radius + 1.0;
        let rows = span(y, reach, HEIGHT);
        for row in rows {
            for column in span(x, reach, WIDTH) {
                let (dx, dy) = (column as f32 - x, row as f32 - y);
                let covered = (reach - (dx * dx + dy * dy).sqrt()).clamp(0.0, 1.0);
                let pixel = &mut self.pixels[row * WIDTH + column];
                *pixel = pixel.mix(colour, covered * strength);
            }
        }
    }

    /// Light that falls off around a point: `radius` is where a third of it is left.
    pub fn glow(&mut self, x: f32, y: f32, radius: f32, colour: Colour, strength: f32) {
        let reach = 3.0 * radius * HEIGHT as f32;
        for row in span(y * HEIGHT as f32, reach, HEIGHT) {
            for column in span(x * HEIGHT as f32, reach, WIDTH) {
                let (dx, dy) = (unit(column) - x, unit(row) - y);
                let light = strength * (-(dx * dx + dy * dy) / (radius * radius)).exp();
                let pixel = &mut self.pixels[row * WIDTH + column];
                // As light does: what is bright already gains less.
                for (channel, more) in pixel.0.iter_mut().zip(colour.0) {
                    *channel += (1.0 - *channel).max(0.0) * more * light;
                }
            }
        }
    }
}

fn unit(pixel: usize) -> f32 {
    pixel as f32 / HEIGHT as f32
}

fn span(centre: f32, reach: f32, end: usize) -> std::ops::Range<usize> {
    let from = (centre - reach).max(0.0) as usize;
    let to = (centre + reach).ceil().max(0.0) as usize + 1;
    from.min(end)..to.min(end)
}
