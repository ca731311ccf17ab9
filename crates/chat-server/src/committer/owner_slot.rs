//! Where the owner of the journal is while no transaction runs. Its thread takes it for what waits, and a session for a
//! single post whose writer waits for it: handing a post to another thread and its answer back takes about as long as
//! the disk.

use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::slow_commit_watch::SlowCommitWatch;
use super::thread::{JournalEnd, JournalOwner};
use crate::error::JournalError;
use crate::journal::Journal;

/// The owner of the journal, until its thread has ended.
pub(super) struct OwnerSlot<J> {
    owner: Mutex<Option<JournalOwner<J>>>,
    watch: SlowCommitWatch,
}

/// A slot whose journal is of any kind.
pub(super) trait CommitInPlace: Send + Sync {
    /// Stores a post that waits alone on this thread. Returns false if the thread of the journal has to be woken: the owner
    /// is in use, more waits, or the last transaction was slow.
    fn commit_in_place(&self) -> bool;
}

impl<J: Journal> OwnerSlot<J> {
    pub(super) fn new(owner: JournalOwner<J>, watch: SlowCommitWatch) -> Self {
        Self { owner: Mutex::new(Some(owner)), watch }
    }

    /// Runs `work` with the owner, after a transaction that runs in place.
    ///
    /// # Errors
    /// Those of `work`, and [`JournalError::Broken`] after the owner was removed.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&mut JournalOwner<J>) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let mut slot = self.owner.lock().unwrap_or_else(PoisonError::into_inner);
        slot.as_mut().map_or(Err(JournalError::Broken { reason: "it has ended" }), work)
    }

    /// Drops the owner and with it the journal.
    pub(super) fn clear(&self) {
        self.watch.end();
        drop(self.owner.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// Starts the thread.
pub(super) fn start<J: Journal>(slot: Arc<OwnerSlot<J>>, mut wake: mpsc::Receiver<()>) -> io::Result<JournalEnd> {
    let (ended, end) = oneshot::channel();
    thread::Builder::new().name("chat-journal".into()).spawn(move || {
        let mut expiring = false;
        let result = loop {
            // While old messages remain to be removed, there is work without a wake.
            let open = if expiring {
                wake.try_recv() != Err(TryRecvError::Disconnected)
            } else {
                wake.blocking_recv().is_some()
            };
            if !open {
                break slot.with(JournalOwner::close);
            }
            let served = slot.with(|owner| {
                owner.serve()?;
                Ok(owner.expiring)
            });
            match served {
                Ok(rest) => expiring = rest,
                Err(error) => break Err(error),
            }
        };
        // The journal is dropped before its end is reported, so that its files are free for the next server.
        slot.clear();
        // An error means that the server was dropped.
        let _ = ended.send(result);
    })?;
    Ok(end)
}

impl<J: Journal> CommitInPlace for OwnerSlot<J> {
    fn commit_in_place(&self) -> bool {
        let Ok(mut slot) = self.owner.try_lock() else { return false };
        let Some(owner) = slot.as_mut().filter(|owner| owner.may_commit_single()) else { return false };
        self.watch.during(|| owner.commit_single())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::sync::{Arc, Mutex, mpsc};
    use std::thread;
    use std::time::{Duration, Instant};

    use chat_proto::{Nickname, Seq, Text};
    use tokio::io::AsyncReadExt as _;

    use crate::action::AccountId;
    use crate::committer::{AccountShare, Committer, CommitterParts, JournalEnd, PostSequence};
    use crate::entry::{AccountRecord, Appended, Author, Draft, LogStream};
    use crate::error::JournalError;
    use crate::hooks::{Hooks, ServerHooks};
    use crate::journal::{Journal, JournalReader, MemoryJournal};
    use crate::limits::Limits;
    use crate::live_limits::LiveLimits;
    use crate::log::SharedLog;

    const ACCOUNT: AccountId = 1;

    /// A journal that takes its time, fails from a message on, and notes which threads use it.
    struct Watched {
        inner: MemoryJournal,
        takes: Duration,
        fails_at: Seq,
        /// Called with the number of messages before each transaction.
        before: Box<dyn FnMut(Seq) + Send>,
        threads: Arc<Mutex<Vec<String>>>,
    }

    impl Journal for Watched {
        fn streams(&self) -> &[LogStream] {
            self.inner.streams()
        }

        fn head(&self) -> Seq {
            self.inner.head()
        }

        fn accounts(&mut self) -> Result<Vec<AccountRecord>, JournalError> {
            self.inner.accounts()
        }

        fn append(&mut self, drafts: &[Draft]) -> Result<Vec<Appended>, JournalError> {
            self.threads.lock().unwrap().push(thread::current().name().unwrap_or_default().to_owned());
            (self.before)(self.inner.head());
            let begun = Instant::now();
            while begun.elapsed() < self.takes {
                thread::yield_now();
            }
            if self.head() >= self.fails_at {
                return Err(JournalError::SyncFailed);
            }
            self.inner.append(drafts)
        }

        fn reader(&self) -> Arc<dyn JournalReader> {
            self.inner.reader()
        }

        fn probe(&mut self) -> Result<(), JournalError> {
            self.inner.probe()
        }
    }

    /// Hooks that do nothing.
    struct NoHooks;

    impl ServerHooks for NoHooks {}

    /// What a test observes of a journal.
    struct Observed {
        committer: Committer,
        end: JournalEnd,
        threads: Arc<Mutex<Vec<String>>>,
    }

    fn start(takes: Duration, fails_at: Seq, hooks: Option<Hooks>) -> Observed {
        start_with(takes, fails_at, hooks, |_| {})
    }

    fn start_with(
        takes: Duration,
        fails_at: Seq,
        hooks: Option<Hooks>,
        before: impl FnMut(Seq) + Send + 'static,
    ) -> Observed {
        let (threads, before) = (Arc::default(), Box::new(before));
        let journal = Watched { inner: MemoryJournal::new(), takes, fails_at, before, threads: Arc::clone(&threads) };
        let parts = CommitterParts {
            log: Arc::new(SharedLog::new(0, 1 << 20)),
            meters: Arc::default(),
            hooks,
            effects: Box::new(|_| {}),
            #[cfg(feature = "sqlite")]
            registered: Box::new(|_| {}),
            posted: Box::new(|_| {}),
            limits: LiveLimits::new(Limits::default()),
        };
        let (committer, end) = Committer::start(journal, parts).unwrap();
        Observed { committer, end, threads }
    }

    /// Posts one message after another, and returns how many were stored.
    async fn post(committer: &Committer, count: usize) -> usize {
        let author = Arc::new(Author { id: ACCOUNT, nickname: Nickname::new("Keen Bob").unwrap() });
        let share = AccountShare::default();
        let mut stored = 0;
        for _ in 0..count {
            let post = Draft::Post { author: Arc::clone(&author), id: None, text: Text::new("x").unwrap() };
            let result = committer.append_single(ACCOUNT, &share, post, PostSequence::default()).await;
            let Ok(result) = result else { break };
            stored += usize::from(matches!(result.await, Ok(Ok(_))));
        }
        stored
    }

    fn on_journal_thread(observed: &Observed) -> usize {
        observed.threads.lock().unwrap().iter().filter(|name| *name == "chat-journal").count()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn stores_on_the_thread_of_the_session() {
        let observed = start(Duration::ZERO, Seq::MAX, None);
        let in_place = async {
            // The first one shows that the journal is quick. The thread may still be busy with the end of the one before.
            while on_journal_thread(&observed) == observed.threads.lock().unwrap().len() {
                assert_eq!(post(&observed.committer, 1).await, 1);
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), in_place).await.unwrap();
        assert!(on_journal_thread(&observed) > 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_slow_disk_has_its_thread() {
        let observed = start(Duration::from_millis(1), Seq::MAX, None);
        assert_eq!((post(&observed.committer, 10).await, on_journal_thread(&observed)), (10, 10));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn hooks_have_the_thread() {
        let observed = start(Duration::ZERO, Seq::MAX, Some(Hooks::new(NoHooks)));
        assert_eq!((post(&observed.committer, 10).await, on_journal_thread(&observed)), (10, 10));
    }

    #[tokio::test]
    async fn a_single_thread_never_waits_for_the_disk() {
        let observed = start(Duration::ZERO, Seq::MAX, None);
        assert_eq!((post(&observed.committer, 10).await, on_journal_thread(&observed)), (10, 10));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_end_is_reported_by_the_thread() {
        let observed = start(Duration::ZERO, 20, None);
        assert_eq!(post(&observed.committer, 30).await, 20);
        let ended = tokio::time::timeout(Duration::from_secs(30), observed.end).await.unwrap();
        assert!(matches!(ended, Ok(Err(JournalError::SyncFailed))), "{ended:?}");
    }

    /// A transaction in place waits until a task has read from a socket, which only a worker that looks for input can run.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn others_are_served_while_the_disk_stalls() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut ours = TcpStream::connect(port.local_addr().unwrap()).unwrap();
        let theirs = port.accept().unwrap().0;
        theirs.set_nonblocking(true).unwrap();
        let mut theirs = tokio::net::TcpStream::from_std(theirs).unwrap();
        let (served, answer) = mpsc::channel();
        let mut stalls = 0;
        let observed = start_with(Duration::ZERO, Seq::MAX, None, move |_| {
            if thread::current().name() != Some("chat-journal") && stalls < 3 {
                stalls += 1;
                ours.write_all(b"x").unwrap();
                answer.recv_timeout(Duration::from_secs(30)).expect("no worker looks for input");
            }
        });
        tokio::spawn(async move {
            while theirs.read_u8().await.is_ok() {
                let _ = served.send(());
            }
        });
        // On a worker: the thread of a test is none.
        let posts = tokio::spawn(async move {
            while on_journal_thread(&observed) + 3 > observed.threads.lock().unwrap().len() {
                assert_eq!(post(&observed.committer, 1).await, 1);
                tokio::task::yield_now().await;
            }
        });
        tokio::time::timeout(Duration::from_secs(120), posts).await.unwrap().unwrap();
    }
}
