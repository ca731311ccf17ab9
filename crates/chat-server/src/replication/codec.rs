//! Batches as bytes. Numbers are little-endian or LEB128, and every batch has exactly one encoding.
//!
//! ```text
//! version (1) · generation (16) · epoch (8) · number (8) · at (8) · base: place (8), hash (32) · count · entries · crc32 (4)
//! entry: kind (1) · room · fields
//! ```

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use chat_proto::{Nickname, PostId, Text};

use super::batch::{BatchEntry, Looks, ProposedBatch, RoomNumber};
use super::chain::{ChainHash, ChainLink, Generation};
use crate::accounts::TokenHash;
use crate::action::{ActionDraft, OperatorAction};
use crate::entry::Author;

/// The largest encoded batch in bytes: what engines accept as one message without special settings.
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

const VERSION: u8 = 1;
const CRC_BYTES: usize = 4;

const POST: u8 = 1;
const REGISTER: u8 = 2;
const ACT: u8 = 3;
const EXPIRE: u8 = 4;
const BARRIER: u8 = 5;

/// The reason why bytes are not a batch that this program can apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// The checksum is wrong.
    #[error("its checksum is wrong")]
    Checksum,
    /// A later version of this program wrote it.
    #[error("it has version {0}, which this program does not know: use a newer program")]
    Version(u8),
    /// It contains a kind of entry that this program does not know.
    #[error("it has an entry of kind {0}, which this program does not know: use a newer program")]
    Kind(u8),
    /// It contains an entry of a room that this program does not know.
    #[error("it has an entry of room {0}, which this program does not know: use a newer program")]
    Room(u32),
    /// It is too large, too short, or contains a value that is not valid.
    #[error("it is malformed")]
    Malformed,
}

impl ProposedBatch {
    /// Returns the batch as bytes.
    ///
    /// # Errors
    /// [`BatchError::Malformed`] if it has more than [`MAX_BATCH_BYTES`], or renames an account to what is not a nickname.
    pub fn encode(&self) -> Result<Bytes, BatchError> {
        let mut to = BytesMut::with_capacity(128 + 96 * self.entries.len());
        to.put_u8(VERSION);
        to.put_slice(self.generation.as_bytes());
        to.put_u64_le(self.epoch);
        to.put_u64_le(self.number);
        to.put_i64_le(self.at);
        to.put_u64_le(self.base.place);
        to.put_slice(self.base.hash.as_bytes());
        put_number(&mut to, self.entries.len() as u64);
        for entry in &self.entries {
            put_entry(&mut to, entry)?;
        }
        let crc = crc32fast::hash(&to);
        to.put_u32_le(crc);
        if to.len() > MAX_BATCH_BYTES { Err(BatchError::Malformed) } else { Ok(to.freeze()) }
    }

    /// Reads a batch.
    ///
    /// # Errors
    /// [`BatchError`] if it cannot be applied by this program.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        if bytes.len() > MAX_BATCH_BYTES {
            return Err(BatchError::Malformed);
        }
        let (body, crc) = bytes.split_last_chunk::<CRC_BYTES>().ok_or(BatchError::Malformed)?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(BatchError::Checksum);
        }
        let mut from = BatchReader(body);
        match from.byte()? {
            VERSION => {}
            other => return Err(BatchError::Version(other)),
        }
        let generation = Generation::from_bytes(from.array()?);
        let (epoch, number) = (u64::from_le_bytes(from.array()?), u64::from_le_bytes(from.array()?));
        let at = i64::from_le_bytes(from.array()?);
        let place = u64::from_le_bytes(from.array()?);
        let base = ChainLink { place, hash: ChainHash::from_bytes(from.array()?) };
        let count = from.number()?;
        // An entry has at least two bytes, so a wrong count cannot make this reserve more than was sent.
        let count =
            usize::try_from(count).ok().filter(|&count| count <= from.0.len() / 2).ok_or(BatchError::Malformed)?;
        let entries = (0..count).map(|_| from.entry()).collect::<Result<_, _>>()?;
        if from.0.is_empty() {
            Ok(Self { generation, epoch, number, at, base, entries })
        } else {
            Err(BatchError::Malformed)
        }
    }
}

fn put_entry(to: &mut BytesMut, entry: &BatchEntry) -> Result<(), BatchError> {
    let mut kind = |kind: u8| {
        to.put_u8(kind);
        put_number(to, u64::from(RoomNumber::MAIN.0));
    };
    match entry {
        BatchEntry::Post { author, id, text } => {
            kind(POST);
            to.put_i64_le(author.id);
            put_bytes(to, author.nickname.as_str());
            put_optional(to, id.as_ref().map(PostId::as_str));
            put_bytes(to, text.as_str());
        }
        BatchEntry::Register { token, nickname, looks } => {
            kind(REGISTER);
            to.put_slice(token.as_bytes());
            put_bytes(to, nickname.as_str());
            put_looks(to, looks);
        }
        BatchEntry::Act { draft, looks } => {
            kind(ACT);
            put_bytes(to, draft.actor.as_str());
            put_optional(to, draft.reason.as_ref().map(Text::as_str));
            check_action(&draft.action)?;
            put_bytes(to, &serde_json::to_string(&draft.action).map_err(|_| BatchError::Malformed)?);
            to.put_u8(u8::from(looks.is_some()));
            looks.iter().for_each(|looks| put_looks(to, looks));
        }
        BatchEntry::Expire { through } => {
            kind(EXPIRE);
            put_number(to, *through);
        }
        BatchEntry::Barrier => kind(BARRIER),
    }
    Ok(())
}

/// Checks what every store that applies an action relies on: an entry that no node could apply would stop all of them.
fn check_action(action: &OperatorAction) -> Result<(), BatchError> {
    match action {
        OperatorAction::Rename { to, .. } if !Nickname::new(to).is_ok_and(|name| name.as_str() == to) => {
            Err(BatchError::Malformed)
        }
        _ => Ok(()),
    }
}

fn put_number(to: &mut BytesMut, mut number: u64) {
    while number >= 0x80 {
        to.put_u8(number as u8 | 0x80);
        number >>= 7;
    }
    to.put_u8(number as u8);
}

fn put_bytes(to: &mut BytesMut, text: &str) {
    put_number(to, text.len() as u64);
    to.put_slice(text.as_bytes());
}

fn put_optional(to: &mut BytesMut, text: Option<&str>) {
    to.put_u8(u8::from(text.is_some()));
    text.iter().for_each(|text| put_bytes(to, text));
}

fn put_looks(to: &mut BytesMut, looks: &Looks) {
    looks.0.iter().for_each(|form| put_bytes(to, form));
}

/// Reads values from the beginning of bytes.
struct BatchReader<'a>(&'a [u8]);

impl<'a> BatchReader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BatchError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(BatchError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BatchError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(BatchError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, BatchError> {
        Ok(self.array::<1>()?[0])
    }

    fn flag(&mut self) -> Result<bool, BatchError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BatchError::Malformed),
        }
    }

    fn number(&mut self) -> Result<u64, BatchError> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            // Bits beyond the 64th, or a last byte that adds nothing, would be a second encoding.
            if part << shift >> shift != part || byte == 0 && shift > 0 {
                return Err(BatchError::Malformed);
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BatchError::Malformed)
    }

    fn text(&mut self) -> Result<&'a str, BatchError> {
        let length = usize::try_from(self.number()?).map_err(|_| BatchError::Malformed)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| BatchError::Malformed)
    }

    /// Reads a value that has exactly one form as text.
    fn value<T, E>(
        &mut self,
        new: impl FnOnce(&str) -> Result<T, E>,
        form: impl Fn(&T) -> &str,
    ) -> Result<T, BatchError> {
        let text = self.text()?;
        new(text).ok().filter(|value| form(value) == text).ok_or(BatchError::Malformed)
    }

    fn nickname(&mut self) -> Result<Nickname, BatchError> {
        self.value(Nickname::new, Nickname::as_str)
    }

    fn looks(&mut self) -> Result<Looks, BatchError> {
        Ok(Looks([self.text()?.into(), self.text()?.into()]))
    }

    fn entry(&mut self) -> Result<BatchEntry, BatchError> {
        let kind = self.byte()?;
        let room = self.number()?;
        if room != u64::from(RoomNumber::MAIN.0) {
            return Err(u32::try_from(room).map_or(BatchError::Malformed, BatchError::Room));
        }
        Ok(match kind {
            POST => {
                let author = Author { id: i64::from_le_bytes(self.array()?), nickname: self.nickname()? };
                let id = if self.flag()? { Some(self.value(PostId::new, PostId::as_str)?) } else { None };
                BatchEntry::Post { author: Arc::new(author), id, text: self.value(Text::new, Text::as_str)? }
            }
            REGISTER => {
                let (token, nickname) = (TokenHash::from_bytes(self.array()?), self.nickname()?);
                BatchEntry::Register { token, nickname, looks: self.looks()? }
            }
            ACT => {
                let actor = self.nickname()?;
                let reason = if self.flag()? { Some(self.value(Text::new, Text::as_str)?) } else { None };
                let body = self.text()?;
                let action = serde_json::from_str(body).map_err(|_| BatchError::Malformed)?;
                check_action(&action)?;
                // The same action in other words would be applied alike, but hashed differently after a repetition.
                if serde_json::to_string(&action).ok().as_deref() != Some(body) {
                    return Err(BatchError::Malformed);
                }
                let looks = if self.flag()? { Some(self.looks()?) } else { None };
                BatchEntry::Act { draft: ActionDraft { actor, reason, action }, looks }
            }
            EXPIRE => BatchEntry::Expire { through: self.number()? },
            BARRIER => BatchEntry::Barrier,
            other => return Err(BatchError::Kind(other)),
        })
    }
}

#[cfg(test)]
mod tests;
