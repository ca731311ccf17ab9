//! How a server confirms a post, and the count of confirmations.

/// What the writer receives for a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirms {
    /// This byte, once per post.
    Byte(u8),
    /// This number of bytes per post.
    Length(u64),
    /// Nothing: a post counts as confirmed when a listener has it.
    Echo,
}

/// Counts confirmations in a stream that arrives in pieces.
#[derive(Debug)]
pub(crate) struct Counter {
    confirms: Confirms,
    /// Bytes of an incomplete confirmation.
    rest: u64,
}

impl Counter {
    pub(crate) fn new(confirms: Confirms) -> Self {
        Self { confirms, rest: 0 }
    }

    /// Returns the number of confirmations that these bytes complete.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> u64 {
        match self.confirms {
            Confirms::Byte(byte) => memchr::memchr_iter(byte, bytes).count() as u64,
            Confirms::Length(length) => {
                let all = self.rest + bytes.len() as u64;
                self.rest = all % length;
                all / length
            }
            Confirms::Echo => 0,
        }
    }
}
