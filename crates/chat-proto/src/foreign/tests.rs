use super::*;

#[test]
fn refuses_other_protocols() {
    for first in [
        "GET / HTTP/1.1",
        "POST /x",
        "PRI * HTTP/2.0",
        "PROPFIND / HTTP/1.1",
        "get / http/1.0",
        "SSH-2.0-OpenSSH_9.2",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
        "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443",
        "PING",
        "*1",
        "$4",
        "EHLO example.org",
        "NICK guest",
        "\u{3}\u{0}\u{0}\u{13}",
        "DESCRIBE rtsp://x/ RTSP/1.0",
        "INVITE sip:u@x SIP/2.0",
        "HTTP/1.1 200 OK",
        "GET / HTTP/1.1 ",
        "GET\t/\tHTTP/1.1",
        " GET / HTTP/1.1",
        "\u{feff}GET / HTTP/1.1",
        "get /index.html",
        "stats",
        "INFO",
        "HELLO 3",
        "AUTH secret",
        "nick guest",
        "ehlo x",
        "a001 LOGIN u p",
        "CAPA",
        "MODE READER",
        "CONNECT",
        "Content-Length: 10",
        "<?xml version='1.0'?>",
        "<34>1 2003-10-11T22:14:15.003Z host su",
        r#"{"id": 1, "method": "mining.subscribe"}"#,
        "@RSYNCD: 31.0",
        "PING SPAMC/1.2",
        "ssh-2.0-x",
    ] {
        assert!(refuse_foreign(&Line::from(first), Expected::Token).is_err(), "{first:?}");
    }
}

#[test]
fn accepts_typed_first_lines() {
    for first in [
        "",
        "9a08f44c-c541-41eb-8c47-0242ac110002",
        "get lost",
        "ping me",
        "hello",
        "I like HTTP",
        "http/x",
        "HTTP/é",
        "SSH",
        "ssh-key",
        "quit",
        "id 7",
    ] {
        assert!(refuse_foreign(&Line::from(first), Expected::Token).is_ok(), "{first:?}");
    }
}

#[test]
fn refuses_a_proxy_preface_in_pieces() {
    for length in 0..=PROXY_V2.len() {
        assert_eq!(refuse_foreign_start(&PROXY_V2[..length]).is_err(), length > 4, "{length} bytes");
    }
    let whole = [PROXY_V2, b"\x21\x11\x00\x0c"].concat();
    assert!(refuse_foreign_start(&whole).is_err());
    assert!(refuse_foreign_start(&[b"\n", PROXY_V2].concat()).is_err());
    for other in [&b"\r\n\r\nBob\r\n"[..], b"\n\n", b"9a08f44c", b"\0"] {
        assert!(refuse_foreign_start(other).is_ok(), "{other:?}");
    }
}

#[test]
fn accepts_nicknames_that_are_words_elsewhere() {
    for name in ["GET lost", "PING", "Bob\tBuilder", "*", "$", "QUIT", "Bob/2", "<Bob>", "Ann [{x}]", "SSH-girl"] {
        assert!(refuse_foreign_nickname(&Line::from(name)).is_ok(), "{name:?}");
    }
    for foreign in ["GET / HTTP/1.1", "GET /", "\0", "$4", "SSH-2.0-OpenSSH_9.2"] {
        assert!(refuse_foreign_nickname(&Line::from(foreign)).is_err(), "{foreign:?}");
    }
}

#[test]
fn accepts_first_texts_that_people_write() {
    for text in ["hello", "$4", "\u{1b}[A", "what is HTTP/2?", "the answer was 200 OK"] {
        assert!(refuse_foreign_text(&Line::from(text)).is_ok(), "{text:?}");
    }
    for foreign in ["\0", "GET / HTTP/1.1", "SSH-2.0-OpenSSH_9.2"] {
        assert!(refuse_foreign_text(&Line::from(foreign)).is_err(), "{foreign:?}");
    }
}
