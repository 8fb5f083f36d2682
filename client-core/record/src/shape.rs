//! The shape of a CBOR message, looked at before it is decoded.
//!
//! A byte of CBOR can become an empty list of 24 bytes in memory, and a few bytes can claim an array of
//! four thousand million. So the items of a message are counted first, without taking any memory.

/// Deepest nesting of arrays and maps; the messages of this protocol are nine deep.
const MAX_DEPTH: usize = 16;

/// Whether `bytes` are one well-formed CBOR item of at most `limit` items, itself included, with what follows it.
pub(crate) fn within(bytes: &[u8], limit: usize) -> Result<(), &'static str> {
    let mut at = Position {
        rest: bytes,
        items: 0,
        limit,
    };
    // How many items are still to come on each level; `None` until a break ends it.
    let mut open: Vec<Option<u64>> = vec![Some(1)];
    while let Some(level) = open.last_mut() {
        match level {
            Some(0) => {
                open.pop();
                continue;
            }
            Some(left) => *left -= 1,
            None if at.rest.first() == Some(&0xff) => {
                at.skip(1)?;
                open.pop();
                continue;
            }
            None => {}
        }
        if let Some(contents) = at.item()? {
            if open.len() >= MAX_DEPTH {
                return Err("it is nested too deep");
            }
            open.push(contents);
        }
    }
    Ok(())
}

struct Position<'a> {
    rest: &'a [u8],
    items: usize,
    limit: usize,
}

impl Position<'_> {
    fn skip(&mut self, count: u64) -> Result<(), &'static str> {
        let count = usize::try_from(count).map_err(|_| "it is cut off")?;
        self.rest = self.rest.get(count..).ok_or("it is cut off")?;
        Ok(())
    }

    /// Passes one item's head, and its bytes where it is a text or bytes. For an array or map: how many
    /// items follow, `None` where a break tells.
    fn item(&mut self) -> Result<Option<Option<u64>>, &'static str> {
        self.items += 1;
        if self.items > self.limit {
            return Err("it has too many items");
        }
        let head = *self.rest.first().ok_or("it is cut off")?;
        self.skip(1)?;
        let (major, info) = (head >> 5, head & 0x1f);
        let argument = match info {
            0..24 => Some(u64::from(info)),
            24..28 => Some(self.number(1 << (info - 24))?),
            31 if matches!(major, 4 | 5) => None,
            _ => return Err("it is not well formed"),
        };
        match (major, argument) {
            (2 | 3, Some(length)) => self.skip(length).map(|()| None),
            (4, length) => Ok(Some(length)),
            (5, Some(pairs)) => Ok(Some(Some(pairs.checked_mul(2).ok_or("it is cut off")?))),
            (5, None) => Ok(Some(None)),
            (6, _) => Err("it has a tag"),
            _ => Ok(None),
        }
    }

    fn number(&mut self, length: usize) -> Result<u64, &'static str> {
        let bytes = self.rest.get(..length).ok_or("it is cut off")?;
        self.rest = self.rest.get(length..).ok_or("it is cut off")?;
        Ok(bytes
            .iter()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_counted_and_depth_is_bounded() {
        // [1, {"a": h'00'}]
        let message = [0x82, 0x01, 0xa1, 0x61, b'a', 0x41, 0x00];
        assert_eq!(within(&message, 5), Ok(()));
        assert!(within(&message, 4).is_err());
        assert!(within(&[0x81; 15], 1_000).is_err(), "cut off");
        assert!(within(&[vec![0x81; 15], vec![0]].concat(), 1_000).is_ok());
        assert!(within(&[vec![0x81; 16], vec![0]].concat(), 1_000).is_err());
        assert!(within(&[0x9f, 0x01, 0xff], 10).is_ok());
    }

    #[test]
    fn claims_beyond_the_bytes_are_refused() {
        for claim in [
            &[0x9a, 0xff, 0xff, 0xff, 0xff][..],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xc1, 0x00],
            &[0x1c],
            &[],
        ] {
            assert!(within(claim, 1_000).is_err(), "{claim:x?}");
        }
    }
}
