//! What a program that embeds the server relies on: hooks, announcements, and a journal in memory that it keeps.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use chat_proto::Text;
use chat_server::{Author, Hooks, MemoryJournal, MessageRecord, PostDecision, ServerHooks};

use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, config, guarded, start};

/// Changes, refuses and observes posts, and decides on registrations.
#[derive(Clone, Default)]
struct Recording {
    stored: Arc<Mutex<Vec<String>>>,
}

impl ServerHooks for Recording {
    fn may_register(&self, peer: IpAddr, asked: &str) -> bool {
        peer.is_loopback() && asked != "Mallory"
    }

    fn post(&self, author: &Author, text: Text) -> PostDecision {
        assert!(author.nickname.as_str().ends_with(" Bob"));
        match text.as_str() {
            "refused" => PostDecision::Refuse,
            other => PostDecision::Accept(Text::new(&format!("({other})")).unwrap()),
        }
    }

    fn stored(&self, message: &MessageRecord) {
        self.stored.lock().unwrap().push(format!("{} {}", message.seq, message.text));
    }
}

#[tokio::test]
async fn hooks_decide_and_observe() {
    let mut config = config();
    let hooks = Recording::default();
    config.hooks = Some(Hooks::new(hooks.clone()));
    let server = start(config, MemoryJournal::new()).await;

    let mut mallory = Peer::connect(server.write_addr()).await;
    mallory.send("\nMallory\n").await;
    mallory.expect(format!("{GREETING}{PROMPT}")).await;
    mallory.expect_end().await;

    let (mut bob, _) = Peer::registered(&server, "Bob").await;
    bob.send("hello\n\n\u{1}{\"id\": \"a\", \"text\": \"refused\"}\n").await;
    let answers = [bob.line().await, bob.line().await];
    assert!(answers.iter().any(|answer| answer == CONFIRMED), "{answers:?}");
    assert!(answers.iter().any(|answer| answer.contains("\"no\": \"a\", \"code\": \"refused\"")), "{answers:?}");
    // A plain post has no other answer.
    bob.send("refused\n\n").await;
    bob.expect_end().await;

    let position = guarded("announcing", server.announce(Text::new("news").unwrap())).await.unwrap();
    assert_eq!(position.seq, 2);
    server.drain().await.unwrap();
    assert_eq!(*hooks.stored.lock().unwrap(), ["1 (hello)", "2 news"]);
}

#[tokio::test]
async fn announces_to_all_listeners() {
    let server = start(config(), MemoryJournal::new()).await;
    let mut listener = Peer::listening(&server).await;
    let position = server.announce(Text::new("back at noon").unwrap()).await.unwrap();
    listener.expect("Server: back at noon\n").await;
    assert_eq!(position.seq, 1);
}

#[tokio::test]
async fn a_kept_memory_journal_continues() {
    let journal = MemoryJournal::new();
    let server = start(config(), journal.clone()).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    writer.send("\u{1}{\"id\": \"a\", \"text\": \"one\"}\n").await;
    let stored = writer.line().await;
    server.drain().await.unwrap();

    let server = start(config(), journal).await;
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send(format!("{}\n\u{1}{{\"id\": \"a\", \"text\": \"one\"}}\ntwo\n\n", record.token)).await;
    for _ in 0..3 {
        writer.line().await;
    }
    assert_eq!(writer.line().await, stored, "it is stored once");
    assert_eq!(writer.line().await, CONFIRMED);
    let stream = serde_json::from_str::<serde_json::Value>(stored.trim_start_matches('\u{1}')).unwrap();
    let stream = stream["stream"].as_str().unwrap();
    let mut listener = Peer::connect(server.listen_addr()).await;
    listener.send(format!("\u{1}{{\"resume\": {{\"stream\": \"{stream}\", \"after\": 0}}, \"nonce\": \"n\"}}\n")).await;
    assert!(listener.line().await.contains("\"from\": 1, \"head\": 2"));
    for text in ["one", "two"] {
        assert!(listener.line().await.contains(&format!("\"text\": \"{text}\"")));
    }
}
