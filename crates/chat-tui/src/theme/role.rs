//! The roles of text.

/// The role of a piece of text, which determines its look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Text,
    Time,
    /// The line between names and text.
    Rule,
    /// A nickname; the number picks its colour.
    Nick(u8),
    OwnNick,
    /// The name of a user who mentions the reader.
    Mention,
    /// The word in the text that mentions the reader.
    MentionWord,
    /// Marks and secondary text.
    Dim,
    Good,
    Warning,
    Error,
    Day,
    Unread,
    Gap,
    Notice,
    Key,
    Title,
    /// The header and the status line.
    Status,
    /// Secondary text in them.
    StatusAside,
    /// The status line while a connection is down.
    Trouble,
    Selected,
    Field,
}

/// The number of colours for nicknames.
pub(crate) const NICK_COLOURS: u8 = 12;

/// Returns the colour of a nickname, which is the same in every run and for all users.
pub(crate) fn nick_colour(nickname: &str) -> u8 {
    let hash = fnv(nickname);
    u8::try_from((hash ^ (hash >> 32)) % u64::from(NICK_COLOURS)).unwrap_or(0)
}

/// FNV-1a: short, and independent of updates of the standard library.
pub(crate) fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
