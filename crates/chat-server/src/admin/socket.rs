//! The socket in the data directory over which an operator reaches the running server: one request, then its answer, each
//! as lines of JSON.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::execute::AdminHandle;
use super::request::{AdminCall, AdminError, AdminReply};

/// The name of the socket in the data directory.
pub const SOCKET: &str = "admin.sock";

/// How long the request may take to arrive: the command writes it at once.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// How long a part of the answer may take to be read.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// The longest request; an announcement has at most 16 KiB.
const LONGEST_REQUEST: u64 = 1024 * 1024;

/// Requests that are served at the same time.
const AT_ONCE: usize = 16;

/// One line of an answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AnswerLine {
    Reply(AdminReply),
    Failed(AdminError),
    Done,
}

/// The server's end of the socket.
#[derive(Debug)]
pub(crate) struct AdminSocket {
    listener: UnixListener,
    /// The user whose requests are accepted, besides root.
    owner: u32,
}

impl AdminSocket {
    /// Opens the socket in a locked data directory, in place of one that an earlier server has left.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let path = dir.join(SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&path)?;
        // The directory keeps other users out even before this.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let owner = std::os::unix::fs::MetadataExt::uid(&path.symlink_metadata()?);
        Ok(Self { listener, owner })
    }

    /// Serves requests until it is dropped.
    pub(crate) async fn serve(self, handle: AdminHandle) {
        let mut open = JoinSet::new();
        loop {
            // Both branches are cancel safe: an accepted connection is returned or stays in the kernel's queue.
            let accepted = tokio::select! {
                Some(_) = open.join_next(), if !open.is_empty() => continue,
                accepted = self.listener.accept(), if open.len() < AT_ONCE => accepted,
            };
            match accepted {
                Ok((stream, _)) if self.is_operator(&stream) => {
                    open.spawn(serve_one(stream, handle.clone()));
                }
                Ok(_) => tracing::warn!("refused a request of another user at the admin socket"),
                Err(error) => {
                    tracing::warn!(%error, "could not accept a request at the admin socket");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Returns true if the kernel says that the other end belongs to the owner of the server, or to root.
    fn is_operator(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|peer| peer.uid() == self.owner || peer.uid() == 0)
    }
}

async fn serve_one(stream: UnixStream, handle: AdminHandle) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(LONGEST_REQUEST));
    let read = timeout(REQUEST_WITHIN, reader.read_line(&mut line)).await;
    if !matches!(read, Ok(Ok(1..))) {
        return;
    }
    let answer = match serde_json::from_str::<AdminCall>(&line) {
        Ok(call) => handle.execute(call).await,
        Err(error) => Err(AdminError::Usage(format!("the server does not know this request: {error}"))),
    };
    let lines = match answer {
        Ok(replies) => replies.into_iter().map(AnswerLine::Reply).chain([AnswerLine::Done]).collect(),
        Err(error) => vec![AnswerLine::Failed(error)],
    };
    for line in lines {
        // Strings and numbers can always be serialized.
        let mut line = serde_json::to_vec(&line).unwrap_or_default();
        line.push(b'\n');
        if !matches!(timeout(ANSWER_WITHIN, write.write_all(&line)).await, Ok(Ok(()))) {
            return;
        }
    }
}

/// Returns whether a server accepts requests in a data directory.
#[must_use]
pub fn is_served(dir: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(dir.join(SOCKET)).is_ok()
}

/// Sends a request to the server of a data directory, and returns its answer. `None` if no server runs there.
///
/// # Errors
/// The inner one from the server; the outer one if the socket cannot be used.
pub async fn call(dir: &Path, call: &AdminCall) -> io::Result<Option<Result<Vec<AdminReply>, AdminError>>> {
    let stream = match UnixStream::connect(dir.join(SOCKET)).await {
        Ok(stream) => stream,
        // The last one: a path that is too long for a socket, so no server has opened one there.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused | io::ErrorKind::InvalidInput
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    // The server ended without reading the request, so it has not carried it out. With a request that it has read, the
    // stream just ends.
    let unread = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected)
    };
    let (read, mut write) = stream.into_split();
    let mut line = serde_json::to_vec(call)?;
    line.push(b'\n');
    match write.write_all(&line).await {
        Err(error) if unread(&error) => return Ok(None),
        sent => sent?,
    }
    let mut lines = BufReader::new(read).lines();
    let mut replies = Vec::new();
    loop {
        let line = match lines.next_line().await {
            Err(error) if unread(&error) && replies.is_empty() => return Ok(None),
            read => read?,
        };
        let Some(line) = line else { break };
        match serde_json::from_str(&line)? {
            AnswerLine::Reply(reply) => replies.push(reply),
            AnswerLine::Failed(error) => return Ok(Some(Err(error))),
            AnswerLine::Done => return Ok(Some(Ok(replies))),
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}
