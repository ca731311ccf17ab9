//! Parses and formats one line of the account file: a JSON object with `nickname` and `account_hash`, and fields of
//! other programs.

use chat_proto::{Account, Nickname, Token};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// One account of the file.
///
/// ```
/// use chat_client::{Account, Credentials, Nickname, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let mut accounts = Credentials::load(dir.path().join("accounts"))?;
/// let account = Account { nickname: Nickname::new("Keen Bob")?, token: Token::new("9a08f44c")? };
/// accounts.add_for("chat.example:5050", &account, Some("Bob"))?;
/// let saved = accounts.find_in("chat.example:5050", "Bob")?.ok_or("saved")?;
/// assert_eq!((saved.asked(), saved.room()), (Some("Bob"), Some("chat.example:5050")));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedAccount {
    account: Account,
    asked: Option<Box<str>>,
    room: Option<Box<str>>,
}

impl CachedAccount {
    /// Returns nickname and token.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the nickname as the server assigned it.
    #[must_use]
    pub fn nickname(&self) -> &Nickname {
        &self.account.nickname
    }

    /// Returns the token.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.account.token
    }

    /// Returns the name that was requested, if known.
    #[must_use]
    pub fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// Returns whether `name` is its whole nickname or the name that was asked for. Names are compared as they are
    /// registered, without spaces at the ends and control characters, and in Unicode's composed form: keyboards and file
    /// systems disagree about how an accented letter is spelled.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.has_nickname(name) || self.was_asked_as(name)
    }

    /// Returns whether `name` is its whole nickname, compared as by [`is_called`](Self::is_called).
    #[must_use]
    pub fn has_nickname(&self, name: &str) -> bool {
        same_name(self.nickname().as_str(), name)
    }

    pub(super) fn was_asked_as(&self, name: &str) -> bool {
        self.asked().is_some_and(|asked| same_name(asked, name))
    }

    /// Returns the room of the account, as `host:port` of its write port. `None` for records of the original programs,
    /// which do not record it.
    #[must_use]
    pub fn room(&self) -> Option<&str> {
        self.room.as_deref()
    }
}

fn same_name(one: &str, other: &str) -> bool {
    // What is no nickname at all is compared as it is.
    let cleaned = |name: &str| Nickname::new(name).map_or_else(|_| name.to_owned(), |name| name.to_string());
    cleaned(one).nfc().eq(cleaned(other).nfc())
}

/// One line of the file, preserved byte for byte.
pub(super) struct CredentialLine {
    pub(super) raw: Zeroizing<Vec<u8>>,
    /// `None` for a line that cannot be parsed.
    pub(super) account: Option<CachedAccount>,
}

impl CredentialLine {
    pub(super) fn of(room: Option<&str>, account: &Account, asked: Option<&str>) -> Self {
        let stored =
            CachedAccount { account: account.clone(), asked: asked.map(Into::into), room: room.map(Into::into) };
        Self::with(stored, &Map::new())
    }

    fn with(stored: CachedAccount, others: &Map<String, Value>) -> Self {
        let mut raw = Zeroizing::new(String::from("{"));
        let mut field = |name: &str, value: &dyn std::fmt::Display| {
            let comma = if raw.len() > 1 { ", " } else { "" };
            // In a zeroized buffer, so that no copy of a token stays in memory.
            let written = Zeroizing::new(format!("{comma}{}: {value}", Value::from(name)));
            raw.push_str(&written);
        };
        field("nickname", &Value::from(stored.nickname().as_str()));
        field("account_hash", &Value::from(stored.token().expose()));
        for (name, value) in [("asked", stored.asked()), ("room", stored.room())] {
            if let Some(value) = value {
                field(name, &Value::from(value));
            }
        }
        for (name, value) in others {
            field(name, value);
        }
        raw.push('}');
        Self { raw: Zeroizing::new(raw.as_bytes().to_vec()), account: Some(stored) }
    }

    /// Returns this record with the fields that only the replaced record has: name, room and fields of other programs.
    pub(super) fn merged_with(self, old: &Self) -> Self {
        let (Some(mut stored), Some(known)) = (self.account.clone(), &old.account) else { return self };
        stored.asked = stored.asked.or_else(|| known.asked.clone());
        stored.room = stored.room.or_else(|| known.room.clone());
        let mut others = Map::new();
        for raw in [&old.raw, &self.raw] {
            others.extend(serde_json::from_slice::<Map<_, _>>(raw).unwrap_or_default());
        }
        for ours in OURS {
            others.remove(ours);
        }
        Self::with(stored, &others)
    }
}

/// The fields that this crate reads and writes.
const OURS: [&str; 4] = ["nickname", "account_hash", "asked", "room"];

/// Omits the content, which includes a token.
impl std::fmt::Debug for CredentialLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CredentialLine({:?})", self.account)
    }
}

/// Parses all objects of a line. Usually there is one; a missing line feed in another program's file loses no account.
pub(super) fn parse(raw: &[u8]) -> Option<Vec<CredentialLine>> {
    let mut objects = serde_json::Deserializer::from_slice(raw).into_iter::<Map<String, Value>>();
    let mut lines = Vec::new();
    loop {
        let start = objects.byte_offset();
        let Some(object) = objects.next() else { break };
        let account = cached(&object.ok()?)?;
        let raw = raw[start..objects.byte_offset()].trim_ascii().to_vec();
        lines.push(CredentialLine { raw: Zeroizing::new(raw), account: Some(account) });
    }
    Some(lines)
}

fn cached(object: &Map<String, Value>) -> Option<CachedAccount> {
    let nickname = Nickname::new(object.get("nickname")?.as_str()?).ok()?;
    let token = Token::new(object.get("account_hash")?.as_str()?).ok()?;
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(Into::into);
    Some(CachedAccount { account: Account { nickname, token }, asked: text("asked"), room: text("room") })
}
