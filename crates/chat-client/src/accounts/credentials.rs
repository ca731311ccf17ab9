//! The account file, `creds.jsonstream`: one JSON object per line with `nickname` and `account_hash`, as the original
//! programs write it.
//!
//! Two fields are added: `asked`, the requested name, which the server changed; and `room`, the write port's
//! `host:port`, so that a token is sent to no other server. Fields of other programs and unreadable lines are kept.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_proto::Account;
use private_files::{FileLock, LockError, file};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use super::error::CredentialsError;
use super::format::{CachedAccount, CredentialLine, parse};
use super::lookup::{find_among, room_key, same_room};
use crate::blocking::unblock;
use crate::files::default_dir;
use crate::files::warning::FileWarning;
use crate::rooms::key::RoomKey;

/// Enough for thirty thousand accounts; a larger file was not written by this program.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// How long to wait for another process that is adding an account, which takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a registration lock that is held is tried again.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// The right to register, until the value is dropped; see [`Credentials::lock_registration`].
#[derive(Debug)]
#[must_use = "the lock is released when it is dropped"]
pub struct RegistrationLock {
    _lock: FileLock,
}

/// The accounts in one file, in memory.
///
/// Methods that read or change the file block; only [`Credentials::lock_registration`] is asynchronous.
///
/// ```
/// use chat_client::{Account, Credentials, Nickname, Token};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = tempfile::tempdir()?;
/// let mut accounts = Credentials::load(dir.path().join("accounts"))?;
/// // The account that `register` returned for the name "Bob":
/// let account = Account { nickname: Nickname::new("Keen Bob")?, token: Token::new("9a08f44c")? };
/// accounts.add_for("chat.example:5050", &account, Some("Bob"))?;
/// let stored = accounts.find_in("chat.example:5050", "Bob")?.ok_or("saved")?;
/// assert_eq!(stored.nickname().as_str(), "Keen Bob");
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Credentials {
    path: PathBuf,
    lines: Vec<CredentialLine>,
    warnings: Vec<FileWarning>,
}

impl Credentials {
    /// Reads the account file. A missing file counts as empty; a damaged line does not hide the others.
    ///
    /// # Errors
    /// [`CredentialsError::Read`]. A link, and a file that cannot be written, are read; a change of them is refused.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref().to_owned();
        let mut warnings = Vec::new();
        let lines = read(&path, &mut warnings)?;
        warnings.extend(default_dir::warn_if_replaceable(&path));
        Ok(Self { path, lines, warnings })
    }

    /// Returns what was found wrong with the file.
    #[must_use]
    pub fn warnings(&self) -> &[FileWarning] {
        &self.warnings
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns all accounts, in the order of the file.
    pub fn accounts(&self) -> impl Iterator<Item = &CachedAccount> {
        self.lines.iter().filter_map(|line| line.account.as_ref())
    }

    /// Returns the accounts of one room, by its [`RoomKey`] or one address (`host:port` of its write port); if there are
    /// none, the accounts without a known room. The names of the local machine (`localhost`, `127.0.0.1`, `[::1]`) count as
    /// one host.
    #[must_use]
    pub fn of_room(&self, room: impl Into<RoomKey>) -> Vec<&CachedAccount> {
        let room = room.into();
        let ours: Vec<_> = self.accounts().filter(|stored| stored.room().is_some_and(|own| room.is_at(own))).collect();
        if ours.is_empty() { self.accounts().filter(|stored| stored.room().is_none()).collect() } else { ours }
    }

    /// Returns the account with this nickname, or else the one for which this name was requested, in any room.
    ///
    /// # Errors
    /// [`CredentialsError::Ambiguous`] when more than one fits.
    pub fn find(&self, name: &str) -> Result<Option<&CachedAccount>, CredentialsError> {
        find_among(&self.accounts().collect::<Vec<_>>(), name)
    }

    /// Returns the matching account [of one room](Credentials::of_room), as [`Credentials::find`] does for all rooms.
    ///
    /// # Errors
    /// [`CredentialsError::Ambiguous`] when more than one fits.
    pub fn find_in(&self, room: impl Into<RoomKey>, name: &str) -> Result<Option<&CachedAccount>, CredentialsError> {
        find_among(&self.of_room(room), name)
    }

    /// Takes the right to register: between looking up a name and saving its new account, no other process of this user
    /// may do the same in the same room, or both would create an account. A server that
    /// does not answer delays no registration in other rooms. Waits for another holder up to `timeout`; look the name up
    /// again afterwards, because the other one may have registered it. Creates the directory if it does not exist.
    ///
    /// # Errors
    /// [`CredentialsError::Locked`] after the timeout, [`CredentialsError::Write`] when no file can be created next to
    /// the account file.
    ///
    /// # Cancel safety
    /// Dropping the future takes no lock.
    pub async fn lock_registration(
        path: impl AsRef<Path>,
        room: impl Into<RoomKey>,
        timeout: Duration,
    ) -> Result<RegistrationLock, CredentialsError> {
        let path = path.as_ref();
        let lock = registration_lock_path(path, room.into().lock_name());
        let deadline = Instant::now() + timeout;
        loop {
            let (tried, lock) = (path.to_owned(), lock.clone());
            match unblock(move || try_lock_registration(&tried, &lock)).await {
                Err(CredentialsError::Locked(LockError::Held { .. })) if Instant::now() < deadline => {
                    sleep(LOCK_INTERVAL).await;
                }
                result => return result,
            }
        }
    }

    /// Adds an account without a room, and the requested name if there was one. A record with the same token is
    /// replaced; its other fields are kept.
    ///
    /// The file is read again under a lock, so two programs that add at the same time lose nothing.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is then unchanged.
    pub fn add(&mut self, account: &Account, asked: Option<&str>) -> Result<(), CredentialsError> {
        self.put(None, account, asked)
    }

    /// Adds an account of this room, by its [`RoomKey`] or one address (`host:port` of its write port). A record with the
    /// same token and no room gets the address of the room; a record of another room is another account.
    ///
    /// # Errors
    /// As [`Credentials::add`].
    pub fn add_for(
        &mut self,
        room: impl Into<RoomKey>,
        account: &Account,
        asked: Option<&str>,
    ) -> Result<(), CredentialsError> {
        self.put(Some(&room.into()), account, asked)
    }

    fn put(&mut self, room: Option<&RoomKey>, account: &Account, asked: Option<&str>) -> Result<(), CredentialsError> {
        self.change(|lines| {
            let is_it = |line: &CredentialLine| {
                line.account.as_ref().is_some_and(|stored| {
                    let other_room = room.zip(stored.room()).is_some_and(|(room, own)| !room.is_at(own));
                    stored.token() == &account.token && !other_room
                })
            };
            let mut line = CredentialLine::of(room.map(RoomKey::address), account, asked);
            for old in lines.extract_if(.., |line| is_it(line)) {
                line = line.merged_with(&old);
            }
            lines.push(line);
        })
    }

    /// Adds an account of this room, as [`Credentials::add_for`] does, in place of those that have its nickname there: the
    /// server has given it a new token. Their other fields are kept.
    ///
    /// # Errors
    /// As [`Credentials::add`].
    pub fn renew_for(&mut self, room: impl Into<RoomKey>, account: &Account) -> Result<(), CredentialsError> {
        let room = room.into();
        self.change(|lines| {
            let is_it = |line: &CredentialLine| {
                line.account.as_ref().is_some_and(|stored| {
                    let other_room = stored.room().is_some_and(|own| !room.is_at(own));
                    !other_room && (stored.has_nickname(account.nickname.as_str()) || stored.token() == &account.token)
                })
            };
            let asked = lines.iter().filter(|line| is_it(line)).find_map(|line| line.account.as_ref()?.asked());
            let mut line = CredentialLine::of(Some(room.address()), account, asked);
            for old in lines.extract_if(.., |line| is_it(line)) {
                line = line.merged_with(&old);
            }
            lines.push(line);
        })
    }

    /// Removes the accounts with this [whole nickname](CachedAccount::has_nickname) and returns their number.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is then unchanged.
    pub fn remove(&mut self, nickname: &str) -> Result<usize, CredentialsError> {
        let mut removed = 0;
        self.change(|lines| {
            let before = lines.len();
            lines.retain(|line| line.account.as_ref().is_none_or(|stored| !stored.has_nickname(nickname)));
            removed = before - lines.len();
        })?;
        Ok(removed)
    }

    /// Notes that the accounts with this whole nickname belong to the room `to`, for a server whose address has changed;
    /// with `from` only those of that room. Returns how many there were.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is as it was then.
    pub fn move_to_room(&mut self, nickname: &str, from: Option<&str>, to: &str) -> Result<usize, CredentialsError> {
        let mut moved = 0;
        self.change(|lines| {
            for line in lines {
                let Some(stored) = &line.account else { continue };
                let is_from = from.is_none_or(|from| stored.room().is_some_and(|own| same_room(own, from)));
                if stored.has_nickname(nickname) && is_from {
                    *line = CredentialLine::of(Some(to), stored.account(), stored.asked()).merged_with(line);
                    moved += 1;
                }
            }
        })?;
        Ok(moved)
    }

    /// Removes this account, found by its token, among those of a room and those without a room; an account of the same
    /// name in another room stays. Returns whether it existed.
    ///
    /// # Errors
    /// [`CredentialsError`]; the file is then unchanged.
    pub fn remove_account(&mut self, room: impl Into<RoomKey>, account: &Account) -> Result<bool, CredentialsError> {
        let room = room.into();
        let mut removed = false;
        self.change(|lines| {
            let before = lines.len();
            lines.retain(|line| {
                line.account.as_ref().is_none_or(|stored| {
                    stored.token() != &account.token || stored.room().is_some_and(|own| !room.is_at(own))
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

/// Returns the lock file of one room. A host is no safe file name, so its name has a checksum of the room; two rooms with
/// the same one only wait for each other.
fn registration_lock_path(path: &Path, room: &str) -> PathBuf {
    file::with_suffix(path, format!(".register-{:08x}.lock", crc32fast::hash(room_key(room).as_bytes())))
}

fn try_lock_registration(path: &Path, lock: &Path) -> Result<RegistrationLock, CredentialsError> {
    let failed = |source| CredentialsError::Write { path: path.to_owned(), source };
    let lock = match FileLock::acquire_at(lock, path) {
        Err(LockError::Io { source, .. }) => return Err(failed(source)),
        result => result?,
    };
    // An account that cannot be saved would be lost, so the file must not be a link or another user's.
    default_dir::read(path, MAX_BYTES, &mut Vec::new()).map_err(failed)?;
    Ok(RegistrationLock { _lock: lock })
}

fn read(path: &Path, warnings: &mut Vec<FileWarning>) -> Result<Vec<CredentialLine>, CredentialsError> {
    let content = match default_dir::read(path, MAX_BYTES, warnings) {
        // A link, a file of another user, or one whose mode cannot be changed, as a mounted secret is: it is read, and
        // only a change is refused.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            file::read_regular(path, MAX_BYTES).map(Some).map_err(|_| error)
        }
        read => read,
    };
    let content = content.map_err(|source| CredentialsError::Read { path: path.to_owned(), source })?;
    let content = Zeroizing::new(content.unwrap_or_default());
    // Some editors on Windows write a byte order mark before the first line.
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

#[cfg(test)]
mod tests;
