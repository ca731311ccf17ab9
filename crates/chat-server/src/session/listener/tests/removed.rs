//! Messages that were removed or have expired before a listener has received them.

use super::*;

/// Removes messages as the journal thread does.
fn remove(room: &mut TestRoom, seqs: &[u64]) {
    let action = OperatorAction::Remove { seqs: seqs.to_vec() };
    room.act(ActionDraft { actor: Nickname::new("root").unwrap(), reason: None, action });
}

#[tokio::test(start_paused = true)]
async fn a_removed_text_does_not_reach_those_behind() {
    for numbered in [false, true] {
        let mut room = TestRoom::new(1 << 20);
        let (mut peer, _session) = listen(&room, 40);
        if numbered {
            peer.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
            line(&mut peer).await;
        }
        for number in 1..=9 {
            room.post(&format!("message {number}"));
        }
        // The pipe holds the first line in part.
        sleep(Duration::from_secs(1)).await;
        remove(&mut room, &[3, 4, 9]);
        let mut seen = Vec::new();
        for _ in 0..if numbered { 9 } else { 6 } {
            seen.push(line(&mut peer).await);
        }
        for (index, seq) in [1, 2, 5, 6, 7, 8].into_iter().enumerate() {
            if numbered {
                assert!(seen.iter().any(|line| line.contains(&format!("\"seq\": {seq}, "))), "{seen:?}");
            } else {
                assert_eq!(seen[index], format!("Keen Bob: message {seq}\n"));
            }
        }
        for seq in [3, 4, 9].into_iter().filter(|_| numbered) {
            assert!(seen[seq - 1].starts_with(&format!("\u{1}{{\"removed\": {seq}, ")), "{seen:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_torn_line_of_a_removed_text_ends_the_connection() {
    let mut room = TestRoom::new(1 << 20);
    let (peer, session) = listen(&room, 20);
    tokio::task::yield_now().await;
    room.post("a text that is longer than the pipe");
    room.post("another one of the same length, say");
    sleep(Duration::from_secs(1)).await;
    remove(&mut room, &[1]);
    let mut peer = peer;
    let mut rest = String::new();
    peer.read_to_string(&mut rest).await.unwrap();
    assert!("Keen Bob: a text that is longer than the pipe".starts_with(&rest), "{rest}");
    assert!(matches!(session.await.unwrap(), Err(ListenerExit::TornLine)));
}

/// The rule that leaves the newest message only.
const NEWEST: Retention = Retention::everything().with_bytes(Some(1));

#[tokio::test(start_paused = true)]
async fn those_behind_are_told_what_has_expired() {
    for numbered in [false, true] {
        // The shared log has the newest message only.
        let mut room = TestRoom::new(1);
        let mut example = bytes::BytesMut::new();
        let text = chat_proto::Text::new("message 1").unwrap();
        match numbered {
            true => chat_proto::encode_numbered(&mut example, 1, 1_700_000_000_000, "Keen Bob", &text),
            false => chat_proto::encode_plain(&mut example, "Keen Bob", &text),
        }
        // Two lines fit into the pipe, so that none is sent in part.
        let (mut peer, _session) = listen(&room, 2 * example.len());
        if numbered {
            peer.write_all(b"\x01{\"resume\": {\"last\": 0}, \"nonce\": \"n\"}\n").await.unwrap();
            line(&mut peer).await;
        }
        for number in 1..=9 {
            room.post(&format!("message {number}"));
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(room.expire(&NEWEST), 8);
        for seq in [1, 2] {
            let line = line(&mut peer).await;
            assert!(line.contains(&format!("message {seq}")), "{line}");
        }
        if numbered {
            assert_eq!(line(&mut peer).await, "\u{1}{\"expired\": 8}\n");
        }
        assert!(line(&mut peer).await.contains("message 9"));
    }
}

#[tokio::test(start_paused = true)]
async fn resume_says_what_has_expired() {
    let mut room = TestRoom::new(1 << 20);
    for number in 1..=9 {
        room.post(&format!("message {number}"));
    }
    room.expire(&NEWEST);
    let stream = room.context.stream().unwrap().clone();
    for (request, expired) in [
        (format!("{{\"stream\": \"{stream}\", \"after\": 2}}"), Some(8)),
        (format!("{{\"stream\": \"{stream}\", \"after\": 7}}"), Some(8)),
        (format!("{{\"stream\": \"{stream}\", \"after\": 8}}"), None),
        ("{\"stream\": \"other\", \"after\": 2}".to_owned(), None),
        ("{\"last\": 5}".to_owned(), None),
        ("{\"after_time\": 0}".to_owned(), None),
    ] {
        let (mut peer, _session) = listen(&room, 4 * 1024);
        peer.write_all(format!("\u{1}{{\"resume\": {request}, \"nonce\": \"n\"}}\n").as_bytes()).await.unwrap();
        let answer = line(&mut peer).await;
        assert!(answer.contains("\"from\": 9, \"head\": 9"), "{answer}");
        let said = answer.contains("\"expired\": 8, \"nonce\"");
        assert_eq!((said, answer.contains("expired")), (expired.is_some(), expired.is_some()), "{request}: {answer}");
    }
}
