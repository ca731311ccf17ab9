//! Files, directories and locks that belong to one user.
//!
//! A chat client stores tokens, private history and unsent messages in files. On Unix this crate creates them with mode
//! 0600, in directories with mode 0700, and refuses what could belong to another user: symbolic links, hard links,
//! pipes, files of another uid. It tightens modes that are too open and reports this as a [`Repair`].
//!
//! - [`file`](mod@file): read, append to, replace and remove private files; read a file that the user named.
//! - [`directory`]: create, tighten and sync directories.
//! - [`FileLock`]: an advisory lock that keeps two processes from writing one file.
//! - [`ReplacedFiles`]: whether files that belong together were replaced since they were read.
//!
//! All calls block. On an asynchronous runtime, call them from a blocking thread.
//!
//! ```
//! use private_files::{Repair, file};
//!
//! # fn main() -> std::io::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("token");
//! file::replace(&path, b"secret\n")?;
//! let mut repairs: Vec<Repair> = Vec::new();
//! assert_eq!(file::read(&path, 1024, &mut repairs)?.as_deref(), Some(&b"secret\n"[..]));
//! assert!(repairs.is_empty());
//! # Ok(()) }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod directory;
pub mod file;
mod lock;
mod repair;
mod replaced;

pub use lock::{FileLock, LockError};
pub use repair::Repair;
pub use replaced::{FileVersions, ReplacedFiles};
