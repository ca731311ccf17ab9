//! Runs each example against a server.
#![allow(clippy::unwrap_used, missing_docs)]

use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chat_client::{ClientConfig, Listener, ListenerEvent, Nickname, Text, Writer, register};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Deadline of every wait.
const DEADLINE: Duration = Duration::from_secs(60);

/// Fails a test that waits longer than [`DEADLINE`].
async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.unwrap_or_else(|_| panic!("{what} takes more than 60 s"))
}

/// Returns the path of an example. Cargo builds the examples of a package before its tests run, in the directory next to
/// that of the tests.
fn program(name: &str) -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().join("examples");
    let program = folder.join(name);
    assert!(program.exists(), "{} is not built", program.display());
    program
}

fn start(name: &str, config: Option<&ClientConfig>) -> (Child, Lines<BufReader<ChildStdout>>) {
    start_with(name, None, config)
}

/// Starts a program that keeps something at a path.
fn start_with(
    name: &str,
    path: Option<&Path>,
    config: Option<&ClientConfig>,
) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut command = Command::new(program(name));
    command.args(path);
    if let Some(config) = config {
        command.args([config.listen_port.to_string(), config.write_port.to_string()]);
    }
    let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    (child, lines)
}

/// Starts the server of the example.
async fn server() -> (Child, ClientConfig) {
    let (child, mut lines) = start("embedded_server", None);
    let ready = within("the ready line", lines.next_line()).await.unwrap().unwrap();
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
        if let ListenerEvent::Message(message) = listener.next().await.expect("a running listener") {
            return message.text.to_string();
        }
    }
}

/// Starts a listener and waits until it is online.
async fn online_listener(config: &ClientConfig) -> Listener {
    let listener = Listener::builder(config.clone()).start();
    within("connecting", listener.state().wait_for(chat_client::ConnectionState::is_online)).await.unwrap();
    listener
}

#[tokio::test]
async fn hello_writer_posts_and_listener_prints() {
    let (_server, config) = server().await;
    let mut own = online_listener(&config).await;
    let (_listener, mut printed) = start("hello_listener", Some(&config));
    let (mut writer, mut output) = start("hello_writer", Some(&config));
    assert!(within("the nickname", output.next_line()).await.unwrap().unwrap().ends_with(" hello"));
    assert_eq!(within("the receipt", output.next_line()).await.unwrap().unwrap(), "stored as number 1");
    assert!(within("the end", writer.wait()).await.unwrap().success());
    assert_eq!(within("the message", next_text(&mut own)).await, "hello, world");
    // The listener may have connected after the message: post until it has printed one.
    let me = register(&config, Nickname::new("again").unwrap()).await.unwrap();
    let again = Writer::builder(config).token(me.token).start();
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    within("a printed line", async {
        loop {
            // All branches are cancel safe; posting is in an arm.
            tokio::select! {
                line = printed.next_line() => {
                    assert!(line.unwrap().unwrap().contains(": "));
                    return;
                }
                _ = pause.tick() => {
                    again.send(Text::new("once more").unwrap()).await.unwrap().await.unwrap();
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn echo_bot_answers() {
    let (_server, config) = server().await;
    let mut own = online_listener(&config).await;
    let state = tempfile::tempdir().unwrap();
    let (mut bot, mut output) = start_with("echo_bot", Some(state.path()), Some(&config));
    let first = within("the nickname", output.next_line()).await.unwrap().unwrap();
    // Killed and started again, it has the same account.
    within("the end", bot.kill()).await.unwrap();
    let (_bot, mut output) = start_with("echo_bot", Some(state.path()), Some(&config));
    assert_eq!(within("the nickname", output.next_line()).await.unwrap().unwrap(), first);
    let me = register(&config, Nickname::new("asker").unwrap()).await.unwrap();
    let writer = Writer::builder(config).token(me.token).start();
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    within("an answer", async {
        loop {
            // All branches are cancel safe; posting is in an arm.
            tokio::select! {
                text = next_text(&mut own) => match text.as_str() {
                    "!echo me" => {}
                    "me" => return,
                    other => panic!("unexpected answer {other:?}"),
                },
                _ = pause.tick() => {
                    writer.send(Text::new("!echo me").unwrap()).await.unwrap().await.unwrap();
                }
            }
        }
    })
    .await;
}
