//! From a canvas to a file of about 250 KB.

use image::{ExtendedColorType, codecs::jpeg::JpegEncoder};
use rand::{RngExt, rngs::StdRng};

use crate::{HEIGHT, WIDTH, canvas::Canvas};

/// Bytes that a file should have, and by how much it may miss them.
const WANTED: usize = 250_000;
const TOLERANCE: usize = 22_000;
/// Grain, in steps of 255: as film has it; it also keeps gradients from banding.
const GRAIN: f32 = 5.0;
const QUALITY: std::ops::RangeInclusive<u8> = 40..=98;
/// Every so manieth strip of 16 rows tells how large the whole will be.
const SAMPLED: usize = 7;
const STRIP: usize = 16 * 3 * WIDTH;

/// Encodes with the quality that gives the wanted size.
pub fn encode(canvas: &Canvas, rng: &mut StdRng) -> Vec<u8> {
    let pixels = develop(canvas, rng);
    let sample: Vec<u8> = pixels
        .chunks(STRIP)
        .skip(SAMPLED / 2)
        .step_by(SAMPLED)
        .flatten()
        .copied()
        .collect();
    let share = sample.len() as f32 / pixels.len() as f32;
    let quality = search(86, |quality| {
        (compress(&sample, quality).len() as f32 / share) as usize
    });
    let mut file = Vec::new();
    search(quality, |quality| {
        file = compress(&pixels, quality);
        file.len()
    });
    file
}

/// The quality nearest to `first` with which `size` is about what is wanted.
fn search(first: u8, mut size: impl FnMut(u8) -> usize) -> u8 {
    let (mut low, mut high) = QUALITY.into_inner();
    let mut quality = first;
    loop {
        let bytes = size(quality);
        if bytes > WANTED + TOLERANCE {
            high = quality - 1;
        } else if bytes < WANTED - TOLERANCE {
            low = quality + 1;
        } else {
            return quality;
        }
        if low > high {
            return quality;
        }
        // Around here the size grows by about 5 % a step.
        let steps = (WANTED as f32 / bytes as f32).ln() / 0.055;
        let next = f32::from(quality) + steps.round();
        quality = next.clamp(low.into(), high.into()) as u8;
    }
}

/// Rows of pixels as a file.
fn compress(pixels: &[u8], quality: u8) -> Vec<u8> {
    let rows = pixels.len() / (3 * WIDTH);
    let mut file = Vec::with_capacity(WANTED + TOLERANCE);
    JpegEncoder::new_with_quality(&mut file, quality)
        .encode(pixels, WIDTH as u32, rows as u32, ExtendedColorType::Rgb8)
        .expect("the buffer is of the size that is said, and memory takes it");
    file
}

/// To bytes, with grain and a little less light in the corners.
fn develop(canvas: &Canvas, rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(3 * WIDTH * HEIGHT);
    let mut state = rng.random::<u64>() | 1;
    for (index, pixel) in canvas.pixels.iter().enumerate() {
        let x = (index % WIDTH) as f32 / WIDTH as f32 - 0.5;
        let y = (index / WIDTH) as f32 / HEIGHT as f32 - 0.5;
        let light = 255.0 * (1.0 - 0.22 * (x * x + y * y));
        // xorshift64: two of its bytes summed are grain enough.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let grain = ((state & 0xff) as f32 + (state >> 8 & 0xff) as f32) / 255.0 - 1.0;
        for channel in pixel.0 {
            bytes.push((channel * light + GRAIN * grain).clamp(0.0, 255.0) as u8);
        }
    }
    bytes
}
