//! Each example is run against a real room, and does what it says.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use chat_client::{ClientConfig, Listener, ListenerEvent, Nickname, Text, Writer, register};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Cargo builds the examples of a package before it runs its tests, beside the tests' own folder.
fn program(name: &str) -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built", program.display());
    program
}

fn start(name: &str, config: Option<&ClientConfig>) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(program(name));
    if let Some(config) = config {
        command.args([config.listen_port.to_string(), config.write_port.to_string()]);
    }
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// A room that the example opens.
async fn room() -> (Child, ClientConfig) {
    let (child, mut lines) = start("embedded_server", None);
    let ready = lines.next_line().await.unwrap().unwrap();
    let port = |name: &str| {
        let at = ready.split_whitespace().find_map(|word| word.strip_prefix(name)).expect(&ready);
        at.rsplit(':').next().unwrap().parse().unwrap()
    };
    let mut config = ClientConfig::default();
    (config.listen_port, config.write_port) = (port("listen="), port("write="));
    (child, config)
}

async fn next_text(listener: &mut Listener) -> String {
    loop {
        if let ListenerEvent::Message(message) = listener.next().await.expect("the room goes on") {
            return message.text.to_string();
        }
    }
}

/// A listener that has its place in the room.
async fn ear(config: &ClientConfig) -> Listener {
    let listener = Listener::builder(config.clone()).start();
    listener.state().wait_for(chat_client::ConnectionState::is_online).await.unwrap();
    listener
}

#[tokio::test]
async fn the_writer_says_hello_and_the_listener_prints_it() {
    let (_server, config) = room().await;
    let mut ear = ear(&config).await;
    let (_listener, mut heard) = start("hello_listener", Some(&config));
    let (mut writer, mut told) = start("hello_writer", Some(&config));
    assert!(told.next_line().await.unwrap().unwrap().ends_with(" hello"));
    assert_eq!(told.next_line().await.unwrap().unwrap(), "stored as number 1");
    assert!(writer.wait().await.unwrap().success());
    assert_eq!(next_text(&mut ear).await, "hello, world");
    // The listener may have come later than the message: say more until it has heard one.
    let me = register(&config, Nickname::new("again").unwrap()).await.unwrap();
    let again = Writer::builder(config).token(me.token).start();
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            line = heard.next_line() => {
                assert!(line.unwrap().unwrap().contains(": "));
                return;
            }
            _ = pause.tick() => {
                again.send(Text::new("once more").unwrap()).await.unwrap().await.unwrap();
            }
        }
    }
}

#[tokio::test]
async fn the_bot_answers_and_does_not_answer_itself() {
    let (_server, config) = room().await;
    let mut ear = ear(&config).await;
    let (_bot, mut told) = start("echo_bot", Some(&config));
    told.next_line().await.unwrap().unwrap();
    let me = register(&config, Nickname::new("asker").unwrap()).await.unwrap();
    let writer = Writer::builder(config).token(me.token).start();
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            text = next_text(&mut ear) => match text.as_str() {
                "!echo !echo me" => {}
                "!echo me" => return,
                other => panic!("the bot said {other:?}"),
            },
            _ = pause.tick() => {
                writer.send(Text::new("!echo !echo me").unwrap()).await.unwrap().await.unwrap();
            }
        }
    }
}
