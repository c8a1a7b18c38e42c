//! Wire format of Protocol Buffers, as much of it as is met here: numbers and delimited bytes.
//!
//! Spec: <https://protobuf.dev/programming-guides/encoding/>. Groups and numbers of fixed size are in none of the messages
//! that are read, and are refused.

/// One field of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// Every field of a message in its order; an error ends it, and says that the bytes are no message.
pub(crate) fn fields(message: &[u8]) -> impl Iterator<Item = Result<Field<'_>, NoMessage>> {
    let mut rest = message;
    core::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let field = field(&mut rest).ok_or(NoMessage);
        if field.is_err() {
            rest = &[];
        }
        Some(field)
    })
}

/// The bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a message of Protocol Buffers")]
pub(crate) struct NoMessage;

fn field<'a>(rest: &mut &'a [u8]) -> Option<Field<'a>> {
    let tag = u32::try_from(varint(rest)?).ok()?;
    let value = match tag & 7 {
        0 => Value::Number(varint(rest)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (bytes, after) = rest.split_at_checked(length)?;
            *rest = after;
            Value::Bytes(bytes)
        }
        _ => return None,
    };
    let number = tag >> 3;
    (number != 0).then_some(Field { number, value })
}

/// At most ten bytes with seven bits each, the least first.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        let bits = u64::from(byte & 0x7F);
        // The tenth byte has room for one bit.
        if bits.checked_shl(shift)?.checked_shr(shift)? != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(message: &[u8]) -> Result<Vec<(u32, Value<'_>)>, NoMessage> {
        fields(message).map(|field| field.map(|field| (field.number, field.value))).collect()
    }

    /// The examples of the specification.
    #[test]
    fn examples() {
        assert_eq!(all(b"\x08\x96\x01").unwrap(), [(1, Value::Number(150))]);
        assert_eq!(all(b"\x12\x07testing").unwrap(), [(2, Value::Bytes(b"testing"))]);
        let minus_two = b"\x08\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01";
        assert_eq!(all(minus_two).unwrap(), [(1, Value::Number(2_u64.wrapping_neg()))]);
        assert_eq!(all(b"").unwrap(), []);
    }

    #[test]
    fn no_messages() {
        for bytes in [
            &b"\x08"[..],
            b"\x08\x96",
            // Eleven bytes, and a tenth with two bits.
            b"\x08\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x81\x00",
            b"\x08\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x02",
            // Longer than the message; as long as nothing is.
            b"\x12\x08testing",
            b"\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01",
            // Field zero, fixed size, group.
            b"\x00\x01",
            b"\x0D\x00\x00\x00\x00",
            b"\x0B\x0C",
        ] {
            assert!(all(bytes).is_err(), "{bytes:02x?}");
        }
    }
}
