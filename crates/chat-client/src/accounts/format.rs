//! One line of the account file: a JSON object with `nickname` and `account_hash`, and fields of other programs.

use chat_proto::{Account, Nickname, Token};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// One cached account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedAccount {
    account: Account,
    asked: Option<Box<str>>,
    room: Option<Box<str>>,
}

impl CachedAccount {
    /// Nickname and token.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The name as the server gave it.
    #[must_use]
    pub fn nickname(&self) -> &Nickname {
        &self.account.nickname
    }

    /// The secret.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.account.token
    }

    /// The name that was asked for, where it is known.
    #[must_use]
    pub fn asked(&self) -> Option<&str> {
        self.asked.as_deref()
    }

    /// The room that the account belongs to, as `host:port` of its write port. `None` in the original's records, which
    /// do not say.
    #[must_use]
    pub fn room(&self) -> Option<&str> {
        self.room.as_deref()
    }
}

/// One line of the file, kept byte for byte.
pub(super) struct CredentialLine {
    pub(super) raw: Zeroizing<Vec<u8>>,
    /// `None` for a line that cannot be read.
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
            // Into memory of its own, so that no copy of a token is left behind.
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

    /// This record with what only the one that it replaces says: name, room and the fields of others.
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

/// The fields of a record that are known here.
const OURS: [&str; 4] = ["nickname", "account_hash", "asked", "room"];

/// Says nothing of the content.
impl std::fmt::Debug for CredentialLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CredentialLine({:?})", self.account)
    }
}

/// Reads the objects of a line. There is one; but a writer that forgot the line feed loses nobody's account.
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
