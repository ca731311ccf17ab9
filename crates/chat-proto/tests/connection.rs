//! `Connection` over in-memory pipes, under paused time.
#![allow(clippy::unwrap_used, missing_docs)]

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use chat_proto::*;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex};
use tokio::time::Instant;

fn serve(capacity: usize) -> (Connection<WriterServer, DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(capacity);
    let machine = WriterServer::new(WriterServerConfig::default(), Instant::now().into_std());
    (Connection::new(machine, ours, LineCodec::for_server()), theirs)
}

fn account() -> Account {
    Account { nickname: Nickname::new("Keen Bob").unwrap(), token: Token::new("9a08").unwrap() }
}

async fn read_some(stream: &mut DuplexStream) -> String {
    let mut buffer = vec![0; 4096];
    let count = stream.read(&mut buffer).await.unwrap();
    String::from_utf8(buffer[..count].to_vec()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_in_one_write() {
    let (mut server, mut client) = serve(4096);
    client.write_all(b"9a08\n").await.unwrap();
    assert!(matches!(server.next_event().await.unwrap(), WriterServerEvent::Login(_)));
    server.command(WriterServerCommand::Accept(account())).unwrap();
    server.flush().await.unwrap();
    let said = read_some(&mut client).await;
    assert_eq!(said.lines().count(), 3, "greeting, record and welcome: {said}");
    assert!(said.ends_with(&format!("{WELCOME} \t\n")), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn reads_a_client_that_reads_nothing() {
    let (mut server, mut client) = serve(64);
    // The greeting fills the pipe, because the client does not read it.
    for piece in ["9a", "08\nhel", "lo\n\n"] {
        client.write_all(piece.as_bytes()).await.unwrap();
        let _ = tokio::time::timeout(Duration::from_millis(1), async {
            while !matches!(server.next_event().await.unwrap(), WriterServerEvent::Post { .. }) {
                server.command(WriterServerCommand::Accept(account())).unwrap();
            }
        })
        .await;
    }
    assert_eq!(server.machine().unanswered(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_loses_nothing() {
    let (mut server, mut client) = serve(4096);
    let text = "9a08\n";
    for byte in text.bytes() {
        client.write_all(&[byte]).await.unwrap();
        let event = tokio::time::timeout(Duration::from_millis(1), server.next_event()).await;
        if byte == b'\n' {
            assert_eq!(event.unwrap().unwrap(), WriterServerEvent::Login(Token::new("9a08").unwrap()));
        } else {
            assert!(event.is_err());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn answers_after_the_end_of_the_peer() {
    let (mut server, mut client) = serve(4096);
    client.write_all(b"9a08\n").await.unwrap();
    server.next_event().await.unwrap();
    server.command(WriterServerCommand::Accept(account())).unwrap();
    client.write_all(b"famous last\nwords").await.unwrap();
    client.shutdown().await.unwrap();
    let event = server.next_event().await.unwrap();
    assert_eq!(event, WriterServerEvent::Post { id: None, text: Text::new("famous last\nwords").unwrap() });
    assert!(matches!(server.next_event().await, Err(ConnectionError::Ended)));
    server.command(WriterServerCommand::Confirm).unwrap();
    server.shutdown().await.unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    assert!(said.ends_with(&format!("{CONFIRMATION}\n")), "{said}");
}

#[tokio::test(start_paused = true)]
async fn times_out_before_the_login() {
    let (mut server, _client) = serve(4096);
    let start = Instant::now();
    let error = server.next_event().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Protocol(ProtocolError::TimedOut { .. })), "{error}");
    assert_eq!(start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_stalled() {
    let (server, client) = serve(16);
    let mut server = server.with_write_timeout(Duration::from_secs(20));
    let start = Instant::now();
    let error = server.next_event().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Stalled { .. }), "{error}");
    assert_eq!(start.elapsed().as_secs(), 20);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn refuses_a_line_at_the_limit() {
    let (mut server, mut client) = serve(1 << 20);
    client.write_all(&vec![b'x'; 1 << 20]).await.unwrap();
    let error = server.next_event().await.unwrap_err();
    assert!(matches!(error, ConnectionError::Codec(CodecError::LineTooLong { limit: MAX_INPUT_LINE })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn queued_bytes_follow_earlier_answers() {
    let (ours, mut theirs) = duplex(4096);
    let machine = ListenerServer::new(&ListenerServerConfig::default(), Instant::now().into_std());
    let mut server = Connection::new(machine, ours, LineCodec::for_server());
    theirs.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
    assert_eq!(server.next_event().await.unwrap(), ListenerServerEvent::Plain);
    assert!(matches!(server.next_event().await.unwrap(), ListenerServerEvent::Resume(_)));
    let answer = ResumeAnswer::new(StreamId::new("s").unwrap(), 1, 0);
    server.command(ListenerServerCommand::Answer(answer)).unwrap();
    server.queue("first\n".into());
    server.queue("second\n".into());
    server.flush().await.unwrap();
    assert_eq!(
        read_some(&mut theirs).await,
        "\u{1}{\"stream\": \"s\", \"from\": 1, \"head\": 0, \"nonce\": \"n\"}\nfirst\nsecond\n"
    );
}

/// A stream that returns some bytes and then fails.
struct Failing {
    bytes: &'static [u8],
    failure: io::ErrorKind,
}

impl AsyncRead for Failing {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.bytes.is_empty() {
            return Poll::Ready(Err(self.failure.into()));
        }
        buffer.put_slice(std::mem::take(&mut self.bytes));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Failing {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Logs in over a stream that fails in the middle of a plain post, and returns the server's event.
async fn post_and_fail(failure: io::ErrorKind, tls: bool) -> Result<WriterServerEvent, ConnectionError> {
    let machine = WriterServer::new(WriterServerConfig::default(), Instant::now().into_std());
    let io = Failing { bytes: b"9a08\nfirst half\n", failure };
    let mut server = Connection::new(machine, io, LineCodec::for_server());
    if tls {
        server = server.with_close_required();
    }
    assert!(matches!(server.next_event().await.unwrap(), WriterServerEvent::Login(_)));
    server.command(WriterServerCommand::Accept(account())).unwrap();
    server.next_event().await
}

#[tokio::test(start_paused = true)]
async fn a_reset_ends_a_plain_stream() {
    let text = Text::new("first half").unwrap();
    let event = post_and_fail(io::ErrorKind::ConnectionReset, false).await.unwrap();
    assert_eq!(event, WriterServerEvent::Post { id: None, text });
}

#[tokio::test(start_paused = true)]
async fn only_a_close_ends_a_tls_stream() {
    for failure in [io::ErrorKind::ConnectionReset, io::ErrorKind::UnexpectedEof] {
        match post_and_fail(failure, true).await {
            Err(ConnectionError::Io(error)) => assert_eq!(error.kind(), failure),
            other => panic!("{failure}: {other:?}"),
        }
    }
}

/// Returns the messages that a listener without extensions receives from these pieces, and whether some arrived as a
/// block.
async fn heard(pieces: &[&str]) -> (Vec<Message>, bool) {
    let (ours, mut theirs) = duplex(64 * 1024);
    let config = ListenerClientConfig::default();
    let machine = ListenerClient::new(config, Instant::now().into_std());
    let mut listener = Connection::new(machine, ours, LineCodec::for_client());
    let (mut messages, mut together) = (Vec::new(), false);
    for piece in pieces {
        theirs.write_all(piece.as_bytes()).await.unwrap();
        while let Ok(Ok(event)) = tokio::time::timeout(Duration::from_millis(1), listener.next_event()).await {
            match event {
                ListenerClientEvent::Message(message) => messages.push(message),
                ListenerClientEvent::Lines(lines) => {
                    together = true;
                    messages.extend(lines.messages());
                }
                _ => {}
            }
        }
    }
    (messages, together)
}

#[tokio::test(start_paused = true)]
async fn a_batch_equals_its_lines_one_by_one() {
    let stream = "Keen Bob: one\nЖуткий Вася: два\n\u{1}{\"seq\": 9}\n  Odd : three\n\nplain\r\nKeen Bob: four\nKeen Bob: tail\n";
    let expected: Vec<Message> = stream
        .split_terminator('\n')
        .filter(|line| !line.starts_with('\u{1}'))
        .filter_map(|line| Message::from_plain(&Line::from(line)))
        .collect();
    assert_eq!(heard(&[stream]).await.0, expected, "all at once");
    for cut in stream.char_indices().map(|(at, _)| at) {
        let (head, tail) = stream.split_at(cut);
        assert_eq!(heard(&[head, tail]).await.0, expected, "cut at {cut}");
    }
    let lines: Vec<&str> = stream.split_inclusive('\n').collect();
    assert_eq!(heard(&lines).await.0, expected, "line by line");
    assert!(heard(&["Keen Bob: first\n", "Keen Bob: a\nKeen Bob: b\n"]).await.1, "the batch is used");
}
