//! The small files: accounts, where reading ended, and the export.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use chat_client::{Account, Credentials, CredentialsError, Nickname};
use chat_frontend::report::chain;
use private_files::{Repair, file};

use super::context::{ServiceContext, known};
use super::{registration, translate};
use crate::event::{AppEvent, KnownAccount, NoticeText, Registered};
use crate::link::LinkError;

/// How many paths are offered.
const MAX_PATHS: usize = 200;

/// Loads the accounts and reports problems of their file.
pub(super) fn load_accounts(shared: &ServiceContext) {
    let accounts = match Credentials::load(&shared.credentials_path) {
        Ok(credentials) => {
            for warning in credentials.warnings() {
                shared.send_blocking(AppEvent::Notice { text: NoticeText::File(warning.to_string()), error: false });
            }
            // A token is valid only in the room that issued it, so accounts of other rooms are not offered.
            credentials.of_room(shared.room()).into_iter().map(known).collect()
        }
        Err(error) => {
            shared.send_blocking(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true });
            Vec::new()
        }
    };
    shared.send_blocking(AppEvent::Accounts(accounts));
}

/// The result of a registration.
pub(super) enum RegistrationResult {
    New(Registered),
    /// Another program has registered this name meanwhile.
    Found(KnownAccount),
}

/// Creates an account and saves it. An account that could not be saved is returned nevertheless. With `only_missing`,
/// returns the saved account of this name if there is one.
pub(super) async fn register(
    shared: &Arc<ServiceContext>,
    nickname: Nickname,
    only_missing: bool,
) -> Result<RegistrationResult, LinkError> {
    /// As long as a registration of another program may take.
    const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
    let asked = nickname.as_str().to_owned();
    let (path, looking) = (shared.credentials_path.clone(), shared.clone());
    let creating = path.clone();
    let begun = tokio::task::spawn_blocking(move || (create_directory(&creating), looking.room())).await;
    let (created, room) = begun.map_err(|error| LinkError::Other(chain(&error)))?;
    // Until the account is saved no other program may register this name in this room too.
    let lock = match Credentials::lock_registration(&path, &room, LOCK_TIMEOUT).await {
        Ok(lock) => Some(lock),
        Err(error @ CredentialsError::Locked(_)) => return Err(LinkError::Other(chain(&error))),
        // Where nothing can be saved the account lasts for this run.
        Err(_) => None,
    };
    if only_missing {
        let (path, room, asked) = (path.clone(), room.clone(), asked.clone());
        let find = move || {
            let credentials = Credentials::load(&path).ok()?;
            credentials.find_in(&room, &asked).ok().flatten().map(known)
        };
        if let Ok(Some(found)) = tokio::task::spawn_blocking(find).await {
            return Ok(RegistrationResult::Found(found));
        }
    }
    let account = match registration::ask(shared, nickname).await {
        Ok(account) => account,
        Err(error) => return Err(translate::cause(&error)),
    };
    let known = KnownAccount { account, asked: Some(asked) };
    let saving = known.clone();
    let saved = tokio::task::spawn_blocking(move || {
        created.map_err(|error| chain(&error))?;
        let mut credentials = Credentials::load(&path).map_err(|error| chain(&error))?;
        credentials.add_for(&room, &saving.account, saving.asked.as_deref()).map_err(|error| chain(&error))?;
        Ok(below_home(&path))
    });
    let saved = saved.await.unwrap_or_else(|error| Err(chain(&error)));
    drop(lock);
    Ok(RegistrationResult::New(Registered { known, saved }))
}

fn create_directory(file: &Path) -> io::Result<()> {
    match file.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.exists()) {
        Some(dir) => chat_client::paths::create_private(dir),
        None => Ok(()),
    }
}

pub(super) fn forget_account(shared: &ServiceContext, account: &Account) {
    let room = shared.room();
    let removed = Credentials::load(&shared.credentials_path)
        .and_then(|mut credentials| credentials.remove_account(room, account));
    if let Err(error) = removed {
        shared.send_blocking(AppEvent::Notice { text: NoticeText::File(chain(&error)), error: true });
    }
}

/// Returns the read position of an earlier run; `None` if the file is missing or invalid.
pub(super) fn read_mark(history: &Path) -> Option<u64> {
    // Enough for any number. The mode of the file does not matter, because the content is not secret.
    const MAX_BYTES: u64 = 32;
    let mark = file::read::<Repair>(&mark_path(history), MAX_BYTES, &mut Vec::new()).ok()??;
    let place = std::str::from_utf8(&mark).ok()?.trim().parse().ok()?;
    // The history may have been replaced by a shorter one.
    (fs::metadata(history).ok()?.len() >= place).then_some(place)
}

/// Stores the read position. Losing it only moves a line on the screen, so errors are ignored.
pub(super) fn remember(history: &Path, place: u64) {
    let _ = file::replace(&mark_path(history), format!("{place}\n").as_bytes());
}

fn mark_path(history: &Path) -> PathBuf {
    file::with_suffix(history, ".read")
}

/// Copies the history to a file that does not exist yet.
pub(super) fn export(shared: &ServiceContext, path: Option<String>) {
    let path = path.map_or_else(|| PathBuf::from(default_name(jiff::Zoned::now().datetime())), |path| home(&path));
    let copied = copy(&shared.history_path, &path);
    let result = match copied {
        Ok(()) => Ok(fs::canonicalize(&path).unwrap_or(path).display().to_string()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    };
    shared.send_blocking(AppEvent::Exported(result));
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut to = file::create_new(to)?;
    match file::open_regular(from) {
        Ok(mut from) => io::copy(&mut from, &mut to)?,
        // No message has been recorded yet.
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    to.sync_all()
}

/// Lists the paths that begin as typed; directories end with a slash.
pub(super) fn list_paths(shared: &ServiceContext, typed: String) {
    let paths = paths_like(&typed);
    shared.send_blocking(AppEvent::Paths { typed, paths });
}

/// Returns the paths that begin like this, directories with a slash.
fn paths_like(typed: &str) -> Vec<String> {
    let (dir, start) = typed.rsplit_once('/').unwrap_or(("", typed));
    let prefix = &typed[..typed.len() - start.len()];
    let place = match (dir, prefix) {
        ("", "") => PathBuf::from("."),
        ("", _) => PathBuf::from("/"),
        _ => home(dir),
    };
    let mut paths = Vec::new();
    // A directory that cannot be read completes nothing.
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        // A name that is not UTF-8, or has control characters, cannot be typed.
        let Some(name) = name.to_str().filter(|name| !name.contains(char::is_control)) else { continue };
        let hidden = name.starts_with('.') && !start.starts_with('.');
        if name.starts_with(start) && !hidden {
            let slash = if entry.path().is_dir() { "/" } else { "" };
            paths.push(format!("{prefix}{name}{slash}"));
        }
    }
    paths.sort_unstable();
    paths.truncate(MAX_PATHS);
    paths
}

/// Replaces `~` at the start of a path by the home directory, as a shell does.
fn home(path: &str) -> PathBuf {
    match (path.strip_prefix('~'), std::env::home_dir()) {
        (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with('/') => home.join(rest.trim_start_matches('/')),
        _ => PathBuf::from(path),
    }
}

/// Returns a file name without text of peers.
fn default_name(now: jiff::civil::DateTime) -> String {
    now.strftime("chat-%Y-%m-%d-%H%M%S.txt").to_string()
}

/// Returns a path for people: `~` is the home directory.
pub(super) fn below_home(path: &Path) -> String {
    let home = std::env::home_dir().filter(|home| home.is_absolute() && home.parent().is_some());
    match home.and_then(|home| path.strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_position_round_trips() {
        let dir = tempfile::tempdir().unwrap();
        let history = dir.path().join("history.txt");
        assert_eq!(read_mark(&history), None);
        fs::write(&history, "0123456789").unwrap();
        remember(&history, 7);
        assert_eq!(read_mark(&history), Some(7));
        remember(&history, 11);
        assert_eq!(read_mark(&history), None);
    }

    #[test]
    fn completes_paths_as_a_shell_does() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("notes")).unwrap();
        // No name has a control character on Windows.
        let names = ["new.txt", "new old.txt", "other", ".hidden", "a\tb"];
        for name in names.into_iter().filter(|name| cfg!(unix) || !name.contains('\t')) {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let root = format!("{}/", dir.path().display());
        let like = |start: &str| {
            let paths = paths_like(&format!("{root}{start}"));
            paths.iter().map(|path| path.strip_prefix(&root).unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(like("n"), ["new old.txt", "new.txt", "notes/"], "a directory has a slash");
        assert_eq!(like(""), ["new old.txt", "new.txt", "notes/", "other"], "hidden files only if asked for");
        assert_eq!(like("."), [".hidden"]);
        assert_eq!(like("nothing"), [""; 0]);
        assert_eq!(paths_like(&format!("{root}missing/x")), [""; 0]);
    }

    #[test]
    fn home_is_shortened_for_people() {
        let Some(home) = std::env::home_dir().filter(|home| home.parent().is_some()) else { return };
        assert_eq!(below_home(&home.join("chat/creds")), "~/chat/creds");
        assert_eq!(below_home(Path::new("/nowhere/creds")), "/nowhere/creds");
    }

    #[cfg(unix)]
    #[test]
    fn ignores_a_foreign_position_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (history, precious) = (dir.path().join("history.txt"), dir.path().join("precious"));
        fs::write(&history, "0123456789").unwrap();
        fs::write(&precious, "7").unwrap();
        let mark = dir.path().join("history.txt.read");
        let was = || fs::read_to_string(&precious).unwrap();
        for planted in ["history.txt.read", "history.txt.read-new"] {
            std::os::unix::fs::symlink(&precious, dir.path().join(planted)).unwrap();
            assert_eq!((read_mark(&history), was().as_str()), (None, "7"), "{planted}");
            remember(&history, 5);
            assert_eq!(was(), "7", "{planted}");
            let _ = fs::remove_file(dir.path().join(planted));
            let _ = fs::remove_file(&mark);
        }
        assert!(std::process::Command::new("mkfifo").arg(&mark).status().unwrap().success());
        // Neither call may wait for the other end of the pipe.
        assert_eq!(read_mark(&history), None);
        remember(&history, 5);
        fs::remove_file(&mark).unwrap();
        fs::write(&mark, "7".repeat(1 << 20)).unwrap();
        assert_eq!(read_mark(&history), None);
        remember(&history, 5);
        assert_eq!(fs::metadata(&mark).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_mark(&history), Some(5));
    }

    #[test]
    fn export_overwrites_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&from, "said").unwrap();
        copy(&from, &to).unwrap();
        assert_eq!(fs::read_to_string(&to).unwrap(), "said");
        assert_eq!(copy(&from, &to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn tilde_is_the_home_directory() {
        let directory = std::env::home_dir().unwrap();
        assert_eq!(home("~/chat/x.txt"), directory.join("chat/x.txt"));
        assert_eq!(home("~"), directory);
        for other in ["~bob/x", "a~/x", "/tmp/~", "x"] {
            assert_eq!(home(other), PathBuf::from(other));
        }
    }
}
