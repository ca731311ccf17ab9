//! Plays the transcripts against the server's machines: the client's lines are the input, and the server's lines and
//! events are compared with the next step.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::BytesMut;
use chat_proto::*;
use tokio_util::codec::Decoder as _;

use crate::script::{Script, Step};

/// Feeds bytes to a machine as a connection does, and collects its output.
struct Driver<M: StateMachine> {
    machine: M,
    codec: LineCodec,
    input: BytesMut,
    now: Instant,
    said: VecDeque<String>,
    learned: VecDeque<M::Event>,
    failed: Option<ProtocolError>,
}

impl<M: StateMachine> Driver<M>
where
    M::Command: std::fmt::Debug,
{
    fn new(machine: M, now: Instant) -> Self {
        let (said, learned) = (VecDeque::new(), VecDeque::new());
        let mut driver =
            Self { machine, codec: LineCodec::for_server(), input: BytesMut::new(), now, said, learned, failed: None };
        driver.pump();
        driver
    }

    fn bytes(&mut self, bytes: &str) {
        self.input.extend_from_slice(bytes.as_bytes());
        self.pump();
    }

    fn end(&mut self) {
        let rest = match self.codec.decode_eof(&mut self.input).unwrap() {
            Some(Frame::Unfinished(line)) => Some(line),
            other => {
                assert!(other.is_none(), "lines were left over at the end");
                None
            }
        };
        self.failed = self.machine.handle_end(rest, self.now).err();
        self.pump();
    }

    fn command(&mut self, command: M::Command) {
        self.machine.handle_command(command, self.now).expect("the command is allowed here");
        self.pump();
    }

    fn wait(&mut self, time: std::time::Duration) {
        self.now += time;
        self.failed = self.machine.handle_timeout(self.now).err();
        self.pump();
    }

    fn pump(&mut self) {
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => self.said.push_back(line.as_str().to_owned()),
                Output::Event(event) => self.learned.push_back(event),
                Output::Timeout(_) => {
                    if !self.machine.wants_input() {
                        return;
                    }
                    let Some(Frame::Line(line)) = self.codec.decode(&mut self.input).unwrap() else { return };
                    if let Err(error) = self.machine.handle_input(line, self.now) {
                        self.failed = Some(error);
                        return;
                    }
                }
            }
        }
    }

    fn finish(self)
    where
        M::Event: std::fmt::Debug,
    {
        assert!(self.said.is_empty(), "sent more: {:?}", self.said);
        assert!(self.learned.is_empty(), "learned more: {:?}", self.learned);
    }
}

pub(crate) fn play_writer(script: &Script) {
    let now = Instant::now();
    let mut config = WriterServerConfig::default();
    config.offer = if script.offers() { Extensions::ALL } else { Extensions::default() };
    let mut server = Driver::new(WriterServer::new(config, now), now);
    for step in &script.steps {
        match step.clone() {
            Step::Client(line) => server.bytes(&format!("{line}\n")),
            Step::ClientPart(part) => server.bytes(&part),
            Step::ClientEnds => server.end(),
            Step::Server(line) => assert_eq!(server.said.pop_front(), Some(line), "{}", script.title),
            Step::ServerEnds => assert!(server.failed.take().is_some(), "{}: the server continues", script.title),
            Step::Accept { nickname, token } => {
                owes_a_decision(&mut server);
                let account =
                    Account { nickname: Nickname::new(&nickname).unwrap(), token: Token::new(&token).unwrap() };
                server.command(WriterServerCommand::Accept(account));
            }
            Step::Deny => {
                owes_a_decision(&mut server);
                server.command(WriterServerCommand::Deny);
            }
            Step::Post(text) => {
                assert_eq!(server.learned.pop_front(), Some(WriterServerEvent::Post { id: None, text }));
            }
            Step::IdPost(id, text) => {
                assert_eq!(server.learned.pop_front(), Some(WriterServerEvent::Post { id: Some(id), text }));
            }
            Step::Confirm => server.command(WriterServerCommand::Confirm),
            Step::Stored(id, position) => server.command(WriterServerCommand::Stored { id, position }),
            Step::Decline { id, code, after: retry_after, reason } => {
                server.command(WriterServerCommand::Decline { id, code, retry_after, reason });
            }
            Step::Wait(time) => server.wait(time),
            other => panic!("{}: {other:?} is not for the write port", script.title),
        }
        // The transcript contains the line that answers such a post.
        server.learned.retain(|event| !matches!(event, WriterServerEvent::Declined { .. }));
    }
    assert_eq!(server.failed, None, "{}", script.title);
    server.finish();
}

fn owes_a_decision(server: &mut Driver<WriterServer>) {
    let event = server.learned.pop_front();
    assert!(matches!(event, Some(WriterServerEvent::Login(_) | WriterServerEvent::Register(_))), "{event:?}");
}

pub(crate) fn play_listener(script: &Script) {
    let now = Instant::now();
    let mut server = Driver::new(ListenerServer::new(&ListenerServerConfig::default(), now), now);
    let stream = StreamId::new("k3f9").unwrap();
    let mut log: VecDeque<Message> = VecDeque::new();
    for step in &script.steps {
        match step.clone() {
            Step::Client(line) => server.bytes(&format!("{line}\n")),
            Step::ClientEnds => server.end(),
            Step::Server(line) => assert_eq!(server.said.pop_front(), Some(line), "{}", script.title),
            Step::ServerEnds => assert!(server.failed.take().is_some(), "{}: the server continues", script.title),
            Step::Resume(from) => match server.learned.pop_front() {
                Some(ListenerServerEvent::Resume(request)) => assert_eq!(request.from, from, "{}", script.title),
                other => panic!("{}: {other:?} is no request", script.title),
            },
            Step::Answer(answer) => server.command(ListenerServerCommand::Answer(answer)),
            Step::Message { seq, at, sender, text } => {
                let sender = Some(Nickname::new(&sender).unwrap());
                let position = Position { stream: stream.clone(), seq };
                log.push_back(Message::new(sender, text).with_position(position).with_time(at));
            }
            Step::Wait(time) => server.wait(time),
            Step::Remove { seq, at, by, reason } => {
                let position = Position { stream: stream.clone(), seq };
                let (by, reason) = (Nickname::new(&by).ok(), Some(reason));
                let removed = RemovedMessage::new(position, at).with_details(by, reason);
                server.command(ListenerServerCommand::Remove(removed));
            }
            Step::Expire(last) => server.command(ListenerServerCommand::Expire(last)),
            Step::Got { .. } | Step::Gap(_) | Step::Expired(_) | Step::Removed { .. } => {}
            other => panic!("{}: {other:?} is not for the listen port", script.title),
        }
        server.learned.retain(|event| *event != ListenerServerEvent::Plain);
        while server.machine.numbered().is_some()
            && let Some(message) = log.pop_front()
        {
            server.command(ListenerServerCommand::Deliver(message));
        }
    }
    assert_eq!(server.failed, None, "{}", script.title);
    server.finish();
}
