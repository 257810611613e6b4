//! What a host's streams write, changed on its way out.

/// Changes what one stream writes: it is given every write, and gives what is written in its
/// place; nothing, if it is empty. Who writes is told that all of it was taken.
///
/// It mustn't call the simulation.
pub type Filter = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// Gives streams that a host writes to their filters, by protocol.
pub(crate) type Tap = Box<dyn FnMut(&str) -> Option<Filter>>;

/// What stands between a stream's writer and the line.
#[derive(Default)]
pub(crate) enum Mouth {
    /// Nobody has looked yet whether something does.
    #[default]
    Unknown,
    /// Nothing.
    Free,
    /// This.
    Filtered(Filter),
}

impl Mouth {
    /// What is to be written in the place of `bytes`; nothing, if `bytes` themselves are.
    pub fn say(&mut self, protocol: &str, bytes: &[u8], tap: &mut Tap) -> Option<Vec<u8>> {
        if let Mouth::Unknown = self {
            *self = tap(protocol).map_or(Mouth::Free, Mouth::Filtered);
        }
        match self {
            Mouth::Filtered(filter) => Some(filter(bytes)),
            Mouth::Unknown | Mouth::Free => None,
        }
    }
}
