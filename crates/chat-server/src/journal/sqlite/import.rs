//! Makes a room of an export, or of a history file of the original.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use chat_proto::{Nickname, Seq, Text};
use jiff::tz::TimeZone;
use private_files::file;
use rusqlite::{Connection, ErrorCode, params};

use super::error::StoreError;
use super::expire::Expired;
use super::insert::insert_stream;
use super::new_store::{Installed, NewStore};
use super::verify::CheckReport;
use super::{effect, expire, row, schema};
use crate::action::{AccountId, ActionDraft, ActionRecord};
use crate::entry::{LogStream, SERVER_ACCOUNT};
use crate::transfer::{ExpiredRecord, ParsedHistoryLine, RecordFault, RoomRecord, TransferError};

/// The longest line. A text of 16 KiB with every character escaped has 96 KiB.
const LONGEST_LINE: u64 = 1024 * 1024;

/// The rows of one transaction.
const ROWS_AT_ONCE: u64 = 10_000;

/// The name of the room itself in a history.
const SERVER: &str = "Server";

/// An imported room.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// What was found when it was checked, with the stream that was begun.
    pub check: CheckReport,
    /// ImportLines of a history without a nickname or a text that can be stored.
    pub skipped: u64,
    /// The number of the first of them.
    pub first_skipped: Option<u64>,
    /// Where the room is that was there before.
    pub aside: Option<PathBuf>,
}

/// Makes a room of the file `source`, or of standard input if it is `-`, in the data directory `dir`, in which no server
/// may run. A room that is there is set aside if `replace` is set. Times of a history are those of `zone`.
///
/// # Errors
/// [`TransferError`]; then the directory is as it was.
pub fn import_store(dir: &Path, source: &Path, replace: bool, zone: &TimeZone) -> Result<ImportReport, TransferError> {
    let input: Box<dyn BufRead> = if source == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let opened: File = file::open_regular(source).map_err(|error| TransferError::named(source, error))?;
        Box::new(BufReader::new(opened))
    };
    let mut lines = ImportLines { input, path: source.to_owned(), number: 0 };
    let first = lines.next()?.ok_or_else(|| lines.wrong(RecordFault::Empty))?;
    let is_export = first.starts_with('{');
    if !is_export && ParsedHistoryLine::parse(first.trim_start_matches('\u{feff}')).is_none() {
        return Err(lines.wrong(RecordFault::Unknown));
    }
    let new = NewStore::prepare(dir, replace)?;
    let connection = new.create()?;
    let mut room = RoomBuilder::new(&connection)?;
    if is_export {
        room.export(&mut lines, first)?;
    } else {
        room.history(&mut lines, first, zone)?;
    }
    let (skipped, first_skipped) = (room.skipped, room.first_skipped);
    room.finish()?;
    match new.install(connection)? {
        Some(Installed { report, aside }) => Ok(ImportReport { check: report, skipped, first_skipped, aside }),
        // It was made of checked records, so the disk has changed it.
        None => Err(TransferError::DamagedStore),
    }
}

/// The lines of a file, with their numbers.
struct ImportLines {
    input: Box<dyn BufRead>,
    path: PathBuf,
    number: u64,
}

impl ImportLines {
    /// Returns the next line without its line feed; `None` at the end.
    fn next(&mut self) -> Result<Option<String>, TransferError> {
        let mut bytes = Vec::new();
        let limit = LONGEST_LINE + 1;
        let read = self.input.by_ref().take(limit).read_until(b'\n', &mut bytes);
        self.number += 1;
        if read.map_err(|error| TransferError::named(&self.path, error))? == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
        } else if bytes.len() as u64 == limit {
            return Err(self.wrong(RecordFault::TooLong { limit: LONGEST_LINE }));
        }
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn wrong(&self, fault: RecordFault) -> TransferError {
        TransferError::Line { path: self.path.clone(), line: self.number.max(1), fault }
    }
}

/// A room that is being built. Everything grows: account numbers, sequence numbers, times, numbers of actions.
struct RoomBuilder<'c> {
    connection: &'c Connection,
    rows: u64,
    accounts: u64,
    last_account: AccountId,
    messages: u64,
    last_seq: Seq,
    last_at: i64,
    actions: u64,
    last_action: u64,
    skipped: u64,
    first_skipped: Option<u64>,
}

impl<'c> RoomBuilder<'c> {
    fn new(connection: &'c Connection) -> Result<Self, TransferError> {
        connection.execute_batch("BEGIN")?;
        Ok(Self {
            connection,
            rows: 0,
            accounts: 0,
            last_account: 0,
            messages: 0,
            last_seq: 0,
            last_at: i64::MIN,
            actions: 0,
            last_action: 0,
            skipped: 0,
            first_skipped: None,
        })
    }

    fn finish(self) -> Result<(), TransferError> {
        Ok(self.connection.execute_batch("COMMIT")?)
    }

    /// Reads an export to its end.
    fn export(&mut self, lines: &mut ImportLines, first: String) -> Result<(), TransferError> {
        let mut line = Some(first);
        let (mut begun, mut ended) = (false, false);
        while let Some(text) = line {
            let record = RoomRecord::parse(&text).map_err(|fault| lines.wrong(fault))?;
            let begins = matches!(record, RoomRecord::Room { .. });
            if begins == begun || ended {
                return Err(lines.wrong(RecordFault::OutOfPlace { found: record.name() }));
            }
            begun = true;
            ended = matches!(record, RoomRecord::End { .. });
            self.record(record).map_err(|error| match error {
                RowError::Fault(fault) => lines.wrong(fault),
                RowError::Store(error) => error.into(),
            })?;
            line = lines.next()?;
        }
        if ended { Ok(()) } else { Err(lines.wrong(RecordFault::CutOff)) }
    }

    fn record(&mut self, record: RoomRecord) -> Result<(), RowError> {
        match record {
            RoomRecord::Room { streams, expired, .. } => {
                if let Some(ExpiredRecord { seq, at }) = expired {
                    expire::note(self.connection, Expired { seq, at })?;
                    (self.last_seq, self.last_at) = (seq, at);
                }
                let mut last = 0;
                for stream in streams {
                    let stream: LogStream = stream.stream()?;
                    if stream.first < last {
                        return Err(RecordFault::Order { field: "first" }.into());
                    }
                    last = stream.first;
                    insert_stream(self.connection, &stream)?;
                }
            }
            RoomRecord::Account { id, nick, at, revoked } => self.account(id, &nick, at, revoked)?,
            RoomRecord::Message { seq, at, account, nick, id, text } => {
                self.message(seq, at, account, id.as_deref(), &nick, &text)?;
            }
            RoomRecord::Removed { seq, at, account, id, removed_at, by, reason } => {
                schema::raise_format(self.connection, schema::ACTION_FORMAT)?;
                let by = Nickname::new(&by).map_err(|error| RecordFault::value("by", &error))?;
                let reason = reason.as_deref().map(Text::new).transpose();
                let reason = reason.map_err(|error| RecordFault::value("reason", &error))?;
                let text = row::tombstone_text(removed_at, &by, reason.as_ref());
                self.message(seq, at, account, id.as_deref(), "", &text)?;
            }
            RoomRecord::Action { number, at, head, by, reason, what } => {
                if number <= self.last_action {
                    return Err(RecordFault::Order { field: "number" }.into());
                }
                self.last_action = number;
                self.actions += 1;
                let actor = Nickname::new(&by).map_err(|error| RecordFault::value("by", &error))?;
                let reason = reason.as_deref().map(Text::new).transpose();
                let reason = reason.map_err(|error| RecordFault::value("reason", &error))?;
                let draft = ActionDraft { actor, reason, action: what };
                effect::insert(self.connection, &ActionRecord { number, at, head, draft })?;
                self.row()?;
            }
            RoomRecord::End { accounts, messages, actions } => {
                let counts = [
                    ("accounts", accounts, self.accounts),
                    ("messages", messages, self.messages),
                    ("actions", actions, self.actions),
                ];
                if let Some((field, counted, found)) = counts.into_iter().find(|(_, counted, found)| counted != found) {
                    return Err(RecordFault::Count { field, counted, found }.into());
                }
            }
        }
        Ok(())
    }

    /// Reads a history to its end. Its messages get the numbers from 1 on, and each nickname an account. Times have
    /// minutes only, and one that is earlier than that of the line before is taken as that.
    fn history(&mut self, lines: &mut ImportLines, first: String, zone: &TimeZone) -> Result<(), TransferError> {
        insert_stream(self.connection, &LogStream::starting_at(1))?;
        let mut accounts: HashMap<String, AccountId> = HashMap::from([(SERVER.to_owned(), SERVER_ACCOUNT)]);
        let mut line = Some(first);
        while let Some(text) = line {
            // Editors on Windows put a byte-order mark in front of the first line.
            let text = if lines.number == 1 { text.trim_start_matches('\u{feff}') } else { &text };
            let parsed = match ParsedHistoryLine::parse(text) {
                Some(parsed) => parsed,
                None if text.trim().is_empty() => {
                    line = lines.next()?;
                    continue;
                }
                None => return Err(lines.wrong(RecordFault::NotHistory)),
            };
            let said =
                parsed.sender.and_then(|sender| Some((Nickname::new(sender).ok()?, Text::new(&parsed.text).ok()?)));
            match said {
                Some((nickname, text)) => {
                    let at = parsed.at_ms(zone).max(self.last_at);
                    let fail = |error: RowError| match error {
                        RowError::Fault(fault) => lines.wrong(fault),
                        RowError::Store(error) => error.into(),
                    };
                    let nick = nickname.as_str();
                    let account = match accounts.get(nick) {
                        Some(account) => *account,
                        None => {
                            let id = self.last_account + 1;
                            self.account(id, nick, at, false).map_err(fail)?;
                            accounts.insert(nick.to_owned(), id);
                            id
                        }
                    };
                    self.message(self.last_seq + 1, at, account, None, nick, text.as_str()).map_err(fail)?;
                }
                None => {
                    self.skipped += 1;
                    self.first_skipped.get_or_insert(lines.number);
                }
            }
            line = lines.next()?;
        }
        if self.messages == 0 { Err(lines.wrong(RecordFault::NoMessage)) } else { Ok(()) }
    }

    /// Inserts an account with a token that no client has: an operator gives it a new one.
    fn account(&mut self, id: AccountId, nick: &str, at: i64, revoked: bool) -> Result<(), RowError> {
        if id <= self.last_account {
            return Err(RecordFault::Order { field: "id" }.into());
        }
        self.last_account = id;
        self.accounts += 1;
        let token = [uuid::Uuid::new_v4().into_bytes(), uuid::Uuid::new_v4().into_bytes()].concat();
        let crc = row::account_crc(id, &token, nick, at, revoked);
        self.connection
            .prepare_cached(
                "INSERT INTO account(id, token, nickname, at, revoked, crc) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![id, token, nick, at, revoked, crc])?;
        self.row()
    }

    fn message(
        &mut self,
        seq: Seq,
        at: i64,
        account: AccountId,
        post: Option<&str>,
        nick: &str,
        text: &str,
    ) -> Result<(), RowError> {
        if seq <= self.last_seq {
            return Err(RecordFault::Order { field: "seq" }.into());
        }
        if at < self.last_at {
            return Err(RecordFault::Order { field: "at" }.into());
        }
        (self.last_seq, self.last_at) = (seq, at);
        self.messages += 1;
        let number = i64::try_from(seq).map_err(|_| RecordFault::too_large("seq", seq))?;
        let crc = row::message_crc(number, at, account, post, nick, text);
        self.connection
            .prepare_cached(
                "INSERT INTO message(seq, at, account, post, nick, text, crc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![number, at, account, post, nick, text, crc])?;
        self.row()
    }

    /// Counts a row, and begins a new transaction now and then.
    fn row(&mut self) -> Result<(), RowError> {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_AT_ONCE) {
            self.connection.execute_batch("COMMIT; BEGIN")?;
        }
        Ok(())
    }
}

/// Why a row was not inserted.
enum RowError {
    Fault(RecordFault),
    Store(StoreError),
}

impl From<RecordFault> for RowError {
    fn from(fault: RecordFault) -> Self {
        Self::Fault(fault)
    }
}

impl From<StoreError> for RowError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for RowError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Self::Fault(RecordFault::Repeated),
            _ => Self::Store(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
