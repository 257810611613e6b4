//! gossipsub's messages, as far as they have to be told apart: protobuf, read by its fields.

/// A field: its number, its whole encoding, and its content if that has a length.
struct Field<'a> {
    number: u64,
    whole: &'a [u8],
    content: Option<&'a [u8]>,
}

/// `RPC.publish`, `RPC.control`.
const PUBLISH: u64 = 2;
const CONTROL: u64 = 3;
/// `Message.data`.
const DATA: u64 = 2;
/// `ControlMessage.ihave`.
const IHAVE: u64 = 1;

/// An RPC without the published messages whose data `keeps` doesn't keep, and without what it
/// says that it has, unless `offers`. Nothing if nothing is left; `None` if nothing is taken out.
pub fn thin(rpc: &[u8], mut keeps: impl FnMut(&[u8]) -> bool, offers: bool) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(rpc.len());
    for field in fields(rpc) {
        match (field.number, field.content) {
            (PUBLISH, Some(message)) => {
                let data = fields(message).find(|field| field.number == DATA);
                if data.and_then(|data| data.content).is_none_or(&mut keeps) {
                    out.extend_from_slice(field.whole);
                }
            }
            (CONTROL, Some(control)) if !offers => {
                let rest: Vec<u8> = fields(control)
                    .filter(|field| field.number != IHAVE)
                    .flat_map(|field| field.whole.to_vec())
                    .collect();
                if !rest.is_empty() {
                    out.push((CONTROL << 3 | 2) as u8);
                    push_varint(&mut out, rest.len());
                    out.extend(rest);
                }
            }
            _ => out.extend_from_slice(field.whole),
        }
    }
    (out != rpc).then_some(out)
}

/// The fields of a message. What can't be read ends them.
fn fields(mut bytes: &[u8]) -> impl Iterator<Item = Field<'_>> {
    std::iter::from_fn(move || {
        let start = bytes;
        let (tag, rest) = varint(bytes)?;
        let (content, rest) = match tag & 7 {
            0 => (None, varint(rest)?.1),
            1 => (None, rest.get(8..)?),
            2 => {
                let (length, rest) = varint(rest)?;
                let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                (Some(content), rest)
            }
            5 => (None, rest.get(4..)?),
            _ => return None,
        };
        bytes = rest;
        Some(Field {
            number: tag >> 3,
            whole: &start[..start.len() - rest.len()],
            content,
        })
    })
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (place, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[place + 1..]));
        }
    }
    None
}

fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u64, content: &[u8]) -> Vec<u8> {
        let mut out = vec![(number << 3 | 2) as u8];
        push_varint(&mut out, content.len());
        out.extend_from_slice(content);
        out
    }

    fn message(data: &[u8]) -> Vec<u8> {
        let parts = [field(1, b"from"), field(DATA, data), field(4, b"topic")];
        field(PUBLISH, &parts.concat())
    }

    #[test]
    fn messages_are_taken_out_and_the_rest_stays() {
        let subscription = field(1, &[8, 1]);
        let long = vec![7; 300];
        let rpc = [subscription.clone(), message(b"bad"), message(&long)].concat();
        let expected = [subscription, message(&long)].concat();
        assert_eq!(thin(&rpc, |data| data != b"bad", true), Some(expected));
        assert_eq!(thin(&rpc, |_| true, true), None);
    }

    #[test]
    fn offers_are_taken_out_of_the_control_message() {
        let graft = field(3, b"topic");
        let rpc = field(CONTROL, &[field(IHAVE, b"ids"), graft.clone()].concat());
        assert_eq!(thin(&rpc, |_| true, false), Some(field(CONTROL, &graft)));
        let only = field(CONTROL, &field(IHAVE, b"ids"));
        assert_eq!(thin(&only, |_| true, false), Some(Vec::new()));
    }
}
