//! Writes a JSON object as the protocol spells it: fields in a fixed order, a space after each colon and comma.

use bytes::{BufMut, BytesMut};

use crate::line::EXTENSION_MARK;

/// An object that is being written. Keys are part of the protocol and are not escaped.
pub(super) struct JsonObjectWriter {
    out: BytesMut,
    empty: bool,
}

impl JsonObjectWriter {
    /// Starts an extension line.
    pub(super) fn line() -> Self {
        Self::append_line(BytesMut::with_capacity(96))
    }

    /// Starts an extension line after the bytes of `out`.
    pub(super) fn append_line(mut out: BytesMut) -> Self {
        // The mark is ASCII, so it is one byte.
        out.put_u8(EXTENSION_MARK as u8);
        Self::append(out)
    }

    /// Starts an object inside another one.
    pub(super) fn nested() -> Self {
        Self::append(BytesMut::new())
    }

    fn append(mut out: BytesMut) -> Self {
        out.put_u8(b'{');
        Self { out, empty: true }
    }

    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.put_slice(b", ");
        }
        self.out.put_u8(b'"');
        self.out.put_slice(key.as_bytes());
        self.out.put_slice(b"\": ");
    }

    /// Appends a string.
    pub(super) fn text(&mut self, key: &str, value: &str) {
        self.value(key, value);
    }

    /// Appends a string or a number.
    pub(super) fn value(&mut self, key: &str, value: impl serde::Serialize) {
        self.key(key);
        // Writing to memory cannot fail, and strings and numbers can always be serialized.
        let _ = serde_json::to_writer((&mut self.out).writer(), &value);
    }

    /// Appends a value that is already JSON.
    pub(super) fn raw(&mut self, key: &str, json: &[u8]) {
        self.key(key);
        self.out.put_slice(json);
    }

    /// Ends the object.
    pub(super) fn finish(mut self) -> BytesMut {
        self.out.put_u8(b'}');
        self.out
    }
}
