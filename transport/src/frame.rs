//! The frames inside data channel messages: a length, then a protobuf message with a flag and
//! bytes (libp2p specs, webrtc/README.md, "Multiplexing").

/// The largest message that is sent or accepted, with its length prefix, in bytes.
pub const MAX_MESSAGE: usize = 16 * 1024;
/// The most bytes of a stream that fit into a message: prefix, flag and key take up to 8.
pub const MAX_PAYLOAD: usize = MAX_MESSAGE - 8;

const FLAG_KEY: u64 = 1 << 3;
const MESSAGE_KEY: u64 = 2 << 3 | 2;

/// What a frame says about its stream, besides bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flag {
    /// The sender has sent everything.
    Fin,
    /// The sender won't read what comes.
    StopSending,
    /// The sender gives up what it was sending.
    Reset,
    /// The sender has received everything up to the other's `Fin`.
    FinAck,
}

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The flag, if there is one that is known.
    pub flag: Option<Flag>,
    /// The bytes, which may be none.
    pub payload: Vec<u8>,
}

/// A stream of frames is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The length says more than 16 KiB.
    #[error("a frame is larger than 16 KiB")]
    TooLarge,
    /// It isn't protobuf.
    #[error("a frame isn't the protobuf message that it should be")]
    Malformed,
}

/// Encodes a frame with its length prefix. `payload` is at most [`MAX_PAYLOAD`].
pub fn encode(flag: Option<Flag>, payload: &[u8]) -> Vec<u8> {
    debug_assert!(payload.len() <= MAX_PAYLOAD);
    let mut body = Vec::with_capacity(payload.len() + 6);
    if let Some(flag) = flag {
        body.extend([FLAG_KEY as u8, flag as u8]);
    }
    if !payload.is_empty() {
        body.push(MESSAGE_KEY as u8);
        put_varint(&mut body, payload.len());
        body.extend_from_slice(payload);
    }
    let mut frame = Vec::with_capacity(body.len() + 2);
    put_varint(&mut frame, body.len());
    frame.append(&mut body);
    frame
}

fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads frames out of messages. One message is one frame, by the specification, but there are
/// implementations that see a byte stream, so frames may share messages and span them.
#[derive(Debug, Default)]
pub struct Decoder {
    partial: Vec<u8>,
}

impl Decoder {
    /// Takes a message and gives the frames that it completes. After an error the stream can't be
    /// understood any more.
    pub fn push(&mut self, message: &[u8]) -> Result<Vec<Frame>, FrameError> {
        let mut frames = Vec::new();
        if self.partial.is_empty() {
            let rest = read_frames(message, &mut frames)?;
            self.partial = rest.to_vec();
        } else {
            let mut bytes = std::mem::take(&mut self.partial);
            bytes.extend_from_slice(message);
            let rest = read_frames(&bytes, &mut frames)?;
            self.partial = rest.to_vec();
        }
        Ok(frames)
    }
}

fn read_frames<'a>(mut bytes: &'a [u8], frames: &mut Vec<Frame>) -> Result<&'a [u8], FrameError> {
    while !bytes.is_empty() {
        // Three bytes say more than is ever allowed.
        let mut prefix = &bytes[..bytes.len().min(3)];
        let before = prefix.len();
        let length = match varint(&mut prefix) {
            Ok(length) => length,
            Err(Incomplete) if before < 3 => return Ok(bytes),
            Err(Incomplete) => return Err(FrameError::TooLarge),
        };
        let rest = &bytes[before - prefix.len()..];
        let length = usize::try_from(length)
            .ok()
            .filter(|&length| length <= MAX_MESSAGE)
            .ok_or(FrameError::TooLarge)?;
        let Some((body, after)) = rest.split_at_checked(length) else {
            return Ok(bytes);
        };
        frames.push(read_body(body)?);
        bytes = after;
    }
    Ok(bytes)
}

fn read_body(mut body: &[u8]) -> Result<Frame, FrameError> {
    let mut frame = Frame::default();
    while !body.is_empty() {
        match number(&mut body)? {
            FLAG_KEY => {
                frame.flag = match number(&mut body)? {
                    0 => Some(Flag::Fin),
                    1 => Some(Flag::StopSending),
                    2 => Some(Flag::Reset),
                    3 => Some(Flag::FinAck),
                    // An enum value that isn't known is, in proto2, a field that isn't.
                    _ => frame.flag,
                }
            }
            MESSAGE_KEY => {
                let length = number(&mut body)?;
                frame.payload = take(&mut body, length)?.to_vec();
            }
            other => match other & 7 {
                0 => drop(number(&mut body)?),
                1 => drop(take(&mut body, 8)?),
                2 => {
                    let length = number(&mut body)?;
                    take(&mut body, length)?;
                }
                5 => drop(take(&mut body, 4)?),
                _ => return Err(FrameError::Malformed),
            },
        }
    }
    Ok(frame)
}

/// More bytes are needed, or there are more than 64 bits.
struct Incomplete;

fn varint(bytes: &mut &[u8]) -> Result<u64, Incomplete> {
    let mut value = 0;
    for (at, byte) in bytes.iter().take(9).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *bytes = &bytes[at + 1..];
            return Ok(value);
        }
    }
    Err(Incomplete)
}

fn number(body: &mut &[u8]) -> Result<u64, FrameError> {
    varint(body).map_err(|_| FrameError::Malformed)
}

fn take<'a>(body: &mut &'a [u8], length: u64) -> Result<&'a [u8], FrameError> {
    let (taken, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| body.split_at_checked(length))
        .ok_or(FrameError::Malformed)?;
    *body = rest;
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [Option<Flag>; 5] = [
        None,
        Some(Flag::Fin),
        Some(Flag::StopSending),
        Some(Flag::Reset),
        Some(Flag::FinAck),
    ];

    #[test]
    fn what_is_encoded_is_decoded_and_fits() {
        for flag in FLAGS {
            for length in [0, 1, 127, 128, 16_000, MAX_PAYLOAD] {
                let payload = vec![7; length];
                let message = encode(flag, &payload);
                assert!(message.len() <= MAX_MESSAGE, "{} bytes", message.len());
                let frames = Decoder::default().push(&message).unwrap();
                assert_eq!(frames, [Frame { flag, payload }]);
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_protobuf() {
        assert_eq!(encode(Some(Flag::Fin), b""), [2, 8, 0]);
        assert_eq!(encode(Some(Flag::FinAck), b""), [2, 8, 3]);
        assert_eq!(encode(None, b"hi"), [4, 0x12, 2, b'h', b'i']);
    }

    #[test]
    fn frames_may_share_and_span_messages() {
        let mut bytes = encode(None, &[1; 300]);
        bytes.extend(encode(Some(Flag::Fin), &[2; 3]));
        for cut in 0..bytes.len() {
            let mut decoder = Decoder::default();
            let mut frames = decoder.push(&bytes[..cut]).unwrap();
            frames.extend(decoder.push(&bytes[cut..]).unwrap());
            assert_eq!(frames.len(), 2, "cut at {cut}");
            assert_eq!(frames[1].flag, Some(Flag::Fin));
            assert!(decoder.partial.is_empty());
        }
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_has_come() {
        let push = |bytes: &[u8]| Decoder::default().push(bytes);
        assert_eq!(push(&[0xff, 0xff, 0x7f]), Err(FrameError::TooLarge));
        assert_eq!(push(&[0xff; 12]), Err(FrameError::TooLarge));
        let mut over = Vec::new();
        put_varint(&mut over, MAX_MESSAGE + 1);
        assert_eq!(push(&over), Err(FrameError::TooLarge));
    }

    #[test]
    fn unknown_fields_are_skipped_and_torn_ones_refused() {
        let push = |bytes: &[u8]| Decoder::default().push(bytes);
        // Field 3 as a varint, then a flag that isn't known, then FIN.
        let frames = push(&[6, 0x18, 5, 8, 9, 8, 0]).unwrap();
        assert_eq!(frames[0].flag, Some(Flag::Fin));
        assert_eq!(push(&[2, 0x12, 5]), Err(FrameError::Malformed));
        assert_eq!(push(&[1, 0x0b]), Err(FrameError::Malformed));
        assert_eq!(push(&[1, 8]), Err(FrameError::Malformed));
    }
}
