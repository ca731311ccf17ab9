//! Ids and resume (protocol, section 5).

use serde_json::json;

use crate::peer::{CONFIRMED, Peer, id_post, in_memory, on_disk};

#[tokio::test]
async fn stores_an_id_once_and_answers_alike() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let (mut listener, answer) = Peer::resuming(&server, "{\"last\": 0}").await;
    let stream = answer["stream"].clone();
    assert_eq!((&answer["from"], &answer["head"]), (&json!(1), &json!(0)));
    // Twice in one write, hence in one transaction, and again over another connection.
    writer.send(format!("{}{}", id_post("p1", "two\nlines").repeat(2), id_post("p2", "x"))).await;
    let stored = |id: &str, seq: u64| json!({ "ok": id, "stream": stream, "seq": seq });
    for expected in [stored("p1", 1), stored("p1", 1), stored("p2", 2)] {
        assert_eq!(writer.answer().await, expected);
    }
    let mut again = Peer::logged_in(&server, &record.token).await;
    assert_eq!(again.post("p1", "another text").await, stored("p1", 1));
    // Ids of another account are independent.
    let (mut other, _) = Peer::registered(&server, "Eve").await;
    assert_eq!(other.post("p1", "hers").await, stored("p1", 3));
    let texts = [listener.numbered().await.text, listener.numbered().await.text, listener.numbered().await.text];
    assert_eq!(texts, ["two\nlines", "x", "hers"]);

    server.drain().await.unwrap();
    let server = on_disk(&dir).await;
    let mut writer = Peer::logged_in(&server, &record.token).await;
    assert_eq!(writer.post("p1", "after a restart").await, stored("p1", 1));
    assert_eq!(writer.post("p4", "new").await, stored("p4", 4));
    let (mut listener, answer) = Peer::resuming(&server, &format!("{{\"stream\": {stream}, \"after\": 1}}")).await;
    assert_eq!((&answer["stream"], &answer["from"], &answer["head"]), (&stream, &json!(2), &json!(4)));
    for (seq, text) in [(2, "x"), (3, "hers"), (4, "new")] {
        let message = listener.numbered().await;
        assert_eq!((message.seq, message.text.as_str()), (seq, text));
    }
}

#[tokio::test]
async fn declines_with_the_reason() {
    let server = in_memory().await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    let answer = writer.post("p1", &"x".repeat(17_000)).await;
    assert_eq!(answer, json!({ "no": "p1", "code": "too_long" }));
    writer.send("\u{1}{\"unknown\": 1}\n\u{1}not json\n\n").await;
    writer.expect(CONFIRMED).await;
}

#[tokio::test]
async fn starts_at_the_requested_position() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let mut stream = String::new();
    for number in 1..=10 {
        let answer = writer.post(&format!("p{number}"), &format!("text {number}")).await;
        stream = answer["stream"].as_str().unwrap().to_owned();
    }
    let (mut all, _) = Peer::resuming(&server, "{\"last\": 100}").await;
    let mut messages = Vec::new();
    for seq in 1..=10 {
        let message = all.numbered().await;
        assert_eq!((message.seq, &message.nick), (seq, &record.nickname));
        messages.push(message);
    }
    assert!(messages.is_sorted_by_key(|message| message.at));
    let at = messages[4].at;
    let after_time = messages.iter().position(|message| message.at > at).map_or(11, |index| index as u64 + 1);
    for (request, from) in [
        (format!("{{\"stream\": \"{stream}\", \"after\": 7}}"), 8),
        (format!("{{\"stream\": \"{stream}\", \"after\": 10}}"), 11),
        (format!("{{\"stream\": \"{stream}\", \"after\": 5000}}"), 11),
        ("{\"last\": 3}".to_owned(), 8),
        ("{\"last\": 0}".to_owned(), 11),
        (format!("{{\"after_time\": {at}}}"), after_time),
        ("{\"after_time\": 0}".to_owned(), 1),
        ("{\"stream\": \"unheard-of\", \"after\": 7}".to_owned(), 1),
    ] {
        let (mut listener, answer) = Peer::resuming(&server, &request).await;
        assert_eq!((&answer["from"], &answer["head"]), (&json!(from), &json!(10)), "{request}");
        assert_eq!(answer["stream"], stream.as_str());
        for expected in &messages[from as usize - 1..] {
            assert_eq!(&listener.numbered().await, expected);
        }
    }
}

#[tokio::test]
async fn late_request_reports_the_plain_lines() {
    let server = in_memory().await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    writer.post("p0", "before").await;
    let mut listener = Peer::listening(&server).await;
    for number in 1..=3 {
        writer.post(&format!("p{number}"), &format!("text {number}")).await;
    }
    for number in 1..=3 {
        listener.expect(format!("{}: text {number}\n", record.nickname)).await;
    }
    let answer = listener.resume("{\"last\": 4}").await;
    assert_eq!((&answer["from"], &answer["head"], &answer["plain"]), (&json!(1), &json!(4), &json!([2, 4])));
    for (seq, text) in [(1, "before"), (2, "text 1"), (3, "text 2"), (4, "text 3")] {
        let message = listener.numbered().await;
        assert_eq!((message.seq, message.text.as_str()), (seq, text));
    }
    writer.post("p4", "after").await;
    assert_eq!(listener.numbered().await.text, "after");
}

#[tokio::test]
async fn request_inside_a_line_waits_for_its_end() {
    let server = in_memory().await;
    let mut listener = Peer::connect_narrow(server.listen_addr()).await.seated().await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let text = "z".repeat(7_000);
    let posts = 1_500;
    for number in 0..posts {
        writer.post(&format!("p{number}"), &text).await;
    }
    // Its buffers are full by now, so the server has sent part of a line.
    listener.send("\u{1}{\"resume\": {\"last\": 1}, \"nonce\": \"n\"}\n").await;
    let plain = format!("{}: {text}\n", record.nickname);
    let mut seen = 0;
    let answer = loop {
        let line = listener.line().await;
        if line != plain {
            break line;
        }
        seen += 1;
    };
    let answer: serde_json::Value = serde_json::from_str(answer.strip_prefix('\u{1}').unwrap()).unwrap();
    assert_eq!((&answer["from"], &answer["plain"]), (&json!(posts), &json!([1, seen])));
    assert!(seen < posts);
    assert_eq!(listener.numbered().await.seq, posts);
}

#[tokio::test]
async fn catches_up_and_continues_live() {
    let dir = tempfile::tempdir().unwrap();
    let server = on_disk(&dir).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    for turn in 0..20 {
        let posts: String = (0..500).map(|number| id_post(&format!("{turn}-{number}"), &"é".repeat(200))).collect();
        writer.send(posts).await;
        for _ in 0..500 {
            writer.answer().await;
        }
    }
    server.drain().await.unwrap();
    let server = on_disk(&dir).await;
    let mut writer = Peer::logged_in(&server, &record.token).await;
    let (mut listener, _) = Peer::resuming(&server, "{\"after_time\": 0}").await;
    for seq in 1..=10_000 {
        assert_eq!(listener.numbered().await.seq, seq);
        if seq == 5_000 {
            writer.post("live", "live").await;
        }
    }
    assert_eq!(listener.numbered().await.text, "live");
}

#[tokio::test]
async fn confirmed_message_is_already_visible() {
    let server = in_memory().await;
    let (mut writer, _) = Peer::registered(&server, "Bob").await;
    for number in 1..=200u64 {
        assert_eq!(writer.post(&format!("p{number}"), "x").await["seq"], json!(number));
        let (_listener, answer) = Peer::resuming(&server, "{\"last\": 0}").await;
        assert_eq!(answer["head"], json!(number));
    }
}
