//! What becomes of a writer's posts: taken or declined, handed to the store, answered.

use std::sync::Arc;
use std::time::Duration;

use chat_proto::{DeclineCode, PostId, Text, WriterServerCommand};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::answers::Flight;
use super::hold::Hold;
use super::{Ending, WriterSession};
use crate::committer::{Chain, Outcome};
use crate::entry::{Appended, Draft};
use crate::error::CommitError;
use crate::notice::Notice;
use crate::rate::Overdrawn;

/// When a client shall try again what the store could not take.
const STORAGE_RETRY: Duration = Duration::from_secs(1);

impl<IO: AsyncRead + AsyncWrite + Unpin> WriterSession<IO> {
    pub(super) fn post(&mut self, id: Option<PostId>, text: Text) {
        let Some(member) = &self.member else { return };
        let declined = match self.ending {
            Some(Ending::Draining) => Some((DeclineCode::Draining, Some(STORAGE_RETRY))),
            Some(Ending::Unanswerable) => Some((DeclineCode::Storage, Some(STORAGE_RETRY))),
            _ if member.is_revoked() => Some((DeclineCode::Revoked, None)),
            _ => None,
        };
        let declined = declined.or_else(|| self.held(id.as_ref()?));
        let Some(member) = &self.member else { return };
        match (declined, id) {
            (Some((code, retry_after)), Some(id)) => self.say_no(id, code, retry_after),
            // Not confirmed: that is all that the plain protocol can say.
            (Some((code, _)), None) => {
                self.count_no(&code);
                self.ending.get_or_insert(Ending::Revoked);
            }
            (None, id) => {
                let (rate, now) = (self.shared.config.limits.posts, Instant::now());
                match (rate, &id) {
                    (Some(rate), Some(id)) => {
                        if let Err(wait) = member.take_post(rate, now.into_std()) {
                            return self.put_off(id.clone(), DeclineCode::Rate, wait);
                        }
                    }
                    (Some(rate), None) => match member.overdraw_post(rate, now.into_std()) {
                        Ok(pause) => self.pause = pause.map(|wait| now + wait),
                        // Others have posted in advance in this account's name. Not taken, not confirmed.
                        Err(Overdrawn) => {
                            self.count_no(&DeclineCode::Rate);
                            self.ending.get_or_insert(Ending::Unanswerable);
                            return;
                        }
                    },
                    (None, _) => {}
                }
                self.draft_bytes += text.as_str().len();
                self.drafts.push(Draft::Post { author: Arc::clone(&member.author), id: id.clone(), text });
                self.ids.push(id);
            }
        }
    }

    /// What to answer a post that comes behind one that was put off.
    fn held(&mut self, id: &PostId) -> Option<(DeclineCode, Option<Duration>)> {
        let hold = self.hold.as_mut()?;
        if hold.knows(id) {
            self.hold = None;
            self.chain = Chain::default();
            return None;
        }
        Some(hold.put_off(id))
    }

    /// Declines a post that shall come again later, and all that was written behind it.
    fn put_off(&mut self, id: PostId, code: DeclineCode, wait: Duration) {
        let retry_after = Some(wait);
        match &mut self.hold {
            Some(hold) => drop(hold.put_off(&id)),
            None => {
                let limit = self.shared.config.limits.posts_in_flight;
                self.hold = Some(Hold::new(id.clone(), code.clone(), retry_after, limit));
            }
        }
        self.say_no(id, code, retry_after);
    }

    fn say_no(&mut self, id: PostId, code: DeclineCode, retry_after: Option<Duration>) {
        self.count_no(&code);
        self.say(WriterServerCommand::Decline { id, code, retry_after });
    }

    fn count_no(&self, code: &DeclineCode) {
        self.shared.meters.declined.of(code).one();
        match code {
            DeclineCode::Rate => Notice::PostPutOff.tell(),
            DeclineCode::Revoked => Notice::RevokedRefused.tell(),
            _ => {}
        }
    }

    pub(super) async fn submit(&mut self) {
        if self.drafts.is_empty() {
            return;
        }
        self.draft_bytes = 0;
        let ids = std::mem::take(&mut self.ids);
        match self.committer.append(std::mem::take(&mut self.drafts), self.chain.clone()).await {
            Ok(outcome) => self.answers.expect(Flight { ids, outcome }),
            Err(error) => self.decline(ids, &error),
        }
    }

    /// Answers a batch, and every later one that is ready too, so that they leave in one write.
    pub(super) fn answer(&mut self, outcome: Outcome) {
        let mut next = Some(outcome);
        while let Some(outcome) = next {
            let Some(ids) = self.answers.landed() else { return };
            match outcome {
                Ok(appended) => self.confirm(ids, appended),
                Err(error) => self.decline(ids, &error),
            }
            next = self.answers.next_ready();
        }
        self.answers.release(&mut self.connection);
    }

    fn confirm(&mut self, ids: Vec<Option<PostId>>, appended: Vec<Appended>) {
        for (id, appended) in ids.into_iter().zip(appended) {
            match (id, appended) {
                (None, _) if self.ending == Some(Ending::Unanswerable) => {}
                (None, _) => self.answers.hold_confirmation(),
                (Some(id), Appended::Fresh { seq, .. } | Appended::Repeated { seq }) => {
                    if let Some(position) = self.shared.position(seq) {
                        self.say(WriterServerCommand::Stored { id, position });
                    }
                }
                (Some(_), Appended::Account(_)) => {}
            }
        }
    }

    fn decline(&mut self, ids: Vec<Option<PostId>>, error: &CommitError) {
        let code = match error {
            CommitError::Storage(_) => DeclineCode::Storage,
            CommitError::Closed => DeclineCode::Draining,
        };
        for id in ids {
            match id {
                Some(id) => self.put_off(id, code.clone(), STORAGE_RETRY),
                None => {
                    self.shared.meters.declined.of(&code).one();
                    if self.ending != Some(Ending::Over) {
                        self.ending = Some(Ending::Unanswerable);
                    }
                }
            }
        }
    }
}
