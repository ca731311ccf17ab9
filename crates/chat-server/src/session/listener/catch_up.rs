//! What a listener receives from the journal: the answer to its request to resume, and the pages that it has missed.

use std::sync::Arc;

use bytes::BytesMut;
use chat_proto::{
    ListenerServerCommand, ResumeAnswer, ResumeFrom, ResumeRequest, Seq, SeqRange, StateMachine as _, encode_expired,
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::exit::ListenerExit;
use super::resume::{first_seq, within};
use super::task::{ListenerSession, now};
use crate::log::{Batch, Form, LogCursor, LogRead};

impl<IO: AsyncRead + AsyncWrite + Unpin> ListenerSession<IO> {
    /// Answers a request to resume, and moves the cursor to the requested position.
    pub(super) async fn resume(&mut self, request: ResumeRequest) -> Result<(), ListenerExit> {
        // A late request: a line that was sent in part is completed first.
        let plain = self.sent_plain();
        self.finish_line().await?;
        let context = Arc::clone(&self.context);
        if self.is_ahead(&request.from) && !self.unless_ended(context.catch_up()).await? {
            // Closed without an answer: an answer now would tell the client that the end of the log is lost.
            return Err(ListenerExit::Ended);
        }
        self.repeat_removals(&request.from);
        let (mut head, oldest) = (self.context.log.last(), self.context.oldest());
        let first = match (first_seq(&request.from, &self.context.streams, oldest, head), &request.from) {
            (None, ResumeFrom::AfterTime(at)) => {
                let _turn = self.unless_ended(context.time_turn()).await?;
                let wanted = context.first_after(*at).await?;
                // The log may have grown while the time was looked up.
                head = self.context.log.last();
                within(wanted, self.context.oldest(), head)
            }
            (first, _) => first.unwrap_or(head + 1),
        };
        let Some(stream) = self.context.stream().cloned() else { return Ok(()) };
        let expired = match &request.from {
            ResumeFrom::After(position) if position.stream == stream && position.seq.saturating_add(1) < oldest => {
                Some(oldest - 1)
            }
            _ => None,
        };
        let answer = ResumeAnswer::new(stream, first, head).with_plain(plain).with_expired(expired);
        // The machine waits for this answer, so it accepts the command.
        let _ = self.machine.handle_command(ListenerServerCommand::Answer(answer), now());
        self.cursor = LogCursor::new(first, Form::Numbered);
        self.page = None;
        self.released = true;
        self.up_to_date = false;
        Ok(())
    }

    /// Returns whether the peer has seen more of the current stream than this server has: at another node.
    fn is_ahead(&self, from: &ResumeFrom) -> bool {
        matches!(from, ResumeFrom::After(position)
            if position.seq > self.context.log.last() && self.context.stream() == Some(&position.stream))
    }

    /// Returns the first and last sequence number that were sent as plain lines.
    fn sent_plain(&self) -> Option<SeqRange> {
        let last = if self.cursor.is_inside_line() { self.cursor.next() } else { self.cursor.next() - 1 };
        (last > self.accepted).then_some(SeqRange { first: self.accepted + 1, last })
    }

    /// Puts the rest of a partly sent line before all replies.
    async fn finish_line(&mut self) -> Result<(), ListenerExit> {
        if !self.cursor.is_inside_line() {
            return Ok(());
        }
        let batch = match self.fetch() {
            LogRead::Chunks(batches) => batches.into_iter().next(),
            LogRead::UpToDate => None,
            LogRead::Evicted => {
                self.read_page().await?;
                self.page.as_deref().cloned()
            }
        };
        let rest = batch.map(|batch| self.cursor.rest(&batch)).ok_or(ListenerExit::TornLine)?;
        let end = memchr::memchr(b'\n', &rest).ok_or(ListenerExit::TornLine)?;
        let mut replies = BytesMut::from(&rest[..=end]);
        replies.extend_from_slice(&self.replies);
        self.replies = replies;
        self.cursor = LogCursor::new(self.cursor.next() + 1, self.cursor.form());
        Ok(())
    }

    /// Reads the page at the cursor from the journal.
    pub(super) async fn read_page(&mut self) -> Result<(), ListenerExit> {
        let next = self.cursor.next();
        let context = Arc::clone(&self.context);
        // Only the wait is cut short: a read holds its turn until it is done.
        let turn = self.unless_ended(context.page_turn(self.peer)).await?;
        let messages = context.page(next).await?;
        drop(turn);
        self.page = Batch::encode_for(&messages, self.cursor.form()).map(Box::new);
        match &self.page {
            Some(page) if page.first() != next && self.cursor.is_inside_line() => Err(ListenerExit::TornLine),
            Some(page) if self.cursor.is_torn_by(page) => Err(ListenerExit::TornLine),
            Some(page) => {
                let first = page.first();
                self.skip_expired(first);
                Ok(())
            }
            // Everything that was left is damaged or has expired: continue with the ring.
            None => {
                let first = self.context.log.oldest().max(next + 1);
                self.skip_expired(first);
                self.cursor = LogCursor::new(first, self.cursor.form());
                Ok(())
            }
        }
    }

    /// Moves behind the messages before `first` that have expired, and tells a listener that numbers about it.
    fn skip_expired(&mut self, first: Seq) {
        let expired = first.min(self.context.oldest()).saturating_sub(1);
        if self.cursor.next() > expired {
            return;
        }
        if self.cursor.form() == Form::Numbered {
            encode_expired(&mut self.replies, expired);
        }
        self.cursor = LogCursor::new(expired + 1, self.cursor.form());
    }
}
