//! What programs of one user tell one another about the local room: that it is shared, and that a page shows it. Each is
//! a small file in the data directory, which names its program and counts only while that program holds its lock.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chat_client::ClientConfig;
use private_files::{FileLock, LockError, Repair, file};

use super::notice::JoinAddress;

/// The longest announcement: the link of a page has a host name of at most 253 letters.
const MAX_BYTES: u64 = 1024;

/// A program that only looks holds the lock for a moment.
const LOCK_WITHIN: Duration = Duration::from_millis(500);

/// An announcement that others see until this value is dropped, or the process ends for any reason.
#[derive(Debug)]
pub struct Announcement {
    _lock: FileLock,
}

impl Announcement {
    /// Announces the link of a page that shows the local room. Blocks. `None` if another page is announced, or the file
    /// cannot be written; then others do not see this link.
    pub fn of_page(data_dir: &Path, link: &str) -> Option<Self> {
        Self::publish(&page_file(data_dir), link)
    }

    /// Announces that the room is shared at an address.
    #[cfg(feature = "local-room")]
    pub(super) fn of_room(data_dir: &Path, ip: IpAddr) -> Option<Self> {
        Self::publish(&room_file(data_dir), &ip.to_string())
    }

    fn publish(path: &Path, text: &str) -> Option<Self> {
        let lock = FileLock::acquire_within(path, LOCK_WITHIN);
        let written = lock.map_err(|error| error.to_string()).and_then(|lock| {
            file::replace(path, format!("{} {text}\n", std::process::id()).as_bytes())
                .map_err(|error| error.to_string())?;
            Ok(Self { _lock: lock })
        });
        written.inspect_err(|error| tracing::warn!(error, path = %path.display(), "could not announce")).ok()
    }
}

/// Returns the link of the page that shows the local room now. Blocks.
pub fn announced_page(data_dir: &Path) -> Option<String> {
    let link = read(&page_file(data_dir))?;
    let is_link = link.starts_with("http://") || link.starts_with("https://");
    (is_link && link.bytes().all(|byte| byte.is_ascii_graphic())).then_some(link)
}

/// Returns how others join the local room, if it is shared now. Blocks.
pub fn announced_room(data_dir: &Path, config: &ClientConfig) -> Option<JoinAddress> {
    announced_ip(data_dir).map(|ip| JoinAddress::new(ip, config))
}

pub(super) fn announced_ip(data_dir: &Path) -> Option<IpAddr> {
    read(&room_file(data_dir))?.parse().ok()
}

fn page_file(data_dir: &Path) -> PathBuf {
    data_dir.join("room.page")
}

fn room_file(data_dir: &Path) -> PathBuf {
    data_dir.join("room.shared")
}

/// Returns the text of an announcement whose program runs.
fn read(path: &Path) -> Option<String> {
    // Without the file there was never one, and looking must not create a lock.
    let content = String::from_utf8(file::read::<Repair>(path, MAX_BYTES, &mut Vec::new()).ok()??).ok()?;
    let (pid, text) = content.trim_end().split_once(' ')?;
    // The holder may also be a program that looks, or one that has not replaced the file of its predecessor yet.
    match FileLock::acquire(path) {
        Err(LockError::Held { pid: Some(holder), .. }) if pid.parse() == Ok(holder) => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_while_its_program_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(announced_page(dir.path()), None);
        let page = Announcement::of_page(dir.path(), "http://192.0.2.7:8080/").unwrap();
        assert_eq!(announced_page(dir.path()).as_deref(), Some("http://192.0.2.7:8080/"));
        drop(page);
        assert_eq!(announced_page(dir.path()), None, "the file of a program that has ended");
    }

    #[test]
    fn another_holder_of_the_lock_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = page_file(dir.path());
        // As a program that has ended left it; this process only looks.
        file::replace(&path, b"1 http://192.0.2.7:8080/\n").unwrap();
        let _looking = FileLock::acquire(&path).unwrap();
        assert_eq!(announced_page(dir.path()), None);
    }

    #[test]
    fn only_links_are_links() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["javascript:x", "http://a b", "http://x\u{1b}[2J", "http://пример"] {
            let _page = Announcement::of_page(dir.path(), text).unwrap();
            assert_eq!(announced_page(dir.path()), None, "{text}");
        }
        let _page = Announcement::of_page(dir.path(), &format!("http://{}", "x".repeat(2000))).unwrap();
        assert_eq!(announced_page(dir.path()), None, "longer than a link");
    }
}
