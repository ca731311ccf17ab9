//! The thread that owns the journal. It stores everything that waits in one transaction, publishes it to the shared
//! log, and then answers. So a confirmation means stored, and no listener sees a message that a crash could remove.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::answers::{check, done, stored};
use super::failure_log::CommitFailureLog;
use super::queue::{CommitQueue, CommitRequest, GatherLimits, Maintenance};
use crate::action::{AccountId, ActionRecord, OperatorAction};
#[cfg(feature = "sqlite")]
use crate::entry::AccountRecord;
use crate::entry::{Appended, Draft};
use crate::error::{CommitError, JournalError};
use crate::hooks::Hooks;
use crate::journal::Journal;
use crate::live_limits::LiveLimits;
use crate::log::SharedLog;
use crate::meters::Meters;
use crate::rate_limited_log::RateLimitedLog;
use crate::retention::MESSAGE_BYTES;

/// Resolves when everything is stored and the journal is closed, or when the journal has failed for good.
pub(crate) type JournalEnd = oneshot::Receiver<Result<(), JournalError>>;

/// How long the last transaction may have taken when one is made on a thread of the runtime.
const QUICK: Duration = Duration::from_millis(1);

/// Starts a task in place of the thread.
pub(super) fn start_task<J: Journal>(mut owner: JournalOwner<J>, mut wake: mpsc::Receiver<()>) -> JournalEnd {
    let (ended, end) = oneshot::channel();
    tokio::spawn(async move {
        let result = loop {
            let open = if owner.expiring {
                tokio::task::yield_now().await;
                wake.try_recv() != Err(TryRecvError::Disconnected)
            } else {
                wake.recv().await.is_some()
            };
            if !open {
                break owner.close();
            }
            if let Err(error) = owner.serve() {
                break Err(error);
            }
        };
        let _ = ended.send(result);
    });
    end
}

/// Applies stored actions to the state of the server, in the order of the journal.
pub(crate) type ActionEffects = Box<dyn Fn(&ActionRecord) + Send>;

/// Adds accounts to the state of the server, in the order of the log.
#[cfg(feature = "sqlite")]
pub(crate) type AccountEffects = Box<dyn Fn(AccountRecord) + Send>;

/// The parts of the server that a transaction concerns.
pub(crate) struct CommitterParts {
    pub(crate) log: Arc<SharedLog>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) hooks: Option<Hooks>,
    pub(crate) effects: ActionEffects,
    /// Notes an account that another node has registered.
    #[cfg(feature = "sqlite")]
    pub(crate) registered: AccountEffects,
    /// Charges an account for a post that another node has accepted.
    #[cfg(feature = "sqlite")]
    pub(crate) posted: Box<dyn Fn(AccountId) + Send>,
    pub(crate) limits: Arc<LiveLimits>,
}

/// The journal with everything that a transaction needs.
pub(super) struct JournalOwner<J> {
    journal: J,
    queue: Arc<Mutex<CommitQueue>>,
    log: Arc<SharedLog>,
    meters: Arc<Meters>,
    hooks: Option<Hooks>,
    effects: ActionEffects,
    failures: CommitFailureLog,
    batch: Vec<CommitRequest>,
    drafts: Vec<Draft>,
    /// Accounts that were revoked since the start. What their sessions had queued before is not stored any more, so that
    /// nothing of an account follows its revocation in the log.
    barred: HashSet<AccountId>,
    limits: Arc<LiveLimits>,
    /// Old messages may remain to be removed.
    pub(super) expiring: bool,
    /// No message is removed any more, because the end should not wait for it.
    closing: bool,
    /// The last transaction took less than [`QUICK`].
    quick: bool,
    /// The error that ended the journal while a session had it, until its thread knows.
    failed: Option<JournalError>,
}

impl<J: Journal> JournalOwner<J> {
    pub(super) fn new(journal: J, queue: Arc<Mutex<CommitQueue>>, parts: CommitterParts) -> Self {
        let failures = CommitFailureLog::default();
        let (batch, drafts, barred) = (Vec::new(), Vec::new(), HashSet::new());
        let CommitterParts { log, meters, hooks, effects, limits, .. } = parts;
        Self {
            journal,
            queue,
            log,
            meters,
            hooks,
            effects,
            failures,
            batch,
            drafts,
            barred,
            limits,
            expiring: false,
            closing: false,
            quick: false,
            failed: None,
        }
    }

    /// Serves all waiting requests.
    ///
    /// # Errors
    /// The journal panicked or broke its contract. The queue is then closed, so that no session waits for an answer.
    pub(super) fn serve(&mut self) -> Result<(), JournalError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.guarded(|this| {
            while this.serve_some()? {}
            // Returns with the rest, so that the end of the server is noticed.
            this.expire(0)
        })
    }

    /// Makes one transaction of what waits. Returns false if nothing did.
    fn serve_some(&mut self) -> Result<bool, JournalError> {
        // A separate statement, so that the lock is released before the journal works.
        let waiting = self.lock().take_maintenance();
        for maintenance in waiting {
            self.maintain(maintenance)?;
        }
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.gather(&mut self.batch, GatherLimits::TRANSACTION);
        drop(queue);
        if self.batch.is_empty() {
            return Ok(false);
        }
        let added = self.commit()?;
        self.expiring = true;
        self.expire(added)?;
        Ok(true)
    }

    /// Returns whether a single post waits whose transaction is likely to be short: other connections may wait meanwhile.
    pub(super) fn may_commit_single(&self) -> bool {
        // Hooks may take any time.
        self.quick && self.failed.is_none() && self.hooks.is_none() && self.lock().is_single_post()
    }

    /// Makes the transaction of a single post on the thread of its session. Returns false if the thread of the journal has
    /// something to do.
    pub(super) fn commit_single(&mut self) -> bool {
        self.failed = self.guarded(|this| this.serve_some().map(drop)).err();
        self.failed.is_none() && !self.expiring && self.lock().is_empty()
    }

    /// Removes old messages, if any are due, in steps until they had half as many bytes again as were added: a flood must
    /// not outgrow the bound. At least one step, so that the rest is removed while nothing is posted.
    ///
    /// # Errors
    /// An error after which nothing can be stored.
    fn expire(&mut self, added: u64) -> Result<(), JournalError> {
        let keep = self.limits.load().keep;
        let mut freed = 0;
        while self.expiring && !self.closing {
            self.expiring = false;
            match self.journal.expire(&keep) {
                Ok(step) => {
                    self.expiring = step.more;
                    freed += step.bytes;
                    if step.removed > 0 {
                        self.meters.expired(step.removed, self.journal.reader().oldest());
                    }
                }
                Err(error) if error.ends_the_journal() => return Err(error),
                // Tried again after the next transaction, or in a second.
                Err(error) => RateLimitedLog::NotExpired.log_error(&error),
            }
            if freed >= added + added / 2 {
                break;
            }
        }
        Ok(())
    }

    /// Stores the waiting requests, and closes the journal.
    pub(super) fn close(&mut self) -> Result<(), JournalError> {
        self.closing = true;
        self.serve()?;
        self.guarded(|this| this.journal.close())
    }

    /// Calls the journal, which may be foreign code. A panic leaves its state unknown, so it is not called again.
    fn guarded(&mut self, run: impl FnOnce(&mut Self) -> Result<(), JournalError>) -> Result<(), JournalError> {
        let (queue, meters) = (Arc::clone(&self.queue), Arc::clone(&self.meters));
        guarded(self, &queue, &meters, run).inspect_err(|_| self.batch.clear())
    }

    fn lock(&self) -> MutexGuard<'_, CommitQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn maintain(&mut self, Maintenance { probe, revoked }: Maintenance) -> Result<(), JournalError> {
        if probe {
            let probed = self.journal.probe();
            self.meters.store_works(probed.is_ok());
            match probed {
                Err(error) if error.ends_the_journal() => return Err(error),
                Err(error) => self.failures.failed(&error),
                Ok(()) => {}
            }
        }
        let found = self.journal.revoked_elsewhere().unwrap_or_else(|error| {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not read revoked accounts");
            Vec::new()
        });
        self.expiring = true;
        match self.journal.tidy() {
            Err(error) if error.ends_the_journal() => return Err(error),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "could not erase removed texts completely");
            }
            Ok(()) => {}
        }
        self.barred.extend(&found);
        let _ = revoked.send(found);
        Ok(())
    }

    /// Refuses the posts of accounts that are revoked, also by an earlier request of the same transaction.
    fn refuse_barred(&mut self) {
        let is_action = |draft: &Draft| matches!(draft, Draft::Action(_));
        let acts = self.batch.iter().flat_map(|request| &request.drafts).any(is_action);
        if !acts && self.barred.is_empty() {
            return;
        }
        // Not in `self.barred`, because the transaction may fail.
        let mut barred = self.barred.clone();
        let is_allowed = |request: &CommitRequest| {
            for draft in &request.drafts {
                match draft {
                    Draft::Post { author, .. } if barred.contains(&author.id) => return false,
                    Draft::Action(action) => note_barred(&mut barred, &action.action),
                    _ => {}
                }
            }
            true
        };
        let (allowed, refused) = std::mem::take(&mut self.batch).into_iter().partition(is_allowed);
        self.batch = allowed;
        Vec::into_iter(refused).for_each(CommitRequest::revoke);
    }

    /// Makes one transaction of the gathered requests. Returns about how many bytes it has added.
    fn commit(&mut self) -> Result<u64, JournalError> {
        // A request after a failed one of its sequence would overtake it.
        if self.batch.iter().any(CommitRequest::is_broken) {
            let (broken, rest) = std::mem::take(&mut self.batch).into_iter().partition(CommitRequest::is_broken);
            self.batch = rest;
            Vec::into_iter(broken).for_each(CommitRequest::refuse);
        }
        self.refuse_barred();
        let Self { journal, log, meters, hooks, effects, failures, batch, drafts, barred, quick, .. } = self;
        if batch.is_empty() {
            return Ok(0);
        }
        let mut added = 0;
        let counts: Vec<usize> = batch.iter().map(|request| request.drafts.len()).collect();
        batch.iter_mut().for_each(|request| drafts.append(&mut request.drafts));
        let (began, before) = (Instant::now(), log.last());
        match journal.append(drafts) {
            Ok(appended) => {
                check(drafts, &appended, before)?;
                failures.stored();
                let took = began.elapsed();
                meters.committed(took);
                *quick = took < QUICK;
                let repeated = appended.iter().filter(|one| matches!(one, Appended::Repeated { .. })).count();
                meters.repeated.add(repeated as u64);
                let actions: Vec<_> = drafts.iter().zip(&appended).filter_map(done(journal.head())).collect();
                let fresh: Vec<_> = drafts.drain(..).zip(&appended).filter_map(stored).collect();
                meters.stored.add(fresh.len() as u64);
                let texts = fresh.iter().map(|message| message.text.as_str().len() + message.nickname.as_str().len());
                added = texts.map(|text| text as u64 + MESSAGE_BYTES).sum();
                // Published before it is answered: when a writer receives its confirmation, its message is in every
                // listener's log.
                log.publish(&fresh);
                // After the messages, because an action may remove one of them, and before the answer, so that an
                // operator sees its effect.
                actions.iter().for_each(effects);
                actions.iter().for_each(|record| note_barred(barred, &record.draft.action));
                if let Some(hooks) = hooks {
                    fresh.iter().for_each(|message| hooks.stored(message));
                }
                let mut appended = appended.into_iter();
                for (request, count) in batch.drain(..).zip(counts) {
                    request.reply.send(Ok(appended.by_ref().take(count).collect()));
                }
            }
            // What was written may or may not be there after the next start, so these posts get no answer.
            Err(error) if error.ends_the_journal() => {
                meters.commit_failed();
                batch.drain(..).for_each(|request| request.reply.send(Err(CommitError::Uncertain)));
                return Err(error);
            }
            Err(error) => {
                meters.commit_failed();
                failures.failed(&error);
                drafts.clear();
                let error = Arc::new(error);
                batch.drain(..).for_each(|request| request.fail(&error));
            }
        }
        Ok(added)
    }
}

/// Calls a journal of `owner`. After a panic or an error the queue is closed, so that no session waits for an answer.
pub(super) fn guarded<O>(
    owner: &mut O,
    queue: &Mutex<CommitQueue>,
    meters: &Meters,
    run: impl FnOnce(&mut O) -> Result<(), JournalError>,
) -> Result<(), JournalError> {
    let result =
        catch_unwind(AssertUnwindSafe(|| run(owner))).unwrap_or(Err(JournalError::Broken { reason: "it panicked" }));
    if let Err(error) = &result {
        meters.journal_broken();
        queue.lock().unwrap_or_else(PoisonError::into_inner).close();
        tracing::error!(error = error as &dyn std::error::Error, "the journal has ended");
    }
    result
}

/// Notes what an action means for the posts of its account that come after it.
fn note_barred(barred: &mut HashSet<AccountId>, action: &OperatorAction) {
    match action {
        OperatorAction::Revoke { account, .. } | OperatorAction::Erase { account } => drop(barred.insert(*account)),
        OperatorAction::Restore { account, .. } => drop(barred.remove(account)),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
