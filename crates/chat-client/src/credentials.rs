//! The cache of accounts, `creds.jsonstream`: one JSON object a line with `nickname` and `account_hash`, as the
//! original wrote it. It talks to no server and never prints a token.
//!
//! Two fields are ours: `asked`, the name that was asked for, which the server changed; and `room`, the write port's
//! `host:port`, so that a token goes to no other server. Fields of others are kept, and so are lines that cannot be
//! read.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_proto::{Account, Nickname, Token};
use private_files::{FileLock, LockError, file};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::own_dir;
use crate::warning::FileWarning;

/// Thirty thousand accounts; a larger file is not ours.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How long to wait for another process that is just adding an account: it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The accounts in one file.
#[derive(Debug)]
pub struct Credentials {
    path: PathBuf,
    lines: Vec<CredentialLine>,
    warnings: Vec<FileWarning>,
}

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

/// Why the cache cannot be used. None of them carries a token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// Somebody else is writing it, and for too long.
    #[error(transparent)]
    Locked(#[from] LockError),
    /// It cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be written. What was in it is still in it.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// More than one account fits a name; choosing one silently would post in the wrong name.
    #[error("{} accounts fit the name {name:?}: {}", nicknames.len(), Names(nicknames))]
    Ambiguous {
        /// The name that was looked for.
        name: Box<str>,
        /// The whole nicknames that fit.
        nicknames: Vec<Nickname>,
    },
}

impl Credentials {
    /// Reads the cache. A file that is not there is an empty cache; a damaged line does not hide the others.
    ///
    /// # Errors
    /// [`CredentialsError::Read`], for a symbolic link too.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref().to_owned();
        let mut warnings = Vec::new();
        let lines = read(&path, &mut warnings)?;
        warnings.extend(own_dir::warn_if_replaceable(&path));
        Ok(Self { path, lines, warnings })
    }

    /// What was wrong with the file.
    #[must_use]
    pub fn warnings(&self) -> &[FileWarning] {
        &self.warnings
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All accounts, in the order of the file.
    pub fn accounts(&self) -> impl Iterator<Item = &CachedAccount> {
        self.lines.iter().filter_map(|line| line.account.as_ref())
    }

    /// The accounts of one room, `host:port` of its write port; where there are none, those of which no room is known.
    /// The names of this machine (`localhost`, `127.0.0.1`, `[::1]`) are one host.
    #[must_use]
    pub fn of_room(&self, room: &str) -> Vec<&CachedAccount> {
        let ours: Vec<_> = self.accounts().filter(|stored| stored.room().is_some_and(|own| same(own, room))).collect();
        if ours.is_empty() { self.accounts().filter(|stored| stored.room().is_none()).collect() } else { ours }
    }

    /// The account with this whole nickname, else the one for which this name was asked; of whatever room.
    ///
    /// # Errors
    /// [`CredentialsError::Ambiguous`] when more than one fits.
    pub fn find(&self, name: &str) -> Result<Option<&CachedAccount>, CredentialsError> {
        find_among(&self.accounts().collect::<Vec<_>>(), name)
    }

    /// The same among the accounts [of one room](Credentials::of_room).
    ///
    /// # Errors
    /// [`CredentialsError::Ambiguous`] when more than one fits.
    pub fn find_in(&self, room: &str, name: &str) -> Result<Option<&CachedAccount>, CredentialsError> {
        find_among(&self.of_room(room), name)
    }

    /// Adds an account of a room that is not known, with the name that was asked for if there was one. One with the
    /// same token is replaced; what was known of it besides stays.
    ///
    /// The file is read again under a lock, so that two programs adding at once lose nothing.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is as it was then.
    pub fn add(&mut self, account: &Account, asked: Option<&str>) -> Result<(), CredentialsError> {
        self.put(None, account, asked)
    }

    /// The same for an account of this room, `host:port` of its write port. A record without a room and with the same
    /// token gets the room; one of another room is another account.
    ///
    /// # Errors
    /// As [`Credentials::add`].
    pub fn add_for(&mut self, room: &str, account: &Account, asked: Option<&str>) -> Result<(), CredentialsError> {
        self.put(Some(room), account, asked)
    }

    fn put(&mut self, room: Option<&str>, account: &Account, asked: Option<&str>) -> Result<(), CredentialsError> {
        self.change(|lines| {
            let is_it = |line: &CredentialLine| {
                line.account.as_ref().is_some_and(|stored| {
                    let other_room = room.zip(stored.room()).is_some_and(|(room, own)| !same(room, own));
                    stored.token() == &account.token && !other_room
                })
            };
            let mut line = CredentialLine::of(room, account, asked);
            for old in lines.extract_if(.., |line| is_it(line)) {
                line = line.with_what_was_known(&old);
            }
            lines.push(line);
        })
    }

    /// Removes the accounts with this whole nickname, and says how many there were.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is as it was then.
    pub fn remove(&mut self, nickname: &str) -> Result<usize, CredentialsError> {
        let mut removed = 0;
        self.change(|lines| {
            let before = lines.len();
            lines.retain(|line| line.account.as_ref().is_none_or(|stored| stored.nickname().as_str() != nickname));
            removed = before - lines.len();
        })?;
        Ok(removed)
    }

    /// Removes this account, by its token, among those of a room and those of which no room is known; another room's
    /// account of the same name stays. Says whether it was there.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is as it was then.
    pub fn remove_account(&mut self, room: &str, account: &Account) -> Result<bool, CredentialsError> {
        let mut removed = false;
        self.change(|lines| {
            let before = lines.len();
            lines.retain(|line| {
                line.account.as_ref().is_none_or(|stored| {
                    stored.token() != &account.token || stored.room().is_some_and(|own| !same(own, room))
                })
            });
            removed = lines.len() < before;
        })?;
        Ok(removed)
    }

    fn change(&mut self, change: impl FnOnce(&mut Vec<CredentialLine>)) -> Result<(), CredentialsError> {
        let _lock = FileLock::acquire_within(&self.path, PATIENCE)?;
        let mut lines = read(&self.path, &mut self.warnings)?;
        change(&mut lines);
        let mut content = Zeroizing::new(Vec::new());
        for line in &lines {
            content.extend_from_slice(&line.raw);
            content.push(b'\n');
        }
        file::replace(&self.path, &content)
            .map_err(|source| CredentialsError::Write { path: self.path.clone(), source })?;
        self.lines = lines;
        Ok(())
    }
}

/// One line of the file, kept byte for byte.
struct CredentialLine {
    raw: Zeroizing<Vec<u8>>,
    /// `None` for a line that cannot be read.
    account: Option<CachedAccount>,
}

impl CredentialLine {
    fn of(room: Option<&str>, account: &Account, asked: Option<&str>) -> Self {
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
    fn with_what_was_known(self, old: &Self) -> Self {
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

fn find_among<'a>(accounts: &[&'a CachedAccount], name: &str) -> Result<Option<&'a CachedAccount>, CredentialsError> {
    let fitting = |fits: &dyn Fn(&CachedAccount) -> bool| -> Vec<&'a CachedAccount> {
        accounts.iter().copied().filter(|stored| fits(stored)).collect()
    };
    let mut found = fitting(&|stored| stored.nickname().as_str() == name);
    if found.is_empty() {
        found = fitting(&|stored| stored.asked() == Some(name));
    }
    match &found[..] {
        // The same account twice is one account.
        [first, others @ ..] if others.iter().all(|other| other.token() == first.token()) => Ok(Some(first)),
        [] => Ok(None),
        _ => Err(CredentialsError::Ambiguous {
            name: name.into(),
            nicknames: found.iter().map(|stored| stored.nickname().clone()).collect(),
        }),
    }
}

/// Whether two addresses name one room.
fn same(one: &str, other: &str) -> bool {
    fn parts(room: &str) -> (String, &str) {
        let (host, port) = room.rsplit_once(':').unwrap_or((room, ""));
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let here = ["localhost", "127.0.0.1", "::1"].contains(&host.as_str());
        (if here { "localhost".to_owned() } else { host }, port)
    }
    parts(one) == parts(other)
}

struct Names<'a>(&'a [Nickname]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{:?}", name.as_str())?;
        }
        Ok(())
    }
}

fn read(path: &Path, warnings: &mut Vec<FileWarning>) -> Result<Vec<CredentialLine>, CredentialsError> {
    let content = own_dir::read(path, MAX_BYTES, warnings)
        .map_err(|source| CredentialsError::Read { path: path.to_owned(), source })?;
    let content = Zeroizing::new(content.unwrap_or_default());
    // Editors on Windows put a mark before the first line.
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&content);
    let mut lines = Vec::new();
    for (index, raw) in text.split(|&b| b == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        if raw.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match parse(raw) {
            Some(accounts) => lines.extend(accounts),
            None => {
                let warning = FileWarning::DamagedLine { path: path.to_owned(), line: index + 1 };
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
                lines.push(CredentialLine { raw: Zeroizing::new(raw.to_vec()), account: None });
            }
        }
    }
    Ok(lines)
}

/// Reads the objects of a line. There is one; but a writer that forgot the line feed loses nobody's account.
fn parse(raw: &[u8]) -> Option<Vec<CredentialLine>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn account(nickname: &str, token: &str) -> Account {
        Account { nickname: Nickname::new(nickname).unwrap(), token: Token::new(token).unwrap() }
    }

    fn names(credentials: &Credentials) -> Vec<&str> {
        credentials.accounts().map(|stored| stored.nickname().as_str()).collect()
    }

    #[test]
    fn the_originals_file_is_read_and_what_others_wrote_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("creds.jsonstream");
        let original = concat!(
            "{\"nickname\": \"Keen Bob\", \"account_hash\": \"aaa\", \"server\": [1, 2]}\n",
            "not json\n",
            "\n",
            "{\"nickname\": \"\\u0416\\u0443\\u043a\", \"account_hash\": \"bbb\"}",
        );
        std::fs::write(&path, original).unwrap();
        let mut credentials = Credentials::load(&path).unwrap();
        assert_eq!(names(&credentials), ["Keen Bob", "Жук"]);
        assert!(credentials.warnings().contains(&FileWarning::DamagedLine { path: path.clone(), line: 2 }));
        credentials.add(&account("Jolly \"sasha\"", "ccc"), Some("sasha")).unwrap();
        let content = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            content,
            concat!(
                "{\"nickname\": \"Keen Bob\", \"account_hash\": \"aaa\", \"server\": [1, 2]}\n",
                "not json\n",
                "{\"nickname\": \"\\u0416\\u0443\\u043a\", \"account_hash\": \"bbb\"}\n",
                "{\"nickname\": \"Jolly \\\"sasha\\\"\", \"account_hash\": \"ccc\", \"asked\": \"sasha\"}\n",
            )
        );
    }

    #[test]
    fn found_by_whole_nickname_then_by_what_was_asked_for_and_never_by_chance() {
        let dir = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::load(dir.path().join("c")).unwrap();
        credentials.add(&account("Keen Bob", "a"), Some("Bob")).unwrap();
        credentials.add(&account("Jolly Bob", "b"), Some("Bob")).unwrap();
        credentials.add(&account("Bob Marley", "c"), None).unwrap();
        assert_eq!(credentials.find("Jolly Bob").unwrap().unwrap().token().expose(), "b");
        assert!(credentials.find("Marley").unwrap().is_none());
        let error = credentials.find("Bob").unwrap_err();
        assert_eq!(error.to_string(), "2 accounts fit the name \"Bob\": \"Keen Bob\", \"Jolly Bob\"");
        assert_eq!(credentials.remove("Keen Bob").unwrap(), 1);
        assert_eq!(credentials.find("Bob").unwrap().unwrap().nickname().as_str(), "Jolly Bob");
        credentials.add(&account("Jolly Bob", "d"), None).unwrap();
        assert!(matches!(credentials.find("Jolly Bob"), Err(CredentialsError::Ambiguous { .. })));
    }

    #[test]
    fn a_token_is_found_for_its_own_room_only_and_the_originals_for_a_room_without_any() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        std::fs::write(&path, "{\"nickname\": \"Old Bob\", \"account_hash\": \"o\", \"server\": {\"a\": 1}}\n")
            .unwrap();
        let mut credentials = Credentials::load(&path).unwrap();
        credentials.add_for("localhost:5050", &account("Keen Bob", "a"), Some("Bob")).unwrap();
        let of_room = |credentials: &Credentials, room: &str| -> Vec<String> {
            credentials.of_room(room).iter().map(|stored| stored.nickname().to_string()).collect()
        };
        for room in ["127.0.0.1:5050", "[::1]:5050", "LocalHost:5050"] {
            assert_eq!(of_room(&credentials, room), ["Keen Bob"], "{room}");
            assert_eq!(credentials.find_in(room, "Bob").unwrap().unwrap().token().expose(), "a");
            assert!(credentials.find_in(room, "Old Bob").unwrap().is_none());
        }
        for room in ["chat.example:5050", "localhost:5051"] {
            assert_eq!(of_room(&credentials, room), ["Old Bob"], "{room}");
            assert!(credentials.find_in(room, "Bob").unwrap().is_none());
        }
        assert_eq!(Credentials::load(&path).unwrap().accounts().last().unwrap().room(), Some("localhost:5050"));

        credentials.add_for("Chat.Example:5050", &account("Old Bob", "o"), None).unwrap();
        credentials.add_for("chat.example:5050", &account("Jolly Bob", "b"), Some("Bob")).unwrap();
        credentials.add_for("chat.example:5050", &account("Swift Bob", "d"), Some("Bob")).unwrap();
        assert_eq!(of_room(&credentials, "CHAT.example:5050"), ["Old Bob", "Jolly Bob", "Swift Bob"]);
        let error = credentials.find_in("chat.example:5050", "Bob").unwrap_err();
        assert_eq!(error.to_string(), "2 accounts fit the name \"Bob\": \"Jolly Bob\", \"Swift Bob\"");
        assert_eq!(of_room(&credentials, "elsewhere:1"), [] as [&str; 0], "no token of another room");
        // What is known of an account is not forgotten when it is added again.
        credentials.add(&account("Old Bob", "o"), None).unwrap();
        let content = std::fs::read_to_string(&path).unwrap();
        let old = r#"{"nickname": "Old Bob", "account_hash": "o", "room": "Chat.Example:5050", "server": {"a":1}}"#;
        assert_eq!(content.lines().last(), Some(old));
    }

    #[test]
    fn an_account_is_removed_from_its_own_room_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let mut credentials = Credentials::load(&path).unwrap();
        credentials.add_for("localhost:5050", &account("Keen Bob", "a"), None).unwrap();
        credentials.add_for("localhost:5050", &account("Keen Bob", "b"), None).unwrap();
        credentials.add_for("chat.example:5050", &account("Keen Bob", "c"), None).unwrap();
        credentials.add_for("chat.example:5050", &account("Keen Bob", "a"), None).unwrap();
        assert!(credentials.remove_account("127.0.0.1:5050", &account("Keen Bob", "a")).unwrap());
        assert!(!credentials.remove_account("127.0.0.1:5050", &account("Keen Bob", "a")).unwrap());
        let left = Credentials::load(&path).unwrap();
        assert_eq!(left.accounts().map(|stored| stored.token().expose()).collect::<Vec<_>>(), ["b", "c", "a"]);
    }

    #[test]
    fn two_programs_that_add_at_once_lose_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let (mut one, mut other) = (Credentials::load(&path).unwrap(), Credentials::load(&path).unwrap());
        one.add(&account("One", "a"), None).unwrap();
        other.add(&account("Other", "b"), None).unwrap();
        assert_eq!(names(&Credentials::load(&path).unwrap()), ["One", "Other"]);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let name = format!("n{n}");
                    Credentials::load(path).unwrap().add(&account(&name, &name), None).unwrap();
                });
            }
        });
        assert_eq!(Credentials::load(&path).unwrap().accounts().count(), 10);
    }

    #[test]
    fn several_objects_on_one_line_are_several_accounts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        std::fs::write(&path, r#"{"nickname": "A", "account_hash": "a"}{"nickname": "B", "account_hash": "b"}"#)
            .unwrap();
        let mut credentials = Credentials::load(&path).unwrap();
        assert_eq!(names(&credentials), ["A", "B"]);
        credentials.remove("A").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"nickname\": \"B\", \"account_hash\": \"b\"}\n");
    }

    #[test]
    fn no_token_is_printed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        std::fs::write(&path, "{\"nickname\": \"A\", \"account_hash\": \"sekret\"}\n{\"account_hash\": \"sekret\"\n")
            .unwrap();
        let credentials = Credentials::load(&path).unwrap();
        let said = format!("{credentials:?} {:?} {:?}", credentials.find("A"), credentials.warnings());
        assert!(!said.contains("sekret"), "{said}");
    }

    #[test]
    fn damage_anywhere_hides_no_other_line_and_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c");
        let line = |n: u32| format!("{{\"nickname\": \"N{n}\", \"account_hash\": \"token-{n}\"}}\n");
        let whole: String = (0..3).map(line).collect();
        let check = |damaged: &[u8]| {
            std::fs::write(&path, damaged).unwrap();
            let mut credentials = Credentials::load(&path).unwrap();
            let found = credentials.accounts().count();
            let reported =
                credentials.warnings().iter().filter(|w| matches!(w, FileWarning::DamagedLine { .. })).count();
            credentials.add(&account("New", "new"), None).unwrap();
            assert_eq!(credentials.accounts().count(), found + 1);
            (found, reported)
        };
        for at in 0..whole.len() {
            let mut damaged = whole.clone().into_bytes();
            damaged[at] ^= 0x15;
            let (found, reported) = check(&damaged);
            // A line feed that is lost joins two lines; one that appears makes two of one.
            assert!(found >= 1 && found + reported >= 2, "byte {at}: {found} found, {reported} reported");
            let (found, _) = check(&whole.as_bytes()[..at]);
            assert!(found >= whole[..at].matches('\n').count());
        }
    }
}
