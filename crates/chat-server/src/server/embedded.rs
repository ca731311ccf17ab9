//! A server without ports: the embedding program provides the streams.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

use super::maintenance::{Ends, watch_journal};
use crate::action::ActionDraft;
use crate::admission::Admission;
use crate::committer::Committer;
use crate::config::ServerConfig;
use crate::entry::{Draft, SERVER_ACCOUNT};
use crate::error::{CommitError, JournalError, StartError};
use crate::journal::Journal;
use crate::meters::{Observer, Port};
use crate::session::{ListenerSession, SessionContext, ShutdownSignal, WriterSession};

/// A server without ports, for programs that accept connections themselves and for simulations in virtual time. It
/// ignores the addresses of its configuration, and does not look for accounts that another process revokes. For a
/// journal that never waits it starts no thread.
///
/// Each connection is a future, which the caller spawns; dropping the future closes the connection.
///
/// ```
/// use std::net::{IpAddr, Ipv4Addr};
///
/// use chat_server::{EmbeddedServer, MemoryJournal, ServerConfig};
/// use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// let server = EmbeddedServer::start(ServerConfig::default(), MemoryJournal::new())?;
/// let (listener, stream) = duplex(1024);
/// tokio::spawn(server.serve_listener(stream, peer));
/// let (mut writer, stream) = duplex(1024);
/// tokio::spawn(server.serve_writer(stream, peer));
///
/// writer.write_all(b"\nBob\nhello\n\n").await?;
/// let mut line = String::new();
/// BufReader::new(listener).read_line(&mut line).await?;
/// assert!(line.ends_with(" Bob: hello\n"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct EmbeddedServer {
    context: Arc<SessionContext>,
    committer: Committer,
    admission: Arc<Admission>,
    signal: ShutdownSignal,
    drain: watch::Sender<bool>,
    ends: Ends,
}

impl EmbeddedServer {
    /// Reads accounts and the end of the log from the journal, which blocks as long as the journal does, and starts.
    ///
    /// # Errors
    /// [`StartError`] when the journal cannot be read.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start<J: Journal>(config: ServerConfig, mut journal: J) -> Result<Self, StartError> {
        let context = Arc::new(SessionContext::load(config, &mut journal)?);
        let (parts, meters) = (context.committer_parts(), Arc::clone(&context.meters));
        let (committer, journal_end) = if context.reader_waits() {
            Committer::start(journal, parts).map_err(|error| StartError::Thread(error.into()))?
        } else {
            Committer::start_task(journal, parts)
        };
        let admission = Admission::new(Arc::clone(&context.limits), meters);
        let (drain, draining) = watch::channel(false);
        let signal = ShutdownSignal { drain: draining, revoked: context.moderation.watch_accounts() };
        let (all, log) = (drain.clone(), Arc::clone(&context.log));
        let ends = watch_journal(journal_end, move || {
            all.send_replace(true);
            log.close();
        });
        Ok(Self { context, committer, admission, signal, drain, ends })
    }

    /// Serves one connection of a writer. Limits of addresses count it for `peer`.
    pub fn serve_writer<IO>(&self, io: IO, peer: IpAddr) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (context, committer, signal) = (Arc::clone(&self.context), self.committer.clone(), self.signal.clone());
        let permit = self.admission.admit(peer, Port::Write);
        async move {
            if let Some(permit) = permit {
                WriterSession::new(context, committer, signal, permit, io).run().await;
            }
        }
    }

    /// Serves one connection of a listener, from the current end of the log on. Limits of addresses count it for `peer`.
    pub fn serve_listener<IO>(&self, io: IO, peer: IpAddr) -> impl Future<Output = ()> + Send + use<IO>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut session = ListenerSession::new(Arc::clone(&self.context), peer, io);
        let permit = self.admission.admit(peer, Port::Listen);
        async move {
            if permit.is_some()
                && let Err(exit) = session.run().await
            {
                exit.log(peer);
            }
        }
    }

    /// Returns a view of the server's figures and readiness, which outlives the server.
    #[must_use]
    pub fn observer(&self) -> Observer {
        let (meters, log) = (Arc::clone(&self.context.meters), Arc::clone(&self.context.log));
        Observer::new(meters, log, self.drain.subscribe())
    }

    /// Stores an action of an operator, which takes effect at the same time. It is not checked. The future holds the
    /// journal open.
    ///
    /// # Errors
    /// [`JournalError`] when it could not be stored.
    #[doc(hidden)]
    pub fn act(&self, draft: ActionDraft) -> impl Future<Output = Result<(), JournalError>> + Send + use<> {
        let committer = self.committer.clone();
        async move {
            match committer.append_one(SERVER_ACCOUNT, Draft::Action(draft)).await {
                Ok(_) => Ok(()),
                Err(CommitError::Storage(error)) => Err(JournalError::other(error)),
                Err(CommitError::Closed | CommitError::Revoked | CommitError::NameTaken | CommitError::Uncertain) => {
                    Err(JournalError::Broken { reason: "it is closed" })
                }
            }
        }
    }

    /// Drains the server: answers the posts that have arrived, closes the connections of writers, closes the journal,
    /// and then the connections of listeners. Waits for as long as the caller's futures keep connections open.
    ///
    /// # Errors
    /// [`JournalError`] when the journal could not be closed cleanly or has failed before.
    ///
    /// # Cancel safety
    /// If the future is dropped, connections end on their own.
    pub async fn drain(self) -> Result<(), JournalError> {
        let Self { context, committer, drain, ends, .. } = self;
        drain.send_replace(true);
        // The last session drops the last handle, which ends the journal.
        drop(committer);
        let result = ends.result.await.unwrap_or(Ok(()));
        context.log.close();
        result
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream};
    use tokio::time::timeout;

    use super::*;
    use crate::journal::MemoryJournal;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test(start_paused = true)]
    async fn serves_streams_in_virtual_time() {
        let room = EmbeddedServer::start(ServerConfig::default(), MemoryJournal::new()).unwrap();
        let (listener, io) = tokio::io::duplex(1024);
        tokio::spawn(room.serve_listener(io, HERE));
        let (mut writer, io) = tokio::io::duplex(1024);
        tokio::spawn(room.serve_writer(io, HERE));
        writer.write_all(b"\nBob\nhello\n\n").await.unwrap();
        let mut heard = String::new();
        BufReader::new(listener).read_line(&mut heard).await.unwrap();
        assert!(heard.ends_with("Bob: hello\n"), "{heard}");
    }

    /// Starts a writer that has registered an account.
    async fn writer(room: &EmbeddedServer) -> BufReader<DuplexStream> {
        let (mut writer, io) = tokio::io::duplex(1024);
        tokio::spawn(room.serve_writer(io, HERE));
        writer.write_all(b"\nBob\n").await.unwrap();
        let mut writer = BufReader::new(writer);
        for _ in 0..4 {
            writer.read_line(&mut String::new()).await.unwrap();
        }
        writer
    }

    #[tokio::test(start_paused = true)]
    async fn closes_after_half_an_extension_line() {
        let room = EmbeddedServer::start(ServerConfig::default(), MemoryJournal::new()).unwrap();
        let (mut half, mut whole) = (writer(&room).await, writer(&room).await);
        half.write_all(b"\x01{\"id\": \"a\", \"text\": \"").await.unwrap();
        // A person may type a plain line for as long as it takes, and a whole line leaves no deadline behind.
        whole.write_all(b"\x01{\"id\": \"a\", \"text\": \"b\"}\nhel").await.unwrap();
        let mut rest = String::new();
        let ended = timeout(Duration::from_secs(3_600), half.read_to_string(&mut rest)).await;
        assert!(ended.is_ok(), "it is still served");
        assert_eq!(rest, "");
        whole.write_all(b"lo\n\n").await.unwrap();
        let mut answers = [String::new(), String::new()];
        for answer in &mut answers {
            whole.read_line(answer).await.unwrap();
        }
        assert!(answers[0].contains("\"ok\": \"a\"") && answers[1].starts_with("Message send."), "{answers:?}");
    }
}
