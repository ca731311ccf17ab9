//! The commands that copy a whole room: `admin backup`, `admin export`, `import` and `restore`.

#[cfg(unix)]
use std::io::{self, BufWriter};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use chat_server::transfer::TransferError;
use chat_server::{JournalError, import_store, restore_store};
#[cfg(unix)]
use chat_server::{backup_store, export_store};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::process::report::{FAILURE, USAGE, eprint, named, print_reply};

/// Copies the room into a file.
#[cfg(unix)]
pub(crate) fn backup(dir: &Path, file: &Path, json: bool) -> Result<ExitCode> {
    let made = match backup_store(dir, file) {
        Ok(made) => made,
        Err(error) => return refused(dir, error),
    };
    let (messages, accounts) = (made.check.messages, made.check.accounts);
    let object = json!({
        "type": "backup", "file": file.display().to_string(), "bytes": made.bytes, "messages": messages,
        "accounts": accounts, "newest": made.check.head,
    });
    print_reply(json, &object, &format!("backed up {} to {}", counted(messages, accounts), file.display()))
}

/// Prints the room.
#[cfg(unix)]
pub(crate) fn export(dir: &Path) -> Result<ExitCode> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match export_store(dir, &mut out) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        // The reader has what it wanted.
        Err(TransferError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        Err(error) => refused(dir, error),
    }
}

/// Makes a room of a file.
pub(crate) fn import(dir: &Path, file: &Path, replace: bool) -> Result<ExitCode> {
    let made = match import_store(dir, file, replace, &TimeZone::system()) {
        Ok(made) => made,
        Err(error) => return refused(dir, error),
    };
    if let Some(first) = made.first_skipped {
        let lines = if made.skipped == 1 { "line" } else { "lines" };
        let skipped = made.skipped;
        eprint(&format!("skipped {skipped} {lines} without a nickname and a text, the first is line {first}"));
    }
    report("imported", made.check.messages, made.check.accounts, made.aside.as_deref())
}

/// Puts a backup in the place of the room.
pub(crate) fn restore(dir: &Path, file: &Path, replace: bool) -> Result<ExitCode> {
    match restore_store(dir, file, replace) {
        Ok(made) => report("restored", made.check.messages, made.check.accounts, made.aside.as_deref()),
        Err(error) => refused(dir, error),
    }
}

fn report(what: &str, messages: u64, accounts: u64, aside: Option<&Path>) -> Result<ExitCode> {
    let aside = aside.map(|aside| format!("; the room that was there is {}", aside.display())).unwrap_or_default();
    print_reply(false, &json!(null), &format!("{what} {}{aside}", counted(messages, accounts)))
}

fn counted(messages: u64, accounts: u64) -> String {
    let (message, account) =
        (if messages == 1 { "message" } else { "messages" }, if accounts == 1 { "account" } else { "accounts" });
    format!("{messages} {message} and {accounts} {account}")
}

/// Reports why nothing was done. Wrong input is a sentence and exit code 2.
fn refused(dir: &Path, error: TransferError) -> Result<ExitCode> {
    let code = if error.is_usage() { USAGE } else { FAILURE };
    let error = match error {
        TransferError::Journal(error) if !matches!(error, JournalError::NotOurs { .. }) => named(dir)(error),
        error => error.into(),
    };
    eprint(&format!("{error:#}"));
    Ok(ExitCode::from(code))
}
