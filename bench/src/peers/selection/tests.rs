//! The bytes of each protocol: posts, confirmations and messages.

use super::*;
use crate::peers::Counter;
use crate::text;
use crate::text::tests::numbers;

fn all_peers() -> Vec<Box<dyn Peer>> {
    all(&ServerOptions::default())
}

fn peer(name: &str) -> Box<dyn Peer> {
    all_peers().into_iter().find(|peer| peer.name() == name).unwrap()
}

fn posted(name: &str, number: u64) -> String {
    let mut out = Vec::new();
    peer(name).post(number, b"hello", &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn posts_follow_their_protocols() {
    assert_eq!(posted("ours", 7), "hello\n\n");
    assert_eq!(posted("ours-ids", 7), "\u{1}{\"id\": \"01a22b384feb7c790000000000000007\", \"text\": \"hello\"}\n");
    assert_eq!(posted("redis", 7), "*3\r\n$7\r\nPUBLISH\r\n$4\r\nroom\r\n$5\r\nhello\r\n");
    assert_eq!(posted("nats", 7), "PUB room 5\r\nhello\r\n");
    assert_eq!(posted("inspircd", 7), "PRIVMSG #room :hello\r\n");
    assert_eq!(posted("ngircd", 7), posted("inspircd", 7));
    assert_eq!(posted("mosquitto", 7), "\x32\x0d\x00\x04room\x00\x08hello");
    for lines in ["asyncio", "broadcast", "raw"] {
        assert_eq!(posted(lines, 7), "hello\n");
    }
}

#[test]
fn counts_confirmations_in_any_pieces() {
    let confirmed: [(&str, &[u8]); 6] = [
        ("ours", b"Message send. Write more, end message with an empty line.\n"),
        ("ours-ids", b"\x01{\"ok\": \"7\", \"stream\": \"k3f9\", \"seq\": 1043}\n"),
        ("redis", b":1000\r\n"),
        ("nats", b"+OK\r\n"),
        ("mosquitto", b"\x40\x02\x00\x08"),
        ("raw", b"."),
    ];
    for (name, one) in confirmed {
        for size in 1..=one.len() {
            let mut counter = Counter::new(peer(name).confirms());
            let count: u64 = one.repeat(3).chunks(size).map(|piece| counter.feed(piece)).sum();
            assert_eq!(count, 3, "{name} in pieces of {size}");
        }
    }
    let ping = b"PING\r\n+OK\r\n";
    assert_eq!(Counter::new(peer("nats").confirms()).feed(ping), 1, "PING is not a confirmation");
}

#[test]
fn finds_texts_in_each_protocol() {
    let around: [(&str, &str); 6] = [
        ("Keen Bench: ", "\n"),
        ("\u{1}{\"seq\": 1043, \"at\": 1700000000123, \"nick\": \"Keen Bench\", \"text\": \"", "\"}\n"),
        ("*3\r\n$7\r\nmessage\r\n$4\r\nroom\r\n$60\r\n", "\r\n"),
        ("PING\r\nMSG room 1 60\r\n", "\r\n"),
        (":bench!~bench@127.0.0.1 PRIVMSG #room :", "\r\n"),
        ("\u{30}\u{42}\u{0}\u{4}room", ""),
    ];
    for (before, after) in around {
        let mut stream = Vec::new();
        for number in 0..3 {
            stream.extend_from_slice(before.as_bytes());
            text::append(&mut stream, number, 0);
            stream.extend_from_slice(after.as_bytes());
        }
        assert_eq!(numbers(&stream), [0, 1, 2], "{before}");
    }
}

#[test]
fn selects_by_name() {
    let server = ServerOptions::default();
    let two = select(&["nats".into(), "ours".into()], &server).unwrap();
    assert_eq!(two.iter().map(|peer| peer.name()).collect::<Vec<_>>(), ["ours", "nats"]);
    assert_eq!(select(&[], &server).unwrap().len(), all_peers().len());
    assert!(select(&["kafka".into()], &server).is_err());
}
