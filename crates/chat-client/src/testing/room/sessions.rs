//! The server's side of the connections of a room in memory.

use std::sync::Arc;
use std::time::Duration;

use chat_proto::{
    Connection, LineCodec, ListenerServer, ListenerServerCommand, ListenerServerConfig, ListenerServerEvent, Message,
    ResumeAnswer, ResumeFrom, WriterServer, WriterServerCommand, WriterServerConfig, WriterServerEvent,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::Instant;

use super::shared::{Shared, account};

pub(super) async fn serve_writer(shared: Arc<Shared>, io: DuplexStream) {
    let mut config = WriterServerConfig::default();
    config.offer = shared.extensions;
    let machine = WriterServer::new(config, Instant::now().into_std());
    let mut connection = Connection::new(machine, io, LineCodec::for_server());
    while let Ok(event) = connection.next_event().await {
        let command = match event {
            WriterServerEvent::Login(token) if token == account().token => WriterServerCommand::Accept(account()),
            WriterServerEvent::Login(_) => WriterServerCommand::Deny,
            WriterServerEvent::Register(_) => WriterServerCommand::Accept(account()),
            WriterServerEvent::Post { id, text } => {
                let code = shared.faults().decline.clone();
                match (id, code) {
                    (Some(id), Some(code)) => {
                        WriterServerCommand::Decline { id, code, retry_after: None, reason: None }
                    }
                    (Some(id), None) => {
                        let position = shared.store(account().nickname, Some(id.clone()), text);
                        WriterServerCommand::Stored { id, position }
                    }
                    (None, _) => {
                        shared.store(account().nickname, None, text);
                        WriterServerCommand::Confirm
                    }
                }
            }
            _ => continue,
        };
        if connection.command(command).is_err() {
            return;
        }
    }
}

/// Sends lines as the original server does, and ignores input.
pub(super) async fn serve_plain_listener(shared: Arc<Shared>, io: DuplexStream) {
    let mut grown = shared.grown.subscribe();
    let mut place = shared.lock().log.len();
    let (mut read, mut write) = tokio::io::split(io);
    let mut ignored = [0; 256];
    loop {
        grown.mark_unchanged();
        let new: Vec<Message> = shared.lock().log.get(place..).unwrap_or_default().to_vec();
        for message in new {
            place += 1;
            if write.write_all(format!("{}\n", message.to_plain().as_str()).as_bytes()).await.is_err() {
                return;
            }
        }
        // A fixed order of polling, so that tests are reproducible. The input is ignored, so losing some of it is
        // harmless.
        tokio::select! {
            biased;
            read = read.read(&mut ignored) => if !matches!(read, Ok(1..)) { return },
            changed = grown.changed() => if changed.is_err() { return },
        }
    }
}

pub(super) async fn serve_listener(shared: Arc<Shared>, io: DuplexStream) {
    // This room cannot name plain lines in an answer, so it holds them back until a request has had time to arrive.
    let config = ListenerServerConfig::default().with_request_timeout(Duration::from_millis(250));
    let machine = ListenerServer::new(&config, Instant::now().into_std());
    let mut connection = Connection::new(machine, io, LineCodec::for_server());
    let mut grown = shared.grown.subscribe();
    let mut place = shared.lock().log.len();
    let mut open = false;
    loop {
        grown.mark_unchanged();
        if open {
            let new: Vec<Message> = shared.lock().log.get(place..).unwrap_or_default().to_vec();
            for message in new {
                place += 1;
                if connection.command(ListenerServerCommand::Deliver(message)).is_err() {
                    return;
                }
            }
        }
        tokio::select! {
            // A fixed order of polling, so that tests are reproducible. Both branches are cancel-safe.
            biased;
            event = connection.next_event() => match event {
                Ok(ListenerServerEvent::Plain) => open = true,
                // A late request, after plain lines, is not answered: the client already treats the room as plain.
                Ok(ListenerServerEvent::Resume(request)) if !open => {
                    let (stream, head) = {
                        let state = shared.lock();
                        (state.stream.clone(), state.log.len() as u64)
                    };
                    let from = match request.from {
                        ResumeFrom::After(position) if position.stream == stream => position.seq + 1,
                        ResumeFrom::Last(count) => head.saturating_sub(count) + 1,
                        _ => 1,
                    };
                    place = usize::try_from(from - 1).unwrap_or(usize::MAX);
                    let answer = ResumeAnswer::new(stream, from, head);
                    if connection.command(ListenerServerCommand::Answer(answer)).is_err() {
                        return;
                    }
                    open = true;
                }
                Ok(ListenerServerEvent::Resume(_)) => {}
                Ok(_) | Err(_) => return,
            },
            changed = grown.changed() => if changed.is_err() { return },
        }
    }
}
