//! A room as the server keeps it, small enough to be seen to be right: one log, one set of ids, and connections that
//! can be cut at any byte.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat_client::dial::PipeRoom;
use chat_client::{Account, Extensions, Message, Nickname, Position, PostId, Side, StreamId, Text};
use chat_proto::{
    Connection, LineCodec, ListenerServer, ListenerServerCommand, ListenerServerConfig, ListenerServerEvent,
    ResumeAnswer, ResumeFrom, WriterServer, WriterServerCommand, WriterServerConfig, WriterServerEvent,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::time::Instant;

use super::token;

/// The room's memory, which its connections share.
#[derive(Clone)]
pub struct Room {
    log: Arc<watch::Sender<Vec<Message>>>,
    ids: Arc<Mutex<HashMap<PostId, u64>>>,
    stream: StreamId,
    pub extensions: Extensions,
}

impl Room {
    pub fn new(extensions: Extensions) -> Self {
        Self {
            log: Arc::new(watch::Sender::new(Vec::new())),
            ids: Arc::default(),
            stream: StreamId::new("k3f9").unwrap(),
            extensions,
        }
    }

    /// What was said, oldest first.
    pub fn log(&self) -> Vec<Message> {
        self.log.borrow().clone()
    }

    /// Stores a post once.
    pub fn post(&self, id: Option<&PostId>, text: Text) -> Position {
        let mut ids = self.ids.lock().unwrap();
        let mut seq = self.log.borrow().len() as u64 + 1;
        if let Some(id) = id {
            seq = *ids.entry(id.clone()).or_insert(seq);
        }
        let position = Position { stream: self.stream.clone(), seq };
        if seq > self.log.borrow().len() as u64 {
            let sender = Some(Nickname::new("Keen Bob").unwrap());
            let at = 1_700_000_000_000 + seq as i64;
            let message = Message::new(sender, text).with_position(position.clone()).with_time(at);
            self.log.send_modify(|log| log.push(message));
        }
        position
    }

    /// Serves every connection of `pipes` for ever; each is cut after a number of bytes that `cut` draws.
    pub async fn serve(self, mut pipes: PipeRoom, mut cut: impl FnMut() -> Option<usize>) {
        while let Some((side, io)) = pipes.accept().await {
            let io = match cut() {
                Some(bytes) => fragile(io, bytes),
                None => io,
            };
            let room = self.clone();
            tokio::spawn(async move {
                match side {
                    Side::Write => room.write_side(io).await,
                    Side::Listen => room.listen_side(io).await,
                }
            });
        }
    }

    async fn write_side(self, io: DuplexStream) {
        let mut config = WriterServerConfig::default();
        config.offer = self.extensions;
        let machine = WriterServer::new(config, Instant::now().into_std());
        let mut connection = Connection::new(machine, io, LineCodec::for_server());
        while let Ok(event) = connection.next_event().await {
            let command = match event {
                WriterServerEvent::Login(_) | WriterServerEvent::Register(_) => {
                    let nickname = Nickname::new("Keen Bob").unwrap();
                    WriterServerCommand::Accept(Account { nickname, token: token() })
                }
                WriterServerEvent::Post { id, text } => {
                    let position = self.post(id.as_ref(), text);
                    match id {
                        Some(id) => WriterServerCommand::Stored { id, position },
                        None => WriterServerCommand::Confirm,
                    }
                }
                other => panic!("{other:?} was not expected"),
            };
            connection.command(command).unwrap();
        }
    }

    async fn listen_side(self, io: DuplexStream) {
        let machine = ListenerServer::new(&ListenerServerConfig::default(), Instant::now().into_std());
        let mut connection = Connection::new(machine, io, LineCodec::for_server());
        let mut log = self.log.subscribe();
        let mut place = log.borrow_and_update().len();
        let mut open = false;
        loop {
            if open {
                let new: Vec<Message> = log.borrow_and_update()[place..].to_vec();
                for message in new {
                    place += 1;
                    connection.command(ListenerServerCommand::Deliver(message)).unwrap();
                }
            }
            tokio::select! {
                event = connection.next_event() => match event {
                    Ok(ListenerServerEvent::Plain) => open = true,
                    Ok(ListenerServerEvent::Resume(request)) if self.extensions.resume => {
                        let head = self.log.borrow().len() as u64;
                        assert!(!open, "no request of these tests is late");
                        let from = match request.from {
                            ResumeFrom::After(position) if position.stream == self.stream => position.seq + 1,
                            ResumeFrom::Last(count) => head.saturating_sub(count) + 1,
                            _ => 1,
                        };
                        place = from as usize - 1;
                        let answer = ResumeAnswer::new(self.stream.clone(), from, head);
                        connection.command(ListenerServerCommand::Answer(answer)).unwrap();
                        open = true;
                    }
                    Ok(_) | Err(_) => return,
                },
                _ = log.changed() => {}
            }
        }
    }
}

/// A pipe that breaks after so many bytes in both directions together, in the middle of a line perhaps.
fn fragile(outer: DuplexStream, bytes: usize) -> DuplexStream {
    let (inner, ours) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move {
        let (mut outer_read, mut outer_write) = tokio::io::split(outer);
        let (mut inner_read, mut inner_write) = tokio::io::split(ours);
        let (mut left, mut up, mut down) = (bytes, [0; 97], [0; 89]);
        while left > 0 {
            // Without it one direction would run dry before the other side is asked.
            tokio::task::yield_now().await;
            tokio::select! {
                read = outer_read.read(&mut up) => {
                    let Ok(count @ 1..) = read else { return };
                    let passed = count.min(left);
                    left -= passed;
                    if inner_write.write_all(&up[..passed]).await.is_err() { return }
                }
                read = inner_read.read(&mut down) => {
                    let Ok(count @ 1..) = read else { return };
                    let passed = count.min(left);
                    left -= passed;
                    if outer_write.write_all(&down[..passed]).await.is_err() { return }
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    });
    inner
}
