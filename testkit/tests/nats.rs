//! Three `nats-server` that are killed and come back, a log that they keep, and a node that follows it. Run by `.ci/cluster`.
#![cfg(unix)]

use std::time::Duration;

use anyhow::{Context as _, Result};
use chat_client::{ClientConfig, Listener, ListenerEvent, Nickname, Resume, Text, Writer, register};
use chat_server::nats::{LogStatus, NatsLog, NatsOptions, check_log, create_log, replace_log};
use chat_server::replication::Projection as _;
use chat_server::{Readiness, Server, ServerConfig, ServerHandle, SqliteProjection};
use tempfile::TempDir;
use testkit::nats_servers::NatsServers;
use tokio::time::timeout;

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn a_log_outlives_each_of_three_servers() -> Result<()> {
    let mut nats = NatsServers::start(&NatsServers::program()?, 3).await?;
    let options = NatsOptions::new(nats.addresses());
    let made = create_log(&options, "a test").await?;
    for index in 0..3 {
        match index {
            0 => nats.kill(index)?,
            _ => nats.stop(index).await?,
        }
        let found = answered(&options).await?;
        assert_eq!((found.generation, found.copies.len()), (made.generation, 3));
        nats.restart(index)?;
        nats.ready().await?;
    }
    Ok(())
}

/// How long a change may take to be noticed: an election takes up to 9 s, and what is said of a lost log is believed late.
const WITHIN: Duration = Duration::from_secs(120);

/// Returns what the log is. After a server is lost the others may have to elect a leader first.
async fn answered(options: &NatsOptions) -> Result<LogStatus> {
    let answered = async {
        loop {
            match check_log(options).await {
                Err(error) if error.is_passing() => tokio::time::sleep(Duration::from_millis(50)).await,
                found => return found,
            }
        }
    };
    Ok(timeout(WITHIN, answered).await.context("the log does not answer")??)
}

/// Waits for a readiness.
async fn reaches(server: &ServerHandle, wanted: Readiness) -> Result<()> {
    let observer = server.observer();
    let reached = async {
        while observer.readiness() != wanted {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(WITHIN, reached).await.with_context(|| format!("it is {:?}, not {wanted:?}", observer.readiness()))
}

/// A node of a new room, and where its store is.
async fn node(options: &NatsOptions, store: &TempDir) -> Result<ServerHandle> {
    let log = create_log(options, "a test").await?;
    let store = SqliteProjection::create(store.path(), log.generation.context("no generation")?)?;
    let log = NatsLog::follow(options.clone(), store.generation(), store.applied());
    Ok(Server::start_node(ServerConfig::on_free_ports(), store, log).await?)
}

fn client(server: &ServerHandle) -> ClientConfig {
    let mut config = ClientConfig::new("127.0.0.1");
    (config.listen_port, config.write_port) = (server.listen_addr().port(), server.write_addr().port());
    config.answer_timeout = WITHIN;
    config
}

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn posts_wait_for_a_majority() -> Result<()> {
    let mut nats = NatsServers::start(&NatsServers::program()?, 3).await?;
    let store = tempfile::tempdir()?;
    let server = node(&NatsOptions::new(nats.addresses()), &store).await?;
    reaches(&server, Readiness::Ready).await?;
    let account = register(&client(&server), Nickname::new("Bob")?).await?;
    let writer = Writer::builder(client(&server)).token(account.token).start();
    timeout(WITHIN, writer.send(Text::new("before")?).await?).await??;
    nats.kill(0)?;
    nats.kill(1)?;
    reaches(&server, Readiness::LogAway).await?;
    // It is put off as often as needed, which uses up no tries.
    let meanwhile = writer.send(Text::new("meanwhile")?).await?;
    let mut config = client(&server);
    config.resume = Resume::Last(1);
    let mut listener = Listener::builder(config).start();
    let text = async {
        loop {
            if let Some(ListenerEvent::Message(message)) = listener.next().await {
                return message.text.to_string();
            }
        }
    };
    assert_eq!(timeout(WITHIN, text).await?, "before");
    nats.restart(0)?;
    nats.restart(1)?;
    let stored = timeout(WITHIN, meanwhile).await??;
    assert_eq!(stored.position.context("no position")?.seq, 2);
    reaches(&server, Readiness::Ready).await?;
    server.drain().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn a_node_does_not_follow_another_log() -> Result<()> {
    let nats = NatsServers::start(&NatsServers::program()?, 3).await?;
    let (options, store) = (NatsOptions::new(nats.addresses()), tempfile::tempdir()?);
    let server = node(&options, &store).await?;
    reaches(&server, Readiness::Ready).await?;
    // As after an operator's mistake, or a loss of all copies.
    replace_log(&options, "another beginning").await?;
    reaches(&server, Readiness::Diverged).await?;
    server.drain().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn a_copy_that_does_not_answer_is_asked_around() -> Result<()> {
    let mut nats = NatsServers::start(&NatsServers::program()?, 3).await?;
    let (options, store) = (NatsOptions::new(nats.addresses()), tempfile::tempdir()?);
    let server = node(&options, &store).await?;
    reaches(&server, Readiness::Ready).await?;
    let leader = check_log(&options).await?.copies.into_iter().find(|copy| copy.leads).context("no leader")?;
    let leader = nats.servers().iter().position(|one| one.name() == leader.server).context("a foreign leader")?;
    let figures = || server.observer().figures().node.context("not a node");
    let before = figures()?;
    nats.pause(leader)?;
    let goes_on = async {
        while figures()?.place < before.place + 15 {
            // Each call makes the node try the log within a second.
            let _ = server.observer().readiness();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Result::<_>::Ok(())
    };
    timeout(WITHIN, goes_on).await.context("nothing is stored")??;
    // Away from the paused server, if the node used it, and once while the others elected a leader.
    let connections = figures()?.connections - before.connections;
    assert!(connections <= 2, "{connections} connections");
    nats.go_on(leader)?;
    server.drain().await?;
    Ok(())
}
