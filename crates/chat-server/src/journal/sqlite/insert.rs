//! Inserts drafts into the tables, within a transaction of the caller.

use chat_proto::{PostId, Seq, Text};
use rusqlite::{CachedStatement, Connection, OptionalExtension, Transaction, params};

use super::error::StoreError;
use super::{account_index, effect, row};
use crate::accounts::TokenHash;
use crate::entry::{Appended, Author, Draft, LogStream};
use crate::error::JournalError;

/// The statements for messages, prepared once for all drafts.
pub(super) struct Insert<'a> {
    transaction: &'a Transaction<'a>,
    plain: CachedStatement<'a>,
    named: CachedStatement<'a>,
    at: i64,
    head: &'a mut Seq,
}

impl<'a> Insert<'a> {
    /// Creates an insert for drafts of one moment, the first of which follows `head`.
    pub(super) fn new(transaction: &'a Transaction<'a>, at: i64, head: &'a mut Seq) -> Result<Self, StoreError> {
        let into = "INSERT INTO message(seq, at, account, post, nick, text, crc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        Ok(Self {
            transaction,
            // Without an id it cannot be a repetition, so there is no conflict to check.
            plain: transaction.prepare_cached(into)?,
            named: transaction
                .prepare_cached(&format!("{into} ON CONFLICT(account, post) WHERE post IS NOT NULL DO NOTHING"))?,
            at,
            head,
        })
    }

    /// Inserts the drafts in their order.
    pub(super) fn all(mut self, drafts: &[Draft]) -> Result<Vec<Appended>, StoreError> {
        let insert = |draft: &Draft| match draft {
            Draft::Account { token, nickname } => self.account(token, nickname.as_str()),
            Draft::Post { author, id, text } => self.post(author, id.as_ref(), text),
            Draft::Action(action) => Ok(effect::store(self.transaction, action, self.at, *self.head)?),
        };
        drafts.iter().map(insert).collect()
    }

    /// Inserts an account.
    pub(super) fn account(&self, token: &TokenHash, nickname: &str) -> Result<Appended, StoreError> {
        let last: i64 = self
            .transaction
            .prepare_cached("SELECT coalesce(max(id), 0) FROM account")?
            .query_row([], |row| row.get(0))?;
        let id = last + 1;
        let crc = row::account_crc(id, token.as_bytes(), nickname, self.at, false);
        self.transaction
            .prepare_cached(
                "INSERT INTO account(id, token, nickname, at, revoked, crc) VALUES (?1, ?2, ?3, ?4, 0, ?5)",
            )?
            .execute(params![id, token.as_bytes(), nickname, self.at, crc])?;
        account_index::add_account(self.transaction, id, nickname)?;
        Ok(Appended::Account(id))
    }

    /// Inserts a message, unless its author and id are known.
    pub(super) fn post(&mut self, author: &Author, id: Option<&PostId>, text: &Text) -> Result<Appended, StoreError> {
        let seq = *self.head + 1;
        let (number, post) = (i64::try_from(seq).unwrap_or(i64::MAX), id.map(PostId::as_str));
        let (nick, text) = (author.nickname.as_str(), text.as_str());
        let crc = row::message_crc(number, self.at, author.id, post, nick, text);
        let statement = if post.is_some() { &mut self.named } else { &mut self.plain };
        if statement.execute(params![number, self.at, author.id, post, nick, text, crc])? == 1 {
            *self.head = seq;
            return Ok(Appended::Fresh { seq, at: self.at });
        }
        let first: i64 = self
            .transaction
            .prepare_cached("SELECT seq FROM message WHERE account = ?1 AND post = ?2")?
            .query_row(params![author.id, post], |row| row.get(0))?;
        // The index alone may answer that, and the message that it names must be there to be confirmed.
        let sql = format!("SELECT {} FROM message NOT INDEXED WHERE seq = ?1", row::MESSAGE);
        let found = self.transaction.prepare_cached(&sql)?.query_row([first], |found| Ok(row::message(found)));
        let stored = found.optional()?.flatten().ok_or(JournalError::Damaged)?;
        Ok(Appended::Repeated { seq: stored.seq() })
    }
}

/// Appends a stream to the table of streams.
pub(super) fn insert_stream(connection: &Connection, stream: &LogStream) -> rusqlite::Result<()> {
    let n: i64 = connection.query_row("SELECT coalesce(max(n), 0) + 1 FROM stream", [], |row| row.get(0))?;
    let (id, first) = (stream.id.as_str(), i64::try_from(stream.first).unwrap_or(i64::MAX));
    let crc = row::stream_crc(n, id, first);
    connection.execute("INSERT INTO stream(n, id, first, crc) VALUES (?1, ?2, ?3, ?4)", params![n, id, first, crc])?;
    Ok(())
}
