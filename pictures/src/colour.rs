//! Colours, and the sets of them that go together.

use std::ops::{Add, Mul};

use rand::{RngExt, rngs::StdRng};

/// Red, green and blue, 0 to 1, as screens have them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Colour(pub [f32; 3]);

impl Colour {
    /// From 0xRRGGBB.
    pub const fn hex(value: u32) -> Self {
        Colour([
            ((value >> 16) & 0xff) as f32 / 255.0,
            ((value >> 8) & 0xff) as f32 / 255.0,
            (value & 0xff) as f32 / 255.0,
        ])
    }

    /// `share` of `other` in this colour.
    pub fn mix(self, other: Colour, share: f32) -> Colour {
        self * (1.0 - share) + other * share
    }
}

impl Add for Colour {
    type Output = Colour;
    fn add(self, other: Colour) -> Colour {
        Colour([
            self.0[0] + other.0[0],
            self.0[1] + other.0[1],
            self.0[2] + other.0[2],
        ])
    }
}

impl Mul<f32> for Colour {
    type Output = Colour;
    fn mul(self, factor: f32) -> Colour {
        Colour(self.0.map(|channel| channel * factor))
    }
}

/// Colours from one end of a scale to the other.
#[derive(Clone, Copy, Debug)]
pub struct Palette(pub [Colour; 5]);

impl Palette {
    /// The colour at `place`, 0 to 1.
    pub fn at(&self, place: f32) -> Colour {
        let place = place.clamp(0.0, 1.0) * 4.0;
        let below = (place as usize).min(3);
        self.0[below].mix(self.0[below + 1], place - below as f32)
    }

    /// One of its colours.
    pub fn pick(&self, rng: &mut StdRng) -> Colour {
        self.0[rng.random_range(0..5)]
    }
}

const fn palette(colours: [u32; 5]) -> Palette {
    Palette([
        Colour::hex(colours[0]),
        Colour::hex(colours[1]),
        Colour::hex(colours[2]),
        Colour::hex(colours[3]),
        Colour::hex(colours[4]),
    ])
}

/// Skies, from the zenith to the horizon, and the land before them, from far to near: the last
/// colour is the nearest land's.
pub const SKIES: [Palette; 6] = [
    // Dusk in violet and peach.
    palette([0x2b2d5c, 0x6d4c7d, 0xd97b7b, 0xf9c58d, 0x171a33]),
    // A clear morning.
    palette([0x3f7cac, 0x83b5d1, 0xcfe3e8, 0xfdf0d5, 0x163040]),
    // Late gold.
    palette([0x7a4069, 0xca4e79, 0xf29e4c, 0xffe3a3, 0x2a1428]),
    // Northern night.
    palette([0x0b1030, 0x16325c, 0x2a6f86, 0x86c5b8, 0x050a18]),
    // Rain clearing.
    palette([0x5a6b7b, 0x8fa0a8, 0xc8d0cc, 0xefe6d2, 0x1f2a2e]),
    // Rose dawn.
    palette([0x4a5a9a, 0x9a86b8, 0xe5a9b4, 0xfbd9c5, 0x232043]),
];

/// For pictures that show nothing but themselves.
pub const TONES: [Palette; 8] = [
    palette([0x0d1b2a, 0x1b4965, 0x5fa8d3, 0xf2c078, 0xfff4e0]),
    palette([0x2d132c, 0x801336, 0xc72c41, 0xee8d54, 0xffe2b8]),
    palette([0x132a13, 0x31572c, 0x6a994e, 0xd9ca7a, 0xfaf6e3]),
    palette([0x10002b, 0x3c096c, 0x9d4edd, 0xff9ecd, 0xfff0f8]),
    palette([0x03071e, 0x023e8a, 0x0096c7, 0x90e0ef, 0xf7f7f2]),
    palette([0x1a1423, 0x4b3b5e, 0xb75d69, 0xeacdc2, 0xfdf6f0]),
    palette([0x06262b, 0x0f5257, 0x2fa084, 0xf4d35e, 0xfdfae8]),
    palette([0x22223b, 0x4a4e69, 0x9a8c98, 0xd9b8a5, 0xf2e9e4]),
];
