//! How a server says that it has a post, and the counting of it.

/// What comes back to the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirms {
    /// This byte, once for each post.
    Byte(u8),
    /// So many bytes for each post.
    Length(u64),
    /// Nothing: a post counts as taken when the first listener has it.
    Echo,
}

/// Counts confirmations in a stream that comes in pieces.
#[derive(Debug)]
pub struct Counter {
    confirms: Confirms,
    /// Bytes of a confirmation that is not complete.
    rest: u64,
}

impl Counter {
    pub fn new(confirms: Confirms) -> Self {
        Self { confirms, rest: 0 }
    }

    /// How many confirmations these bytes complete.
    pub fn feed(&mut self, bytes: &[u8]) -> u64 {
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
