//! Two dozen landscapes, made from a seed: something to look at that nobody has to ship. A crate of
//! its own so that it can be optimised in debug builds, too.

use image::{
    ImageEncoder, Rgb, RgbImage, codecs::jpeg::JpegEncoder, imageops, imageops::FilterType,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};

/// Pictures in the gallery.
const COUNT: usize = 24;
/// Pixels of one.
const WIDTH: u32 = 1200;
const HEIGHT: u32 = 800;
/// The sky is drawn so much smaller and then enlarged: it has no edges.
const SKY_SCALE: u32 = 8;
/// Bytes that one is to have, more or less.
const BYTES: usize = 250_000;
/// Encodings that are tried to come near that size.
const TRIES: usize = 6;

/// One picture.
#[derive(Debug, Clone)]
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

/// Colours of one picture: the sky from above to the horizon, then the hills from afar to near.
struct Mood {
    title: &'static str,
    sky: [u32; 3],
    hills: [u32; 2],
    light: u32,
}

const MOODS: [Mood; 8] = [
    mood(
        "Before sunrise",
        [0x1b2350, 0x6a4c7d, 0xf2a07b],
        [0x8a6f9e, 0x14182f],
        0xffd9a0,
    ),
    mood(
        "Clear morning",
        [0x3f86c6, 0x9ccbe8, 0xfdf2d0],
        [0x8fb7c9, 0x1f4a4f],
        0xfffbe6,
    ),
    mood(
        "Noon haze",
        [0x6fa3b8, 0xbcd4cf, 0xf3ead2],
        [0xa9c0b2, 0x3d5b45],
        0xffffff,
    ),
    mood(
        "Golden hour",
        [0x4a5d8f, 0xe0a458, 0xffe0a3],
        [0xc98a5b, 0x3a2430],
        0xfff3c4,
    ),
    mood(
        "Red evening",
        [0x2b1b3d, 0xb3384b, 0xffa45c],
        [0x7f3350, 0x190f24],
        0xffc48a,
    ),
    mood(
        "Blue hour",
        [0x0d1b3e, 0x2f5d8a, 0x9fc3d8],
        [0x4d7597, 0x0b1730],
        0xe8f1ff,
    ),
    mood(
        "Moonlight",
        [0x050914, 0x16294a, 0x3f5f85],
        [0x27415f, 0x04070f],
        0xf4f3e6,
    ),
    mood(
        "Northern green",
        [0x06121f, 0x0f4a4c, 0x6fd0a3],
        [0x1f6062, 0x030b12],
        0xd8ffe9,
    ),
];

const fn mood(title: &'static str, sky: [u32; 3], hills: [u32; 2], light: u32) -> Mood {
    Mood {
        title,
        sky,
        hills,
        light,
    }
}

/// Draws the gallery: the same for the same seed. Takes about a second of one core.
pub fn draw(seed: u64) -> Vec<Picture> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let hands: Vec<_> = (0..cores)
            .map(|hand| {
                scope.spawn(move || {
                    (hand..COUNT)
                        .step_by(cores)
                        .map(|number| (number, picture(seed, number)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut drawn: Vec<_> = hands
            .into_iter()
            .flat_map(|hand| hand.join().expect("drawing doesn't panic"))
            .collect();
        drawn.sort_by_key(|(number, _)| *number);
        drawn.into_iter().map(|(_, picture)| picture).collect()
    })
}

fn picture(seed: u64, number: usize) -> Picture {
    let mut rng = StdRng::seed_from_u64(seed ^ (number as u64).wrapping_mul(0x9e37_79b9));
    let mood = &MOODS[number % MOODS.len()];
    let mut image = sky(mood, &mut rng);
    hills(mood, &mut rng, &mut image);
    Picture {
        name: format!("{:02}", number + 1),
        title: format!("{}, no. {}", mood.title, number / MOODS.len() + 1),
        jpeg: encode(&image, &mut rng),
        width: WIDTH,
        height: HEIGHT,
    }
}

/// A gradient, drifting clouds, and the sun or the moon with its glow.
fn sky(mood: &Mood, rng: &mut StdRng) -> RgbImage {
    let (width, height) = (WIDTH / SKY_SCALE, HEIGHT / SKY_SCALE);
    let clouds = Noise::new(rng);
    let drift = rng.random_range(0.0..100.0f32);
    let amount = rng.random_range(0.15..0.45f32);
    let small = RgbImage::from_fn(width, height, |x, y| {
        let down = y as f32 / height as f32;
        let mut colour = match down {
            d if d < 0.45 => mix(rgb(mood.sky[0]), rgb(mood.sky[1]), d / 0.45),
            d => mix(rgb(mood.sky[1]), rgb(mood.sky[2]), (d - 0.45) / 0.35),
        };
        let (u, v) = (x as f32 / 34.0 + drift, y as f32 / 11.0);
        let warp = clouds.at(u * 0.5, v * 0.5) * 1.6;
        let cloud = clouds.layered(u + warp, v - warp, 4);
        let cover = ((cloud - 0.5) * 3.0).clamp(0.0, 1.0) * amount * (1.0 - down * 0.6);
        colour = mix(colour, rgb(mood.light), cover);
        to_pixel(colour)
    });
    let mut image = imageops::resize(&small, WIDTH, HEIGHT, FilterType::CatmullRom);
    let centre = (
        rng.random_range(0.2..0.8f32) * WIDTH as f32,
        rng.random_range(0.18..0.5f32) * HEIGHT as f32,
    );
    light(&mut image, centre, rng.random_range(26.0..58.0), mood.light);
    image
}

fn light(image: &mut RgbImage, (cx, cy): (f32, f32), radius: f32, colour: u32) {
    let colour = rgb(colour);
    let reach = radius * 6.0;
    let across = (cx - reach).max(0.0) as u32..((cx + reach) as u32).min(WIDTH);
    for y in (cy - reach).max(0.0) as u32..((cy + reach) as u32).min(HEIGHT) {
        for x in across.clone() {
            let distance = (x as f32 - cx).hypot(y as f32 - cy);
            let disc = (radius + 1.0 - distance).clamp(0.0, 1.0);
            let glow = (1.0 - distance / reach).max(0.0).powi(3) * 0.5;
            let pixel = image.get_pixel_mut(x, y);
            *pixel = to_pixel(mix(from_pixel(*pixel), colour, disc.max(glow)));
        }
    }
}

/// Ridges one behind the other, each with mist at its foot, the nearest with trees.
fn hills(mood: &Mood, rng: &mut StdRng, image: &mut RgbImage) {
    let layers = rng.random_range(4..7);
    for layer in 0..layers {
        let near = (layer + 1) as f32 / layers as f32;
        let ridge = Noise::new(rng);
        let shift = rng.random_range(0.0..50.0f32);
        let base = HEIGHT as f32 * (0.48 + 0.42 * near * near.sqrt());
        let rise = HEIGHT as f32 * (0.26 - 0.12 * near);
        let width = 150.0 + 260.0 * near;
        let colour = mix(rgb(mood.hills[0]), rgb(mood.hills[1]), near.powf(1.3));
        let mist = mix(colour, rgb(mood.sky[2]), 0.55 * (1.0 - near * 0.75));
        for x in 0..WIDTH {
            let at = x as f32 / width + shift;
            let mut top = base - rise * (ridge.layered(at, 0.5, 5) - 0.35) * 1.6;
            if near > 0.8 {
                let tree = ridge.at(at * 60.0, 9.0);
                top -= tree.powi(3) * 34.0 * near;
            }
            let top = top.clamp(0.0, HEIGHT as f32 - 1.0);
            for y in top as u32..HEIGHT {
                let depth = ((y as f32 - top) / (HEIGHT as f32 * 0.3)).clamp(0.0, 1.0);
                image.put_pixel(x, y, to_pixel(mix(colour, mist, depth)));
            }
        }
    }
}

/// Adds film grain, which is also what makes the file as large as a photograph: as much as
/// brings it near the size.
fn encode(image: &RgbImage, rng: &mut StdRng) -> Vec<u8> {
    let (mut least, mut most) = (0.0f32, 40.0f32);
    let mut best = Vec::new();
    let grain_seed = rng.random_range(1..u32::MAX);
    for _ in 0..TRIES {
        let amount = (least + most) / 2.0;
        let jpeg = compress(&with_grain(image, amount, grain_seed));
        if jpeg.len() > BYTES {
            most = amount;
        } else {
            least = amount;
        }
        if jpeg.len().abs_diff(BYTES) < best.len().abs_diff(BYTES) {
            best = jpeg;
        }
        if best.len().abs_diff(BYTES) < BYTES / 25 {
            break;
        }
    }
    best
}

fn with_grain(image: &RgbImage, amount: f32, seed: u32) -> RgbImage {
    let mut grained = image.clone();
    let scale = (amount * 256.0 / 1024.0) as i32;
    let mut state = seed;
    for pixel in grained.pixels_mut() {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        // The difference of two uniform numbers: most grain is faint.
        let grain = ((state & 0x3ff) as i32 - ((state >> 16) & 0x3ff) as i32) * scale / 256;
        for channel in &mut pixel.0 {
            *channel = (i32::from(*channel) + grain).clamp(0, 255) as u8;
        }
    }
    grained
}

fn compress(image: &RgbImage) -> Vec<u8> {
    let mut jpeg = Vec::with_capacity(2 * BYTES);
    JpegEncoder::new_with_quality(&mut jpeg, 82)
        .write_image(image, WIDTH, HEIGHT, image::ExtendedColorType::Rgb8)
        .expect("memory is the only sink, and the sizes agree");
    jpeg
}

/// Value noise: smooth random hills between 0 and 1.
struct Noise {
    lattice: Vec<f32>,
}

impl Noise {
    /// Points of the lattice along one side: a power of two.
    const SIDE: usize = 64;

    fn new(rng: &mut StdRng) -> Self {
        Noise {
            lattice: (0..Self::SIDE * Self::SIDE)
                .map(|_| rng.random_range(0.0..1.0))
                .collect(),
        }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        let (left, top) = (x.floor(), y.floor());
        let ease = |t: f32| t * t * (3.0 - 2.0 * t);
        let (across, down) = (ease(x - left), ease(y - top));
        let point = |dx: i32, dy: i32| {
            let wrap = |at: f32, d: i32| (at as i32 + d) as usize & (Self::SIDE - 1);
            self.lattice[wrap(top, dy) * Self::SIDE + wrap(left, dx)]
        };
        let blend = |a: f32, b: f32, t: f32| a + (b - a) * t;
        blend(
            blend(point(0, 0), point(1, 0), across),
            blend(point(0, 1), point(1, 1), across),
            down,
        )
    }

    /// Several octaves, each half as high and twice as fine as the one before.
    fn layered(&self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut height, mut whole, mut scale) = (0.0, 1.0, 0.0, 1.0);
        for _ in 0..octaves {
            sum += self.at(x * scale, y * scale) * height;
            whole += height;
            height *= 0.5;
            scale *= 2.03;
        }
        sum / whole
    }
}

type Colour = [f32; 3];

fn rgb(hex: u32) -> Colour {
    [16, 8, 0].map(|shift| ((hex >> shift) & 0xff) as f32)
}

fn mix(a: Colour, b: Colour, t: f32) -> Colour {
    let t = t.clamp(0.0, 1.0);
    [0, 1, 2].map(|i| a[i] + (b[i] - a[i]) * t)
}

fn to_pixel(colour: Colour) -> Rgb<u8> {
    Rgb(colour.map(|channel| channel.round() as u8))
}

fn from_pixel(pixel: Rgb<u8>) -> Colour {
    pixel.0.map(f32::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_picture_of_about_250_kb() {
        let first = picture(7, 3);
        assert_eq!(first.jpeg, picture(7, 3).jpeg);
        assert_ne!(first.jpeg, picture(8, 3).jpeg);
        assert!(
            (200_000..300_000).contains(&first.jpeg.len()),
            "{}",
            first.jpeg.len()
        );
        assert_eq!(&first.jpeg[..3], b"\xff\xd8\xff");
    }
}
