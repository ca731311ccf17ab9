//! Creates an account. The name is sent only once, because a second time after a lost answer would create a second
//! account.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use chat_proto::{Account, Intent, LineCodec, Nickname, WriterClient, WriterClientConfig, WriterClientEvent};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, timeout};

use crate::config::{ClientConfig, Side};
use crate::net::connect::{service_connection, service_dial};
use crate::net::dial::Dial;
use crate::net::error::ConnectError;
use crate::net::io::BoxedIo;

/// Requests a new account, over TCP or TLS as configured. The server chooses the nickname, which is seldom exactly the
/// requested one. The account exists when this function returns; it is not stored locally. With several nodes the next one
/// is asked if one does not greet.
///
/// ```no_run
/// use chat_client::{ClientConfig, Nickname, register};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let account = register(&ClientConfig::new("chat.example"), Nickname::new("Bob")?).await?;
/// // Without the token there is no way back into the account.
/// println!("{} has the token {}", account.nickname, account.token.expose());
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ConnectError::Refused`] when the server refuses the nickname; otherwise why the server could not be reached. After
/// an error that follows the sending of the nickname, an account may exist whose token is lost.
///
/// # Cancel safety
/// Dropping the future may leave an account on the server whose token is lost.
pub async fn register(config: &ClientConfig, nickname: Nickname) -> Result<Account, ConnectError> {
    ask(config, nickname, service_dial(config, None)).await
}

/// Requests a new account as [`register`] does, over a stream from `dial`. With [`ClientConfig::tls`], TLS runs over
/// it.
///
/// # Errors
/// As [`register`].
///
/// # Cancel safety
/// As [`register`].
pub async fn register_with(
    config: &ClientConfig,
    nickname: Nickname,
    dial: impl Dial,
) -> Result<Account, ConnectError> {
    ask(config, nickname, service_dial(config, Some(Box::new(dial)))).await
}

async fn ask(config: &ClientConfig, nickname: Nickname, dial: Box<dyn Dial>) -> Result<Account, ConnectError> {
    let mut tried = 1;
    loop {
        match ask_node(config, nickname.clone(), &dial).await {
            // Nothing was asked of this node.
            Err(error) if error.is_before_dialogue() && tried < dial.nodes() => tried += 1,
            result => return result,
        }
    }
}

async fn ask_node(config: &ClientConfig, nickname: Nickname, dial: &dyn Dial) -> Result<Account, ConnectError> {
    let greeted = Arc::new(AtomicBool::new(false));
    let io = Watched { io: dial.dial(Side::Write).await?, read: greeted.clone() };
    let mut dialogue = WriterClientConfig::new(Intent::Register(nickname));
    dialogue.answer_timeout = config.answer_timeout;
    let machine = WriterClient::new(dialogue, Instant::now().into_std());
    let mut connection = service_connection(config, machine, io, LineCodec::for_client());
    loop {
        let event = connection.next_event().await.map_err(|error| match ConnectError::from(error) {
            ConnectError::Lost(_) if !greeted.load(Ordering::Relaxed) => ConnectError::NoGreeting,
            error => error,
        });
        if let WriterClientEvent::Account(account) = event? {
            // The goodbye is not waited for: until the caller has stored the account, it can be lost.
            tokio::spawn(async move { timeout(GOODBYE, connection.shutdown()).await });
            return Ok(account);
        }
    }
}

/// How long the server may take to acknowledge the end of the connection.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);

/// A stream that notes whether anything was read from it. A reset before the greeting must not look like one after the
/// nickname was sent.
struct Watched {
    io: BoxedIo,
    read: Arc<AtomicBool>,
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.read.store(true, Ordering::Relaxed);
        }
        polled
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use chat_proto::{GREETING, NICKNAME_PROMPT, WELCOME};
    use tokio::io::{AsyncWriteExt, DuplexStream};

    use crate::net::dial::DialFuture;

    use super::*;

    /// A server that answers on a link whose shutdown never completes.
    struct Deaf(DuplexStream);

    impl AsyncRead for Deaf {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    impl AsyncWrite for Deaf {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Pending
        }
    }

    struct DeafDial;

    impl Dial for DeafDial {
        fn dial(&self, _: Side) -> DialFuture<'_> {
            Box::pin(async {
                let (ours, mut theirs) = tokio::io::duplex(4096);
                let account = r#"{"nickname": "Keen Bob", "account_hash": "9a08"}"#;
                let said = format!("{GREETING}\n{NICKNAME_PROMPT}\n{account}\n{WELCOME}\n");
                tokio::spawn(async move {
                    theirs.write_all(said.as_bytes()).await.unwrap();
                    std::future::pending::<()>().await;
                });
                Ok(Box::new(Deaf(ours)) as BoxedIo)
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn does_not_wait_for_the_shutdown() {
        let began = Instant::now();
        let config = ClientConfig::default();
        let account = register_with(&config, Nickname::new("Bob").unwrap(), DeafDial).await.unwrap();
        assert_eq!((account.nickname.as_str(), began.elapsed()), ("Keen Bob", std::time::Duration::ZERO));
    }
}
