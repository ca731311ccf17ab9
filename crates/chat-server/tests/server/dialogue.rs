//! The write port, byte for byte.

use chat_server::MemoryJournal;

use crate::peer::{CONFIRMED, GREETING, PLAIN_WELCOME, PROMPT, Peer, WELCOME, config, in_memory, start};

#[tokio::test]
async fn unknown_token_leads_to_registration() {
    let server = in_memory().await;
    let mut writer = Peer::connect(server.write_addr()).await;
    assert_eq!(writer.read_once().await, GREETING);
    writer.send("9a08f44c-c541-41eb-8c47-0242ac110002\n").await;
    // One write per turn, because some clients read 200 bytes at once.
    assert_eq!(writer.read_once().await, format!("null\n{PROMPT}"));
    writer.send("Жук\n").await;
    let answer = writer.read_once().await;
    let (record, welcome) = answer.split_once('\n').unwrap();
    assert_eq!(welcome, WELCOME);
    let (before, token) = record.split_once("\", \"account_hash\": \"").unwrap();
    assert!(before.starts_with("{\"nickname\": \"") && before.ends_with(" \\u0416\\u0443\\u043a"), "{before}");
    let (token, end) = token.split_at(36);
    // As long as the original's: some clients read 200 bytes of it.
    assert_eq!(end, "\"}");
    assert_eq!(token, token.to_lowercase());
    assert_eq!(token.as_bytes()[14], b'4', "a random UUID");
}

#[tokio::test]
async fn record_without_extensions_is_original() {
    let mut config = config();
    config.extensions = false;
    let server = start(config, MemoryJournal::new()).await;
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send("\nBob\n").await;
    writer.expect(format!("{GREETING}{PROMPT}")).await;
    let record = writer.record().await;
    writer.expect(PLAIN_WELCOME).await;
    let expected = format!("{{\"nickname\": \"{}\", \"account_hash\": \"{}\"}}\n", record.nickname, record.token);
    assert_eq!(record.line, expected);
    let mut listener = Peer::connect(server.listen_addr()).await;
    listener.send("\u{1}{\"resume\": {\"last\": 5}, \"nonce\": \"n\"}\n").await;
    writer.send("\u{1}{\"id\": \"1\", \"text\": \"unseen\"}\nhi\n\n").await;
    writer.expect(CONFIRMED).await;
    // The listener may have connected too late for the first post, so another one is sent.
    writer.send("hi\n\n").await;
    assert_eq!(listener.line().await, format!("{}: hi\n", record.nickname));
}

#[tokio::test]
async fn two_line_feeds_register_an_account() {
    let server = in_memory().await;
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send("\n\n").await;
    writer.expect(format!("{GREETING}{PROMPT}")).await;
    let record = writer.record().await;
    assert!(record.nickname.ends_with(" anonymous"), "{}", record.nickname);
    writer.expect(WELCOME).await;
}

#[tokio::test]
async fn empty_line_after_login_is_a_ping() {
    let server = in_memory().await;
    let (_, record) = Peer::registered(&server, "Bob").await;
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send(format!("{}\r\n\r\n", record.token)).await;
    writer.expect(format!("{GREETING}{}{WELCOME}{CONFIRMED}", record.line)).await;
    let mut listener = Peer::listening(&server).await;
    writer.send("after\n\n").await;
    // The ping did not become a message.
    listener.expect(format!("{}: after\n", record.nickname)).await;
}

#[tokio::test]
async fn joins_lines_up_to_an_empty_one() {
    let server = in_memory().await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    let mut listener = Peer::listening(&server).await;
    writer.send("one\ntw").await;
    writer.send("o \n").await;
    writer.send("\n \t\n").await;
    writer.expect(CONFIRMED.repeat(2)).await;
    listener.expect(format!("{}: one two \n", record.nickname)).await;
}

#[tokio::test]
async fn publishes_an_unfinished_last_line() {
    let server = in_memory().await;
    let mut listener = Peer::listening(&server).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    writer.send("whole\nhal").await;
    writer.end().await;
    listener.expect(format!("{}: whole hal\n", record.nickname)).await;
    writer.expect(CONFIRMED).await;
    writer.expect_end().await;
}

#[tokio::test]
async fn publishes_a_post_before_an_early_close() {
    let server = in_memory().await;
    let mut listener = Peer::listening(&server).await;
    let (_, record) = Peer::registered(&server, "Bob").await;
    for round in 0..50 {
        let mut writer = Peer::connect(server.write_addr()).await;
        // The greeting stays unread, so closing resets the connection.
        writer.send(format!("{}\nround {round}\n\n", record.token)).await;
        drop(writer);
        listener.expect(format!("{}: round {round}\n", record.nickname)).await;
    }
}

#[tokio::test]
async fn survives_a_reset() {
    let server = in_memory().await;
    let (writer, record) = Peer::registered(&server, "Bob").await;
    writer.reset();
    let mut writer = Peer::logged_in(&server, &record.token).await;
    writer.send("still here\n\n").await;
    writer.expect(CONFIRMED).await;
}

#[tokio::test]
async fn answers_a_writer_that_never_reads() {
    let server = in_memory().await;
    let (_, record) = Peer::registered(&server, "Bob").await;
    let mut writer = Peer::connect_narrow(server.write_addr()).await;
    writer.send(format!("{}\n", record.token)).await;
    let (mut listener, _) = Peer::resuming(&server, "{\"last\": 0}").await;
    // Far more answers than the kernel's buffers can take.
    const POSTS: usize = 120_000;
    for _ in 0..POSTS / 1000 {
        writer.send("x\n\n".repeat(1000)).await;
    }
    for _ in 0..POSTS {
        listener.line().await;
    }
    writer.send("last\n\n").await;
    assert_eq!(listener.numbered().await.text, "last");
    writer.expect(GREETING).await;
    writer.record().await;
    writer.expect(WELCOME).await;
    for _ in 0..=POSTS {
        writer.expect(CONFIRMED).await;
    }
    assert_eq!(writer.buffered(), 0);
}

#[tokio::test]
async fn strict_closes_after_an_unknown_token() {
    let mut config = config();
    config.strict = true;
    let server = start(config, MemoryJournal::new()).await;
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send("bogus\nhello\n\n").await;
    assert_eq!(writer.rest().await.concat(), format!("{GREETING}null\n"));
}

#[tokio::test]
async fn a_registration_can_be_announced() {
    let mut config = config();
    config.announce = true;
    let server = start(config, MemoryJournal::new()).await;
    let mut listener = Peer::listening(&server).await;
    let (_writer, record) = Peer::registered(&server, "sasha").await;
    listener.expect(format!("Server: # к чату присоединился {}\n", record.nickname)).await;
}

#[tokio::test]
async fn every_nickname_gives_an_account() {
    let server = in_memory().await;
    let long = "x".repeat(41);
    for (asked, given) in [
        ("Server", "anonymous"),
        ("\u{200b}", "anonymous"),
        (long.as_str(), &long[..40]),
        ("B:o:b", "Bob"),
        ("null", "null"),
    ] {
        let mut writer = Peer::connect(server.write_addr()).await;
        writer.send(format!("\n{asked}\n")).await;
        writer.expect(format!("{GREETING}{PROMPT}")).await;
        let nickname = writer.record().await.nickname;
        assert_eq!(nickname.split_once(' ').unwrap().1, given, "{asked:?}");
        writer.expect(WELCOME).await;
    }
}

#[tokio::test]
async fn strict_refuses_nameless_registration() {
    let mut config = config();
    config.strict = true;
    let server = start(config, MemoryJournal::new()).await;
    let mut writer = Peer::connect(server.write_addr()).await;
    writer.send("\n\n").await;
    assert_eq!(writer.rest().await.concat(), format!("{GREETING}{PROMPT}null\n"));
}

#[tokio::test]
async fn closes_other_protocols() {
    let server = in_memory().await;
    for garbage in ["GET / HTTP/1.1\r\n\r\n".to_owned(), "x".repeat(100_000)] {
        for port in [server.write_addr(), server.listen_addr()] {
            let mut peer = Peer::connect(port).await;
            peer.send(&garbage).await;
            assert!(peer.rest().await.concat().len() <= GREETING.len());
        }
    }
    Peer::registered(&server, "Bob").await;
}

#[tokio::test]
async fn plain_line_carries_any_text() {
    let server = in_memory().await;
    let mut listener = Peer::listening(&server).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    for text in ["語".repeat(3_000), "x".repeat(16 * 1024), format!("{}\u{7}", "x".repeat(16 * 1024))] {
        writer.send(format!("{text}\n\n")).await;
        writer.expect(CONFIRMED).await;
        listener.expect(format!("{}: {}\n", record.nickname, text.trim_end_matches('\u{7}'))).await;
    }
}

#[tokio::test]
async fn plain_text_over_the_limit_is_dropped() {
    let server = in_memory().await;
    let figures = server.observer();
    let mut listener = Peer::listening(&server).await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    for text in ["x".repeat(16 * 1024 + 1), "x".repeat(300_000), "a line of many\n".repeat(2_000).trim_end().to_owned()]
    {
        writer.send(format!("{text}\n\n")).await;
    }
    // Neither of them is confirmed: the first confirmation is that of the next post.
    writer.send("after\n\n").await;
    writer.expect(CONFIRMED).await;
    listener.expect(format!("{}: after\n", record.nickname)).await;
    assert_eq!(figures.figures().declined.too_long, 3);
    writer.end().await;
    assert_eq!(writer.rest().await, Vec::<String>::new());
}

#[tokio::test]
async fn other_protocols_leave_no_trace() {
    let server = in_memory().await;
    let figures = server.observer();
    let mut listener = Peer::listening(&server).await;
    let proxy_v2 = "\r\n\r\n\0\r\nQUIT\n\u{21}\u{11}\0\u{c}Frank\n\n";
    for first in [
        proxy_v2,
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nx\r\n\r\n",
        "*1\r\n$4\r\nPING\r\n\r\n",
        "PING\r\nPING\r\n\r\n",
        "\r\nGET / HTTP/1.1\r\nHost: here\r\n\r\n",
        "EHLO example.org\r\nMAIL FROM:<a@b>\r\n\r\n",
        "NICK guest\r\nUSER guest 0 * :guest\r\n\r\n",
        "\u{3}\0\0\u{13}\u{e}\u{e0}\n\n\n",
    ] {
        let mut peer = Peer::connect(server.write_addr()).await;
        peer.send(first).await;
        let said = peer.everything().await;
        assert!(said == GREETING || said == format!("{GREETING}{PROMPT}"), "{first:?}: {said}");
    }
    assert_eq!((figures.figures().registered, figures.figures().stored), (0, 0));
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    writer.send("first\n\n").await;
    listener.expect(format!("{}: first\n", record.nickname)).await;
}

/// Some public readers open a new connection for each line.
#[tokio::test]
async fn readers_that_reconnect_lose_nothing() {
    let server = in_memory().await;
    let (mut writer, record) = Peer::registered(&server, "Bob").await;
    for number in 0..20 {
        let mut reader = Peer::connect(server.listen_addr()).await.seated().await;
        writer.send(format!("{number}\n\n")).await;
        writer.expect(CONFIRMED).await;
        reader.expect(format!("{}: {number}\n", record.nickname)).await;
    }
}
