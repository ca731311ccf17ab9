//! Writer, listener and recorder together against a room whose connections break at any byte, while the listening
//! process is killed repeatedly; with paused time and from a seed.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::Duration;

use chat_client::testing::{Room, RoomDial};
use chat_client::{
    ClientConfig, Delivery, DeliveryError, History, HistoryError, Listener, Outbox, Recorder, Resume, Writer,
};

use support::{config, text, token};

const POSTS: usize = 120;

/// Returns a configuration with short retry delays: most connections of these tests are short, and waiting proves
/// nothing.
fn hasty(seed: u64) -> ClientConfig {
    let mut config = config();
    config.seed = Some(seed);
    config.retry.cap = Duration::from_millis(400);
    config
}

/// Listens into the history for `life`, then is killed.
async fn listen(path: &Path, dial: RoomDial, seed: u64, life: Duration, until: usize) -> bool {
    let mut recorder = match Recorder::open(path) {
        Ok(recorder) => recorder,
        Err(error @ HistoryError::Locked(_)) => panic!("{error}"),
        Err(error) => panic!("{error:?}"),
    };
    let mut config = hasty(seed);
    config.resume = recorder.resume(Resume::Last(1_000_000));
    let mut listener = Listener::builder(config).dial(dial).start();
    let mut events = Vec::new();
    let heard_all = tokio::time::timeout(life, async {
        while recorder.position().is_none_or(|position| position.seq < until as u64) {
            events.clear();
            assert_ne!(listener.next_batch(&mut events).await, 0);
            recorder.record_events(&events).unwrap();
        }
    });
    let done = heard_all.await.is_ok();
    if !done {
        // A killed process closes nothing and writes no cursor.
        let (history, cursor) = (std::fs::read(path).unwrap(), std::fs::read(path.with_extension("txt.cursor")).ok());
        drop(recorder);
        std::fs::write(path, history).unwrap();
        match cursor {
            Some(cursor) => std::fs::write(path.with_extension("txt.cursor"), cursor).unwrap(),
            None => drop(std::fs::remove_file(path.with_extension("txt.cursor"))),
        }
    }
    done
}

async fn post_all(dial: RoomDial, seed: u64, outbox: Outbox) -> Vec<Result<String, DeliveryError>> {
    let config = hasty(seed);
    let writer = Writer::builder(config).token(token()).outbox(outbox).dial(dial).start();
    let mut deliveries: Vec<(String, Delivery)> = Vec::new();
    for n in 0..POSTS {
        let said = format!("post\n{n:03}");
        deliveries.push((said.clone(), writer.send(text(&said)).await.unwrap()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut results = Vec::new();
    for (said, delivery) in deliveries {
        results.push(delivery.await.map(|_| said));
    }
    results
}

#[tokio::test(start_paused = true)]
async fn delivers_exactly_once_in_order() {
    for seed in 0..25 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.txt");
        let room = Room::new();
        let dial = room.dial();
        let mut cuts = chance.fork();
        room.break_after(move || cuts.usize(250..5000));
        let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
        let posting = tokio::spawn(post_all(dial.clone(), seed, outbox.clone()));
        while !listen(&path, dial.clone(), chance.u64(..), Duration::from_millis(chance.u64(1..3000)), POSTS).await {}
        let results = posting.await.unwrap();
        assert!(results.iter().all(Result::is_ok), "seed {seed}: {results:?}");
        assert_eq!(outbox.entries(), []);

        let said: Vec<String> = room.log().iter().map(|message| message.text.to_string()).collect();
        let sent: Vec<String> = (0..POSTS).map(|n| format!("post\n{n:03}")).collect();
        assert_eq!(said, sent, "seed {seed}: the room");
        let lines = History::open(&path).unwrap().tail(10_000).unwrap();
        let heard: Vec<String> = lines.iter().map(|line| line.text().into_owned()).collect();
        assert_eq!(heard, sent, "seed {seed}: the history");
    }
}

#[tokio::test(start_paused = true)]
async fn plain_server_confirms_only_delivered() {
    for seed in 0..25 {
        let mut chance = fastrand::Rng::with_seed(seed);
        let dir = tempfile::tempdir().unwrap();
        let room = Room::plain();
        let dial = room.dial();
        room.break_after(move || chance.usize(300..3000));
        let outbox = Outbox::open(dir.path().join("outbox"), "room").unwrap();
        let results = post_all(dial, seed, outbox.clone()).await;
        let said: Vec<String> = room.log().iter().map(|message| message.text.to_string().replace('\n', " ")).collect();
        let mut unconfirmed = 0;
        for result in &results {
            match result {
                Ok(text) => {
                    let times = said.iter().filter(|said| **said == text.replace('\n', " ")).count();
                    assert_eq!(times, 1, "seed {seed}: {text:?}");
                }
                Err(DeliveryError::Unconfirmed { .. }) => unconfirmed += 1,
                Err(other) => panic!("seed {seed}: {other:?}"),
            }
        }
        assert_eq!(outbox.entries().len(), unconfirmed);
        let mut once = said.clone();
        once.dedup();
        assert_eq!(once, said, "seed {seed}: nothing twice");
    }
}
