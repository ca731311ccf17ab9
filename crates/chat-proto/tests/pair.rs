//! A client and a server machine joined by a wire in memory, in virtual time: whole conversations without a runtime,
//! with the bytes split anywhere.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use bytes::BytesMut;
use chat_proto::*;
use proptest::prelude::*;
use proptest::sample::Index;
use tokio_util::codec::{Decoder as _, Encoder as _};

/// One machine with the bytes that are on their way to it.
struct End<M: StateMachine> {
    machine: M,
    codec: LineCodec,
    inbox: BytesMut,
    learned: Vec<M::Event>,
}

impl<M: StateMachine> End<M> {
    fn new(machine: M, codec: LineCodec) -> Self {
        Self { machine, codec, inbox: BytesMut::new(), learned: Vec::new() }
    }

    /// Passes the machine what has arrived; its output goes to `wire`.
    fn run(&mut self, now: Instant, wire: &mut BytesMut) -> Result<(), ProtocolError> {
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => self.codec.encode(line, wire).unwrap(),
                Output::Event(event) => self.learned.push(event),
                Output::Timeout(_) if !self.machine.wants_input() => return Ok(()),
                Output::Timeout(_) => match self.codec.decode(&mut self.inbox).unwrap() {
                    Some(Frame::Line(line)) => self.machine.handle_input(line, now)?,
                    _ => return Ok(()),
                },
            }
        }
    }

    fn deadline(&mut self) -> Option<Instant> {
        match self.machine.poll_output() {
            Output::Timeout(deadline) => deadline,
            _ => panic!("output is left"),
        }
    }
}

/// A server that knows one token and stores every post.
struct Pair {
    now: Instant,
    client: End<WriterClient>,
    server: End<WriterServer>,
    stored: Vec<(Option<PostId>, Text)>,
    confirmed: Vec<u64>,
}

const TOKEN: &str = "9a08f44c-c541-41eb-8c47-0242ac110002";

impl Pair {
    fn new(intent: Intent, offer: Extensions) -> Self {
        let now = Instant::now();
        let mut config = WriterServerConfig::default();
        config.offer = offer;
        Self {
            now,
            client: End::new(WriterClient::new(WriterClientConfig::new(intent), now), LineCodec::for_client()),
            server: End::new(WriterServer::new(config, now), LineCodec::for_server()),
            stored: Vec::new(),
            confirmed: Vec::new(),
        }
    }

    /// Moves all pending bytes, at most `piece` bytes at a time.
    fn settle(&mut self, piece: usize) -> Result<(), ProtocolError> {
        let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
        loop {
            self.client.run(self.now, &mut up)?;
            self.server.run(self.now, &mut down)?;
            self.decide();
            self.collect();
            self.server.run(self.now, &mut down)?;
            if up.is_empty() && down.is_empty() {
                return Ok(());
            }
            let take = piece.min(up.len());
            self.server.inbox.extend_from_slice(&up.split_to(take));
            let take = piece.min(down.len());
            self.client.inbox.extend_from_slice(&down.split_to(take));
        }
    }

    fn decide(&mut self) {
        for event in std::mem::take(&mut self.server.learned) {
            let command = match event {
                WriterServerEvent::Login(token) if token.expose() == TOKEN => {
                    WriterServerCommand::Accept(account("Keen Bob"))
                }
                WriterServerEvent::Login(_) => WriterServerCommand::Deny,
                WriterServerEvent::Register(name) => WriterServerCommand::Accept(account(&format!("Keen {name}"))),
                WriterServerEvent::Post { id, text } => {
                    self.stored.push((id.clone(), text));
                    match id {
                        None => WriterServerCommand::Confirm,
                        Some(id) => {
                            let seq = self.stored.len() as u64;
                            let stream = StreamId::new("k3f9").unwrap();
                            WriterServerCommand::Stored { id, position: Position { stream, seq } }
                        }
                    }
                }
                other => panic!("unexpected {other:?}"),
            };
            self.server.machine.handle_command(command, self.now).unwrap();
        }
    }

    fn collect(&mut self) {
        self.confirmed.extend(self.client.learned.iter().filter_map(|event| match event {
            WriterClientEvent::Confirmed { key, .. } => Some(*key),
            _ => None,
        }));
    }

    fn elapse(&mut self) -> Result<bool, ProtocolError> {
        let Some(deadline) = [self.client.deadline(), self.server.deadline()].into_iter().flatten().min() else {
            return Ok(false);
        };
        self.now = deadline;
        self.client.machine.handle_timeout(self.now)?;
        self.server.machine.handle_timeout(self.now)?;
        Ok(true)
    }
}

fn account(nickname: &str) -> Account {
    Account { nickname: Nickname::new(nickname).unwrap(), token: Token::new(TOKEN).unwrap() }
}

fn login() -> Intent {
    Intent::Login(Token::new(TOKEN).unwrap())
}

#[test]
fn pings_keep_an_idle_connection_for_a_day() {
    let mut pair = Pair::new(login(), Extensions::default());
    pair.settle(usize::MAX).unwrap();
    let start = pair.now;
    while pair.now < start + Duration::from_secs(24 * 3600) {
        assert!(pair.elapse().unwrap());
        pair.settle(usize::MAX).unwrap();
    }
    assert!(pair.stored.is_empty());
    let trips = pair.client.learned.iter().filter(|event| matches!(event, WriterClientEvent::RoundTrip(_))).count();
    assert_eq!(trips, 24 * 3600 / 5);
}

#[test]
fn a_wrong_token_ends_the_client() {
    let mut pair = Pair::new(Intent::Login(Token::new("wrong").unwrap()), Extensions::ALL);
    assert_eq!(pair.settle(1), Err(ProtocolError::Refused(Refusal::UnknownToken)));
    assert!(pair.stored.is_empty());
}

#[test]
fn detects_a_silent_server_within_15_s() {
    let mut pair = Pair::new(login(), Extensions::ALL);
    pair.settle(usize::MAX).unwrap();
    let start = pair.now;
    let mut nowhere = BytesMut::new();
    let error = loop {
        pair.now = pair.client.deadline().unwrap();
        if let Err(error) = pair.client.machine.handle_timeout(pair.now) {
            break error;
        }
        pair.client.run(pair.now, &mut nowhere).unwrap();
    };
    assert!(matches!(error, ProtocolError::TimedOut { .. }), "{error}");
    assert_eq!(pair.now - start, Duration::from_secs(15));
}

#[test]
fn the_window_limits_unanswered_posts() {
    let mut pair = Pair::new(login(), Extensions::default());
    pair.settle(usize::MAX).unwrap();
    let mut taken = 0;
    while pair.client.machine.can_post() {
        pair.client.machine.handle_command(post(taken, "x"), pair.now).unwrap();
        taken += 1;
    }
    assert_eq!(taken, 32);
    assert!(pair.client.machine.handle_command(post(taken, "x"), pair.now).is_err());
    pair.settle(usize::MAX).unwrap();
    assert!(pair.client.machine.can_post());
}

fn post(key: u64, text: &str) -> WriterClientCommand {
    let id = PostId::new(&format!("id-{key}")).unwrap();
    WriterClientCommand::Post { key, id, text: Text::new(text).unwrap() }
}

proptest! {
    /// Each posted message is stored once, whole and in order, and confirmed in order, on both kinds of server and
    /// however the bytes are split.
    #[test]
    fn every_text_is_exactly_one_message(
        texts in prop::collection::vec(any::<String>(), 1..20),
        extensions: bool,
        piece in 1usize..40,
        pauses in prop::collection::vec(any::<bool>(), 20),
        register: bool,
    ) {
        let offer = if extensions { Extensions::ALL } else { Extensions::default() };
        let intent = if register { Intent::Register(Nickname::new("Bob").unwrap()) } else { login() };
        let mut pair = Pair::new(intent, offer);
        pair.settle(piece).unwrap();
        let posted: Vec<Text> = texts.iter().filter_map(|text| Text::new(text).ok()).collect();
        for (key, text) in posted.iter().enumerate() {
            pair.client.machine.handle_command(post(key as u64, text.as_str()), pair.now).unwrap();
            if pauses[key] {
                pair.settle(piece).unwrap();
                pair.elapse().unwrap();
            }
        }
        pair.settle(piece).unwrap();
        let expected: Vec<String> = posted
            .iter()
            .map(|text| if extensions { text.to_string() } else { text.flattened().into_owned() })
            .collect();
        let stored: Vec<String> = pair.stored.iter().map(|(_, text)| text.to_string()).collect();
        prop_assert_eq!(stored, expected);
        pair.collect();
        let mut confirmed = pair.confirmed.clone();
        confirmed.dedup();
        let mut seen = std::collections::BTreeSet::new();
        confirmed.retain(|key| seen.insert(*key));
        prop_assert_eq!(confirmed, (0..posted.len() as u64).collect::<Vec<_>>());
    }

    /// A message that is not stored is never confirmed, wherever the server's answers are cut off.
    #[test]
    fn a_cut_confirms_only_stored_posts(
        count in 1u64..30,
        cut in any::<Index>(),
        extensions: bool,
    ) {
        let offer = if extensions { Extensions::ALL } else { Extensions::default() };
        let mut pair = Pair::new(login(), offer);
        pair.settle(usize::MAX).unwrap();
        for key in 0..count {
            pair.client.machine.handle_command(post(key, "text"), pair.now).unwrap();
        }
        let (mut up, mut down) = (BytesMut::new(), BytesMut::new());
        pair.client.run(pair.now, &mut up).unwrap();
        up.truncate(cut.index(up.len() + 1));
        pair.server.inbox.extend_from_slice(&up);
        pair.server.run(pair.now, &mut down).unwrap();
        pair.decide();
        pair.server.run(pair.now, &mut down).unwrap();
        pair.client.inbox.extend_from_slice(&down);
        pair.client.run(pair.now, &mut up).unwrap();
        pair.collect();
        prop_assert_eq!(pair.confirmed.len(), pair.stored.len());
        prop_assert_eq!(&pair.confirmed, &(0..pair.stored.len() as u64).collect::<Vec<_>>());
    }
}
