//! Measures the four state machines line by line, without bytes, codec and clock.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;
use std::time::Instant;

use chat_proto::{
    Account, Extensions, Intent, Line, ListenerClient, ListenerClientConfig, ListenerServer, ListenerServerCommand,
    ListenerServerConfig, ListenerServerEvent, Message, Nickname, Nonce, Output, Position, PostId, ResumeAnswer,
    ResumeFrom, ResumeRequest, StateMachine, StreamId, Text, Token, WriterClient, WriterClientCommand,
    WriterClientConfig, WriterClientEvent, WriterServer, WriterServerCommand, WriterServerConfig, WriterServerEvent,
};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const MESSAGES: u64 = 1_000;
const TOKEN: &str = "9a08f44c-c541-41eb-8c47-0242ac110002";

fn stream() -> StreamId {
    StreamId::new("k3f9").unwrap()
}

fn message(seq: u64) -> Message {
    let sender = Some(Nickname::new("Keen Bob").unwrap());
    let text = Text::new(&format!("line {seq} of the usual length, about sixty bytes")).unwrap();
    Message::new(sender, text).with_position(Position { stream: stream(), seq }).with_time(1_700_000_000_000)
}

/// A client that is logged in to a server that stores everything.
struct Writing {
    client: WriterClient,
    server: WriterServer,
    now: Instant,
    stored: u64,
    confirmed: u64,
}

impl Writing {
    fn new(offer: Extensions) -> Self {
        let now = Instant::now();
        let mut config = WriterServerConfig::default();
        config.offer = offer;
        let intent = Intent::Login(Token::new(TOKEN).unwrap());
        let client = WriterClient::new(WriterClientConfig::new(intent), now);
        let mut pair = Self { client, server: WriterServer::new(config, now), now, stored: 0, confirmed: 0 };
        pair.settle();
        pair
    }

    /// Moves lines in both directions until neither side has output.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            loop {
                match self.server.poll_output() {
                    Output::Transmit(line) => self.client.handle_input(line, self.now).unwrap(),
                    Output::Event(event) => self.decide(event),
                    Output::Timeout(_) => break,
                }
                moved = true;
            }
            loop {
                match self.client.poll_output() {
                    Output::Transmit(line) => self.server.handle_input(line, self.now).unwrap(),
                    Output::Event(WriterClientEvent::Confirmed { .. }) => self.confirmed += 1,
                    Output::Event(_) => {}
                    Output::Timeout(_) => break,
                }
                moved = true;
            }
            if !moved {
                return;
            }
        }
    }

    fn decide(&mut self, event: WriterServerEvent) {
        let command = match event {
            WriterServerEvent::Login(token) => {
                WriterServerCommand::Accept(Account { nickname: Nickname::new("Keen Bob").unwrap(), token })
            }
            WriterServerEvent::Post { id: None, .. } => WriterServerCommand::Confirm,
            WriterServerEvent::Post { id: Some(id), .. } => {
                self.stored += 1;
                WriterServerCommand::Stored { id, position: Position { stream: stream(), seq: self.stored } }
            }
            other => panic!("unexpected {other:?}"),
        };
        self.server.handle_command(command, self.now).unwrap();
    }
}

fn writing(c: &mut Criterion) {
    let mut group = c.benchmark_group("machines/writing");
    group.throughput(Throughput::Elements(MESSAGES));
    for (name, offer) in [("plain", Extensions::default()), ("with ids", Extensions::ALL)] {
        let text = Text::new("a line of the usual length, some sixty bytes long").unwrap();
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched_ref(
                || Writing::new(offer),
                |pair| {
                    for key in 0..MESSAGES {
                        let id = PostId::new(&format!("01JD3Z{key}")).unwrap();
                        let post = WriterClientCommand::Post { key, id, text: text.clone() };
                        pair.client.handle_command(post, pair.now).unwrap();
                        if !pair.client.can_post() {
                            pair.settle();
                        }
                    }
                    pair.settle();
                    assert_eq!(pair.confirmed, MESSAGES);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

/// A server with one listener, plain or from the beginning of its log.
fn serving(resume: Option<ResumeRequest>) -> (ListenerClient, ListenerServer, Instant) {
    let now = Instant::now();
    let numbered = resume.is_some();
    let mut client = ListenerClient::new(ListenerClientConfig::default().with_resume(resume), now);
    let mut server = ListenerServer::new(&ListenerServerConfig::default(), now);
    if let Output::Transmit(request) = client.poll_output() {
        server.handle_input(request, now).unwrap();
        let Output::Event(ListenerServerEvent::Resume(_)) = server.poll_output() else { panic!("no request") };
        let answer = ResumeAnswer::new(stream(), 1, MESSAGES);
        server.handle_command(ListenerServerCommand::Answer(answer), now).unwrap();
        let Output::Transmit(answer) = server.poll_output() else { panic!("no answer") };
        client.handle_input(answer, now).unwrap();
    } else {
        server.handle_timeout(now + ListenerServerConfig::default().request_timeout).unwrap();
        let Output::Event(ListenerServerEvent::Plain) = server.poll_output() else { panic!("still waiting") };
    }
    while let Output::Event(_) = client.poll_output() {}
    assert_eq!(server.numbered(), Some(numbered));
    (client, server, now)
}

fn from_the_start() -> Option<ResumeRequest> {
    Some(ResumeRequest::new(ResumeFrom::Last(MESSAGES), Nonce::new("n0nce").unwrap()))
}

fn listening(c: &mut Criterion) {
    let mut group = c.benchmark_group("machines/listening");
    group.throughput(Throughput::Elements(MESSAGES));
    for (name, resume) in [("plain", None), ("numbered", from_the_start())] {
        let messages: Vec<Message> = (1..=MESSAGES).map(message).collect();
        let deliver = |server: &mut ListenerServer, now| -> Vec<Line> {
            let lines = messages.iter().map(|message| {
                server.handle_command(ListenerServerCommand::Deliver(message.clone()), now).unwrap();
                let Output::Transmit(line) = server.poll_output() else { panic!("not delivered") };
                line
            });
            lines.collect()
        };
        group.bench_function(BenchmarkId::new("server", name), |b| {
            b.iter_batched_ref(
                || serving(resume.clone()),
                |(_, server, now)| black_box(deliver(server, *now)),
                BatchSize::SmallInput,
            );
        });
        let (_, mut server, now) = serving(resume.clone());
        let lines = deliver(&mut server, now);
        group.bench_function(BenchmarkId::new("client", name), |b| {
            b.iter_batched_ref(
                || serving(resume.clone()),
                |(client, _, now)| {
                    let mut heard = 0;
                    for line in &lines {
                        client.handle_input(line.clone(), *now).unwrap();
                        while let Output::Event(event) = client.poll_output() {
                            black_box(event);
                            heard += 1;
                        }
                    }
                    assert_eq!(heard, MESSAGES);
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, writing, listening);
criterion_main!(benches);
