//! Marks forwarded messages with the room that they come from, so that bridges in a ring do not forward in a circle.

use chat_proto::{MAX_TEXT_BYTES, Message, Text};

/// The longest name of a room in a mark, in characters.
const MAX_NAME_CHARS: usize = 32;

/// Ends a text that was cut.
const CUT: char = '…';

/// Marks messages with the room they come from: `[lobby] Ann: hello`.
///
/// The protocol has no field for an origin, so the mark is a part of the text and people see it. A message that already
/// carries the name of the target is not forwarded, however many rooms it has passed. A user who types such a mark only
/// keeps that message from being forwarded.
///
/// ```
/// use chat_client::{Message, Nickname, OriginMark, Text};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hello = Message::new(Some(Nickname::new("Ann")?), Text::new("hello")?);
/// let there = OriginMark::between("lobby", "tower")?.forward(&hello).ok_or("forwarded")?;
/// assert_eq!(there.as_str(), "[lobby] Ann: hello");
/// // The bridge back leaves it out.
/// let bridged = Message::new(Some(Nickname::new("Bridge")?), there);
/// assert_eq!(OriginMark::between("tower", "lobby")?.forward(&bridged), None);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginMark {
    source: Box<str>,
    target: Box<str>,
}

/// The name of a room cannot be part of a mark: it is empty, longer than 32 characters, or has a bracket, a colon or a
/// control character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a room in a mark has 1 to {MAX_NAME_CHARS} characters without brackets, colons and control characters")]
#[non_exhaustive]
pub struct OriginError;

impl OriginMark {
    /// Creates the mark of a bridge from the room `source` to the room `target`. All bridges must use the same names.
    ///
    /// # Errors
    /// [`OriginError`] if one of the names cannot be part of a mark.
    pub fn between(source: &str, target: &str) -> Result<Self, OriginError> {
        for name in [source, target] {
            let odd = |c: char| c.is_control() || "[]:".contains(c);
            let length = name.chars().count();
            if name.trim().is_empty() || length > MAX_NAME_CHARS || name.contains(odd) {
                return Err(OriginError);
            }
        }
        Ok(Self { source: source.into(), target: target.into() })
    }

    /// Returns the text to post in the target; `None` if the message has already been in one of both rooms. A text that
    /// gets too long with the mark is cut, and ends with `…`.
    #[must_use]
    pub fn forward(&self, message: &Message) -> Option<Text> {
        let seen = |room: &str| room == &*self.source || room == &*self.target;
        if rooms(message.text.as_str()).any(seen) {
            return None;
        }
        let mut text = match &message.sender {
            Some(sender) => format!("[{}] {sender}: {}", self.source, message.text),
            None => format!("[{}] {}", self.source, message.text),
        };
        if text.len() > MAX_TEXT_BYTES {
            let mut end = MAX_TEXT_BYTES - CUT.len_utf8();
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            text.push(CUT);
        }
        Text::new(&text).ok()
    }
}

/// Returns the rooms of all marks at the beginning of a text: `[b] Bridge: [a] Ann: hello` has passed `b` and `a`.
fn rooms(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let (room, marked) = rest.take()?.strip_prefix('[')?.split_once("] ")?;
        rest = marked.split_once(": ").map(|(_, text)| text);
        Some(room)
    })
}

#[cfg(test)]
mod tests {
    use chat_proto::Nickname;

    use super::*;

    fn message(sender: &str, text: &str) -> Message {
        Message::new(Some(Nickname::new(sender).unwrap()), Text::new(text).unwrap())
    }

    #[test]
    fn a_ring_ends_where_it_began() {
        let names = ["a", "b", "c"];
        let mut now = message("Ann", "hello: [c] is a room");
        for hop in 0..2 {
            let mark = OriginMark::between(names[hop], names[hop + 1]).unwrap();
            now = message("Bridge", mark.forward(&now).unwrap().as_str());
        }
        assert_eq!(now.text.as_str(), "[b] Bridge: [a] Ann: hello: [c] is a room");
        assert_eq!(OriginMark::between("c", "a").unwrap().forward(&now), None);
    }

    #[test]
    fn a_long_text_is_cut() {
        let long = message("Ann", &"é".repeat(MAX_TEXT_BYTES / 2));
        let cut = OriginMark::between("a", "b").unwrap().forward(&long).unwrap();
        assert!(cut.as_str().len() <= MAX_TEXT_BYTES && cut.as_str().ends_with("éé…"));
    }

    #[test]
    fn odd_names_are_refused() {
        for odd in ["", " ", "a]", "a:b", "a\n", &"x".repeat(33)] {
            assert_eq!(OriginMark::between("a", odd), Err(OriginError), "{odd}");
        }
    }
}
