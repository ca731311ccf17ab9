//! Plays the transcripts against the client's machines: the server's lines are the input, and the client's lines and
//! events are compared with the next step.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use chat_proto::*;

use crate::script::{Script, Step};

struct Driver<M: StateMachine> {
    machine: M,
    now: Instant,
    said: VecDeque<String>,
    learned: VecDeque<M::Event>,
    failed: Option<ProtocolError>,
}

impl<M: StateMachine> Driver<M> {
    fn new(machine: M, now: Instant) -> Self {
        let mut driver = Self { machine, now, said: VecDeque::new(), learned: VecDeque::new(), failed: None };
        driver.pump();
        driver
    }

    fn line(&mut self, line: &str) {
        // A client that has failed reads nothing more.
        if self.failed.is_none() {
            self.failed = self.machine.handle_input(Line::from(line), self.now).err();
            self.pump();
        }
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.failed = self.machine.handle_timeout(self.now).err();
        self.pump();
    }

    fn pump(&mut self) {
        loop {
            match self.machine.poll_output() {
                Output::Transmit(line) => self.said.push_back(line.as_str().to_owned()),
                Output::Event(event) => self.learned.push_back(event),
                Output::Timeout(_) => return,
            }
        }
    }
}

/// Returns the purpose of the client in this script.
fn intent(script: &Script) -> Intent {
    let mut said = script.steps.iter().filter_map(|step| match step {
        Step::Client(line) => Some(line.as_str()),
        _ => None,
    });
    match (said.next(), said.next()) {
        (Some(""), Some(nickname)) => Intent::Register(Nickname::new(nickname).unwrap()),
        (Some(token), _) if !token.is_empty() => Intent::Login(Token::new(token).unwrap()),
        _ => Intent::Login(Token::new("never sent").unwrap()),
    }
}

/// The keys under which the posts of a script were passed in.
#[derive(Default)]
struct Keys {
    next: u64,
    plain: VecDeque<u64>,
    by_id: HashMap<PostId, u64>,
}

impl Keys {
    /// Returns the command for the next post, under a new key.
    fn command(&mut self, (id, text): (Option<PostId>, Text)) -> WriterClientCommand {
        self.next += 1;
        let key = self.next;
        match &id {
            Some(id) => {
                self.by_id.insert(id.clone(), key);
            }
            None => self.plain.push_back(key),
        }
        WriterClientCommand::Post { key, id: id.unwrap_or_else(|| PostId::new("unused").unwrap()), text }
    }
}

pub(crate) fn play_writer(script: &Script) {
    let now = Instant::now();
    let mut client = Driver::new(WriterClient::new(WriterClientConfig::new(intent(script)), now), now);
    let mut posts: VecDeque<(Option<PostId>, Text)> = script
        .steps
        .iter()
        .filter_map(|step| match step.clone() {
            Step::Post(text) => Some((None, text)),
            Step::IdPost(id, text) => Some((Some(id), text)),
            _ => None,
        })
        .collect();
    let (mut keys, mut expected) = (Keys::default(), Vec::new());
    for step in &script.steps {
        match step.clone() {
            Step::Server(line) => client.line(&line),
            Step::Client(line) => {
                if client.said.is_empty()
                    && let Some(post) = posts.pop_front()
                {
                    let command = keys.command(post);
                    client.machine.handle_command(command, client.now).expect("the chat is open");
                    client.pump();
                }
                assert_eq!(client.said.pop_front(), Some(line), "{}", script.title);
            }
            Step::ClientEnds => assert!(client.failed.take().is_some(), "{}: the client continues", script.title),
            Step::Confirm => {
                let key = keys.plain.pop_front().unwrap();
                expected.push(WriterClientEvent::Confirmed { key, position: None });
            }
            Step::Stored(id, position) => {
                expected.push(WriterClientEvent::Confirmed { key: keys.by_id[&id], position: Some(position) });
            }
            Step::Decline { id, code, after: retry_after, reason } => {
                expected.push(WriterClientEvent::Declined { key: keys.by_id[&id], code, retry_after, reason });
            }
            Step::Wait(time) => client.wait(time),
            Step::Accept { .. } | Step::Deny | Step::Post(_) | Step::IdPost(..) => {}
            other => panic!("{}: {other:?} is not for a client of the write port", script.title),
        }
    }
    assert_eq!(client.failed, None, "{}", script.title);
    assert!(client.said.is_empty(), "{}: sent more: {:?}", script.title, client.said);
    client
        .learned
        .retain(|event| matches!(event, WriterClientEvent::Confirmed { .. } | WriterClientEvent::Declined { .. }));
    assert_eq!(client.learned, expected, "{}", script.title);
}

pub(crate) fn play_listener(script: &Script) {
    let now = Instant::now();
    let config = ListenerClientConfig::default().with_resume(request(script));
    let mut client = Driver::new(ListenerClient::new(config, now), now);
    let mut expected = Vec::new();
    for step in &script.steps {
        match step.clone() {
            Step::Server(line) => client.line(&line),
            Step::Client(line) => assert_eq!(client.said.pop_front(), Some(line), "{}", script.title),
            Step::ClientEnds => assert!(client.failed.take().is_some(), "{}: the client continues", script.title),
            Step::Wait(time) => client.wait(time),
            Step::Got { sender, text } => expected.push(Learned::Got(sender, text)),
            Step::Gap(missed) => expected.push(Learned::Gap(missed)),
            Step::Expired(missed) => expected.push(Learned::Expired(missed)),
            Step::Removed { seq, in_place } => expected.push(Learned::Removed(seq, in_place)),
            Step::Resume(_) | Step::Answer(_) | Step::Message { .. } | Step::Remove { .. } | Step::Expire(_) => {}
            other => panic!("{}: {other:?} is not for a client of the listen port", script.title),
        }
    }
    assert_eq!(client.failed, None, "{}", script.title);
    assert!(client.said.is_empty(), "{}: sent more: {:?}", script.title, client.said);
    let learned: Vec<Learned> = client.learned.into_iter().flat_map(Learned::of).collect();
    assert_eq!(learned, expected, "{}", script.title);
}

/// The events that a listener passes to its program.
#[derive(Debug, PartialEq)]
enum Learned {
    Got(String, Text),
    Gap(Option<u64>),
    Expired(u64),
    Removed(u64, bool),
}

impl Learned {
    fn of(event: ListenerClientEvent) -> Vec<Self> {
        match event {
            ListenerClientEvent::Message(message) => vec![Self::got(message)],
            ListenerClientEvent::Lines(lines) => lines.messages().map(Self::got).collect(),
            ListenerClientEvent::Gap { missed } => vec![Self::Gap(missed)],
            ListenerClientEvent::Expired { missed } => vec![Self::Expired(missed)],
            ListenerClientEvent::Removed(removed) => vec![Self::Removed(removed.position.seq, removed.in_place)],
            ListenerClientEvent::TooLong => vec![Self::Gap(Some(1))],
            _ => Vec::new(),
        }
    }

    /// Removes the differences between plain and numbered lines: a plain one has lost its line breaks.
    fn got(message: Message) -> Self {
        let sender = message.sender.expect("every line of a transcript has a sender");
        Self::Got(sender.as_str().into(), message.text)
    }
}

/// Returns the request that the script's client sends with its first line, if any.
fn request(script: &Script) -> Option<ResumeRequest> {
    let Some(Step::Client(line)) = script.steps.first() else { return None };
    let json: serde_json::Value = serde_json::from_str(line.strip_prefix('\u{1}')?).unwrap();
    let resume = &json["resume"];
    let from = if let Some(seq) = resume["after"].as_u64() {
        let stream = StreamId::new(resume["stream"].as_str().unwrap()).unwrap();
        ResumeFrom::After(Position { stream, seq })
    } else if let Some(count) = resume["last"].as_u64() {
        ResumeFrom::Last(count)
    } else {
        ResumeFrom::AfterTime(resume["after_time"].as_i64().unwrap())
    };
    Some(ResumeRequest::new(from, Nonce::new(json["nonce"].as_str().unwrap()).unwrap()))
}
