//! What the programs of an earlier release (91e3b07) send and read: their bytes, recorded with strace against this server.
//! They know the offer of extensions only as a field of the account record, so they post plainly, and they skip lines that
//! they do not know.

use crate::moderation::Room;
use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer};

#[tokio::test]
async fn a_client_of_91e3b07_is_served_as_before() {
    let room = Room::start();
    // chat register -u Bob
    let mut writer = Peer::connect(room.program().write).await;
    writer.expect(GREETING).await;
    writer.send("\n").await;
    writer.expect(PROMPT).await;
    writer.send("Bob\n").await;
    let record = writer.record().await;
    let (nickname, token) = (record.nickname, record.token);
    // The record has two fields and nothing after them. The offer is white space, which the client strips.
    assert_eq!(record.line.trim_end(), format!("{{\"nickname\": \"{nickname}\", \"account_hash\": \"{token}\"}}"));
    let welcome = writer.line().await;
    assert_eq!(welcome.trim_end(), "Welcome to chat! Post your message below. End it with an empty line.");

    // printf 'one\ntwo\nthree\n' | chat send -u Bob
    let mut writer = Peer::connect(room.program().write).await;
    writer.send(format!("{token}\n")).await;
    writer.expect(GREETING).await;
    writer.record().await;
    writer.line().await;
    writer.send("one\n\ntwo\n\nthree\n\n").await;
    writer.expect(CONFIRMED.repeat(3)).await;
    room.admin(&["remove", "2", "--reason", "spam"]);

    // chat listen --last 10
    let mut listener = Peer::connect(room.program().listen).await;
    listener.send("\u{1}{\"resume\": {\"last\": 10}, \"nonce\": \"13f0112af5af4f64830efa6be08ba3d7\"}\n").await;
    let answer = listener.line().await.trim_end().to_owned();
    let end = ", \"from\": 1, \"head\": 3, \"nonce\": \"13f0112af5af4f64830efa6be08ba3d7\"}";
    assert!(answer.starts_with("\u{1}{\"stream\": \"") && answer.ends_with(end), "{answer}");
    let stream = answer["\u{1}{\"stream\": \"".len()..answer.len() - end.len() - 1].to_owned();
    // A removed message is a line without a number: this client reports a gap of one message in its place.
    for (begins, ends) in [
        ("\u{1}{\"seq\": 1, \"at\": ", format!(", \"nick\": \"{nickname}\", \"text\": \"one\"}}")),
        ("\u{1}{\"removed\": 2, \"at\": ", ", \"by\": \"root\", \"reason\": \"spam\"}".to_owned()),
        ("\u{1}{\"seq\": 3, \"at\": ", format!(", \"nick\": \"{nickname}\", \"text\": \"three\"}}")),
    ] {
        let line = listener.line().await;
        let line = line.trim_end();
        assert!(line.starts_with(begins) && line.ends_with(&ends), "{line}");
    }

    // chat listen --cursor F, which had read all of it
    let mut listener = Peer::connect(room.program().listen).await;
    let request =
        format!("\u{1}{{\"resume\": {{\"stream\": \"{stream}\", \"after\": 3}}, \"nonce\": \"3f427865a5324ae6\"}}\n");
    listener.send(request).await;
    let answer =
        format!("\u{1}{{\"stream\": \"{stream}\", \"from\": 4, \"head\": 3, \"nonce\": \"3f427865a5324ae6\"}}\n");
    listener.expect(answer).await;
    assert!(listener.line().await.starts_with("\u{1}{\"removed\": 2, "), "which this client skips");

    // A mute, for which a plain post has no word: it is not confirmed.
    room.admin(&["mute", &nickname]);
    writer.send("muted\n\n").await;
    writer.expect_end().await;
    // A ban is a token that the server does not know.
    room.admin(&["ban", &nickname]);
    let mut writer = Peer::connect(room.program().write).await;
    writer.send(format!("{token}\n")).await;
    writer.expect(format!("{GREETING}null\n")).await;
}
