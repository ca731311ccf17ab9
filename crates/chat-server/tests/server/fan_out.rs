//! Many listeners receive the same order.

use std::collections::HashMap;

use chat_server::{Limits, MemoryJournal};

use crate::peer::{CONFIRMED, Peer, config, in_memory, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_listeners_receive_the_same_order() {
    const WRITERS: usize = 4;
    const POSTS: usize = 200;
    let server = in_memory().await;
    let mut listeners = Vec::new();
    for number in 0..6 {
        listeners.push(match number % 2 {
            0 => Peer::listening(&server).await,
            _ => Peer::resuming(&server, "{\"last\": 0}").await.0,
        });
    }
    let mut tasks = Vec::new();
    for _ in 0..WRITERS {
        let (mut writer, record) = Peer::registered(&server, "w").await;
        tasks.push(tokio::spawn(async move {
            for number in 0..POSTS {
                writer.send(format!("{number}\n\n")).await;
            }
            writer.expect(CONFIRMED.repeat(POSTS)).await;
            record.nickname
        }));
    }
    let mut first = None;
    for (number, listener) in listeners.iter_mut().enumerate() {
        let mut seen = Vec::new();
        for place in 1..=(WRITERS * POSTS) as u64 {
            seen.push(if number % 2 == 0 {
                listener.line().await
            } else {
                let message = listener.numbered().await;
                assert_eq!(message.seq, place);
                format!("{}: {}\n", message.nick, message.text)
            });
        }
        assert_eq!(first.get_or_insert_with(|| seen.clone()), &seen);
    }
    let mut expected: HashMap<String, usize> = HashMap::new();
    for task in tasks {
        expected.insert(task.await.unwrap(), 0);
    }
    for line in first.unwrap() {
        let (nick, text) = line.trim_end().split_once(": ").unwrap();
        let next = expected.get_mut(nick).unwrap();
        assert_eq!(text, next.to_string(), "each writer's own order");
        *next += 1;
    }
    assert!(expected.values().all(|&count| count == POSTS));
}

#[tokio::test]
async fn slow_listener_loses_and_delays_nothing() {
    const POSTS: usize = 12_000;
    let mut config = config();
    config.limits.ring_bytes = 16 * 1024;
    let server = start(config, MemoryJournal::new()).await;
    let mut stalled = Peer::connect_narrow(server.listen_addr()).await.seated().await;
    let (mut stalled_numbered, _) = Peer::resuming(&server, "{\"last\": 0}").await;
    let mut live = Peer::listening(&server).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let text = "y".repeat(1000);
    let line = |number: usize| format!("{}: {number} {text}\n", record.nickname);
    for number in 0..POSTS {
        writer.send(format!("{number} {text}\n\n")).await;
        if number % 100 == 99 {
            writer.expect(CONFIRMED.repeat(100)).await;
        }
    }
    for number in 0..POSTS {
        live.expect(line(number)).await;
    }
    for number in 0..POSTS {
        stalled.expect(line(number)).await;
        let message = stalled_numbered.numbered().await;
        assert_eq!((message.seq, message.text), (number as u64 + 1, format!("{number} {text}")));
    }
    writer.send("end\n\n").await;
    stalled.expect(format!("{}: end\n", record.nickname)).await;
}

#[tokio::test]
async fn closes_a_listener_that_reads_nothing() {
    let mut config = config();
    config.limits.stall = std::time::Duration::from_millis(300);
    let server = start(config, MemoryJournal::new()).await;
    let mut stalled = Peer::connect_narrow(server.listen_addr()).await.seated().await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    let mut live = Peer::listening(&server).await;
    let (text, figures) = ("y".repeat(8000), server.observer());
    while figures.figures().stalled == 0 {
        writer.send(format!("{text}\n\n")).await;
        writer.expect(CONFIRMED).await;
        live.line().await;
    }
    // It gets what its own kernel still buffers, and then a reset instead of a clean end: nothing is kept for it.
    let mut seen = 0;
    let end = loop {
        match stalled.try_chunk().await {
            Ok(0) => panic!("a clean end after {seen} bytes"),
            Ok(count) => seen += count,
            Err(error) => break error,
        }
    };
    assert!(seen > 0);
    assert_eq!(end.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn disconnect_frees_the_connection() {
    let mut config = config();
    config.limits = Limits::default();
    config.limits.connections = 3;
    let server = start(config, MemoryJournal::new()).await;
    let _one = Peer::listening(&server).await;
    let _two = Peer::listening(&server).await;
    let mut third = Peer::listening(&server).await;
    for _ in 0..20 {
        Peer::connect(server.listen_addr()).await.expect_end().await;
        drop(third);
        // The server notices without a message.
        third = loop {
            let mut next = Peer::connect(server.listen_addr()).await;
            next.send_lossy("\u{1}{\"ping\": 1}\n").await;
            if next.next_line().await.is_some() {
                break next;
            }
        };
    }
}
