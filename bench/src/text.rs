//! The text of every message: of fixed length, with its number and the time at which it was due.

use std::io::Write as _;

/// Length of a text in bytes.
pub(crate) const LENGTH: usize = 60;
/// The first byte of every text. No protocol of a peer uses this byte around a text.
pub(crate) const MARK: u8 = b'=';

const NUMBER: usize = 10;
const TIME: usize = 14;
/// From the mark to the end of the time.
const HEAD: usize = 1 + NUMBER + 1 + TIME;
const REST: &[u8; LENGTH - HEAD] = b" is one of many messages in a room";

/// Appends a text with its number and the time at which it was due, in nanoseconds since the start of the generator.
pub(crate) fn append(out: &mut Vec<u8>, number: u64, time: u64) {
    // Writing to a vector does not fail.
    let _ = write!(out, "={number:010} {time:014}");
    out.extend_from_slice(REST);
}

/// Finds the texts in a stream that arrives in pieces.
#[derive(Debug, Default)]
pub(crate) struct Finder {
    /// The beginning of an incomplete text.
    torn: Vec<u8>,
}

impl Finder {
    /// Calls `found` with the number and the time of each text that these bytes complete.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut found: impl FnMut(u64, u64)) {
        let mut rest = bytes;
        if !self.torn.is_empty() {
            let missing = (HEAD - self.torn.len()).min(rest.len());
            self.torn.extend_from_slice(&rest[..missing]);
            if self.torn.len() < HEAD {
                return;
            }
            read(&self.torn, &mut found);
            self.torn.clear();
            rest = &rest[missing..];
        }
        while let Some(at) = memchr::memchr(MARK, rest) {
            rest = &rest[at..];
            if rest.len() < HEAD {
                self.torn.extend_from_slice(rest);
                return;
            }
            read(&rest[..HEAD], &mut found);
            rest = &rest[HEAD..];
        }
    }
}

fn read(head: &[u8], found: &mut impl FnMut(u64, u64)) {
    found(decimal(&head[1..=NUMBER]), decimal(&head[NUMBER + 2..]));
}

fn decimal(digits: &[u8]) -> u64 {
    digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit.wrapping_sub(b'0')))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Returns the numbers of all texts in `bytes`.
    pub(crate) fn numbers(bytes: &[u8]) -> Vec<u64> {
        let mut all = Vec::new();
        Finder::default().feed(bytes, |number, _| all.push(number));
        all
    }

    #[test]
    fn finds_texts_in_any_pieces() {
        let mut stream = Vec::new();
        for number in 0..3 {
            stream.extend_from_slice(b"Keen Bench: ");
            append(&mut stream, number, 1_000 * number);
            stream.push(b'\n');
        }
        for size in 1..=stream.len() {
            let (mut finder, mut all) = (Finder::default(), Vec::new());
            for piece in stream.chunks(size) {
                finder.feed(piece, |number, time| all.push((number, time)));
            }
            assert_eq!(all, [(0, 0), (1, 1_000), (2, 2_000)], "in pieces of {size}");
        }
    }

    #[test]
    fn texts_have_one_length() {
        let mut out = Vec::new();
        append(&mut out, 4_000_000_000, 90_000_000_000_000);
        assert_eq!(out.len(), LENGTH);
    }
}
