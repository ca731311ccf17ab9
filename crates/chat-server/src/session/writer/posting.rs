//! Accepts or declines a writer's posts, submits them to the journal, and answers them.

use std::time::Duration;

use chat_proto::{DeclineCode, PostId, Text, WriterServerCommand};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::ordering_barrier::OrderingBarrier;
use super::reply_queue::SubmittedBatch;
use super::task::{WriterEnding, WriterSession};
use crate::action::AccountId;
use crate::committer::{CommitResult, PostSequence};
use crate::entry::{Appended, Draft};
use crate::error::{CommitError, JournalError};
use crate::hooks::PostDecision;
use crate::rate::Overdrawn;
use crate::rate_limited_log::RateLimitedLog;

/// The delay that a client is given if a post could not be stored.
const STORAGE_RETRY: Duration = Duration::from_secs(1);

/// The delay if there is too little space, which takes an operator or another program to change.
const SPACE_RETRY: Duration = Duration::from_secs(10);

impl<IO: AsyncRead + AsyncWrite + Unpin> WriterSession<IO> {
    pub(super) fn post(&mut self, id: Option<PostId>, text: Text) {
        let Some(account) = self.account.clone() else { return };
        let declined = match self.ending {
            Some(WriterEnding::Draining) => Some((DeclineCode::Draining, Some(STORAGE_RETRY), None)),
            Some(WriterEnding::Unanswerable) => Some((DeclineCode::Storage, Some(STORAGE_RETRY), None)),
            _ if account.is_revoked() => Some((DeclineCode::Revoked, None, None)),
            // Its token may be another one since, so the client has to log in again.
            _ if account.kicks() != self.kicks => Some((DeclineCode::Draining, Some(STORAGE_RETRY), None)),
            _ => self.sanction_of(account.id()),
        };
        let declined = declined.or_else(|| self.held_back(id.as_ref()?).map(|(code, after)| (code, after, None)));
        if let Some((code, retry_after, reason)) = declined {
            return match id {
                Some(id) => self.send_decline(id, code, retry_after, reason),
                None => self.decline_plain(&code, WriterEnding::Revoked),
            };
        }
        if self.context.meters.is_short_of_space() {
            return match id {
                Some(id) => self.put_off(id, DeclineCode::Storage, SPACE_RETRY),
                None => self.decline_plain(&DeclineCode::Storage, WriterEnding::Unanswerable),
            };
        }
        let (limits, now) = (self.context.limits.load(), Instant::now());
        match (limits.posts, &id) {
            (Some(rate), Some(id)) => {
                if let Err(wait) = account.take_post(rate, now.into_std()) {
                    return self.put_off(id.clone(), DeclineCode::Rate, wait);
                }
            }
            (Some(rate), None) => match account.overdraw_post(rate, now.into_std()) {
                Ok(pause) => self.pause = pause.map(|wait| now + wait),
                // Other connections of the account have posted in advance: the post is neither accepted nor confirmed.
                Err(Overdrawn) => return self.decline_plain(&DeclineCode::Rate, WriterEnding::Unanswerable),
            },
            (None, _) => {}
        }
        let (poster, rates) = ((account.id(), self.permit.peer()), &self.context.byte_rates);
        match &id {
            Some(id) => {
                if let Err(wait) = rates.take(&limits, poster, text.as_str().len(), now.into_std()) {
                    return self.put_off(id.clone(), DeclineCode::Rate, wait);
                }
            }
            None => match rates.overdraw(&limits, poster, text.as_str().len(), now.into_std()) {
                Ok(pause) => self.pause = self.pause.max(pause.map(|wait| now + wait)),
                Err(_) => return self.decline_plain(&DeclineCode::Rate, WriterEnding::Unanswerable),
            },
        }
        let author = account.author();
        let text = match self.context.config.hooks.as_ref().map(|hooks| hooks.post(&author, text.clone())) {
            None => text,
            Some(PostDecision::Accept(text)) => text,
            Some(PostDecision::Refuse) => {
                let code = DeclineCode::Other("refused".into());
                return match id {
                    Some(id) => self.send_decline(id, code, None, None),
                    None => self.decline_plain(&code, WriterEnding::Unanswerable),
                };
            }
        };
        self.draft_bytes += text.as_str().len();
        self.drafts.push(Draft::Post { author, id: id.clone(), text });
        self.ids.push(id);
    }

    /// Returns how posts of a muted or banned account are declined.
    fn sanction_of(&self, account: AccountId) -> Option<(DeclineCode, Option<Duration>, Option<Text>)> {
        let moderation = &self.context.moderation;
        let banned = moderation.ban(account).map(|ban| (DeclineCode::Banned, ban.left, ban.reason));
        banned.or_else(|| moderation.mute(account).map(|mute| (DeclineCode::Muted, mute.left, mute.reason)))
    }

    /// Declines a plain post: it is not confirmed, because the plain protocol has no other answer. Its connection ends
    /// with `ending`.
    fn decline_plain(&mut self, code: &DeclineCode, ending: WriterEnding) {
        self.count_decline(code);
        self.ending.get_or_insert(ending);
    }

    /// Returns the answer to a post after one that was put off.
    fn held_back(&mut self, id: &PostId) -> Option<(DeclineCode, Option<Duration>)> {
        let barrier = self.barrier.as_mut()?;
        if barrier.contains(id) {
            self.barrier = None;
            self.sequence = PostSequence::default();
            return None;
        }
        Some(barrier.put_off(id))
    }

    /// Declines a post that should be sent again later, and everything that was sent after it.
    fn put_off(&mut self, id: PostId, code: DeclineCode, wait: Duration) {
        let retry_after = Some(wait);
        match &mut self.barrier {
            Some(barrier) => drop(barrier.put_off(&id)),
            None => {
                let limit = self.context.limits.load().posts_in_flight;
                self.barrier = Some(OrderingBarrier::new(id.clone(), code.clone(), retry_after, limit));
            }
        }
        self.send_decline(id, code, retry_after, None);
    }

    fn send_decline(&mut self, id: PostId, code: DeclineCode, retry_after: Option<Duration>, reason: Option<Text>) {
        self.count_decline(&code);
        self.send(WriterServerCommand::Decline { id, code, retry_after, reason });
    }

    fn count_decline(&self, code: &DeclineCode) {
        self.context.meters.declined.of(code).one();
        match code {
            DeclineCode::Rate => self.log_event(RateLimitedLog::PostPutOff),
            DeclineCode::Revoked => self.log_event(RateLimitedLog::RevokedRefused),
            _ => {}
        }
    }

    /// Logs an event with the peer and its account.
    pub(super) fn log_event(&self, event: RateLimitedLog) {
        match &self.account {
            Some(account) => event.log_account(self.permit.peer(), &account.author().nickname),
            None => event.log_peer(self.permit.peer()),
        }
    }

    /// Submits the accepted drafts.
    pub(super) async fn submit(&mut self) {
        let Some(account) = self.account.clone().filter(|_| !self.drafts.is_empty()) else { return };
        self.draft_bytes = 0;
        let ids = std::mem::take(&mut self.ids);
        let (mut drafts, sequence) = (std::mem::take(&mut self.drafts), self.sequence.clone());
        let submitted = match drafts.pop_if(|_| ids.len() == 1 && self.replies.in_flight() == 0) {
            Some(post) => self.committer.append_single(account.id(), account.share(), post, sequence).await,
            None => self.committer.append(account.id(), account.share(), drafts, sequence).await,
        };
        match submitted {
            Ok(result) => self.replies.push(SubmittedBatch { ids, submitted: Instant::now(), result }),
            Err(error) => self.decline(ids, &error),
        }
    }

    /// Answers a batch, and every later one that is also ready, so that they leave in one write.
    pub(super) fn answer(&mut self, result: CommitResult) {
        let mut next = Some(result);
        while let Some(result) = next {
            let Some((ids, submitted)) = self.replies.pop() else { return };
            match result {
                Ok(appended) => {
                    self.context.meters.confirmations.observe(submitted.elapsed(), ids.len() as u64);
                    self.confirm(ids, appended);
                }
                Err(error) => self.decline(ids, &error),
            }
            next = self.replies.next_ready();
        }
        self.replies.release(&mut self.connection);
    }

    fn confirm(&mut self, ids: Vec<Option<PostId>>, appended: Vec<Appended>) {
        for (id, appended) in ids.into_iter().zip(appended) {
            match (id, appended) {
                (None, _) if self.ending == Some(WriterEnding::Unanswerable) => {}
                (None, _) => self.replies.hold_confirmation(),
                (Some(id), Appended::Fresh { seq, .. } | Appended::Repeated { seq }) => {
                    if let Some(position) = self.context.position(seq) {
                        self.send(WriterServerCommand::Stored { id, position });
                    }
                }
                (Some(_), Appended::Account(_) | Appended::Action { .. }) => {}
            }
        }
    }

    fn decline(&mut self, ids: Vec<Option<PostId>>, error: &CommitError) {
        let code = match error {
            CommitError::Storage(source) if matches!(**source, JournalError::LogAway) => DeclineCode::Unavailable,
            CommitError::Storage(_) | CommitError::NameTaken => DeclineCode::Storage,
            CommitError::Closed => DeclineCode::Draining,
            CommitError::Revoked => DeclineCode::Revoked,
            // Any answer could be wrong, so there is none: the writer repeats the posts when it connects again.
            CommitError::Uncertain => {
                self.ending = Some(WriterEnding::Unanswerable);
                return;
            }
        };
        for id in ids {
            match id {
                Some(id) if code == DeclineCode::Revoked => self.send_decline(id, code.clone(), None, None),
                Some(id) => self.put_off(id, code.clone(), STORAGE_RETRY),
                None => {
                    self.context.meters.declined.of(&code).one();
                    if self.ending != Some(WriterEnding::Over) {
                        self.ending = Some(WriterEnding::Unanswerable);
                    }
                }
            }
        }
    }
}
