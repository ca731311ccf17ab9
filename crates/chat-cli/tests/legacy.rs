//! The command lines of the original, in their spelling.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

#[test]
fn listener_accepts_all_parameters() {
    let (room, home) = (Room::start(), Home::new());
    let (listen, write) = (room.listen.port().to_string(), room.write.port().to_string());
    for (number, words) in [
        ["listen", "-host", "127.0.0.1", "-p", &listen, "-hp", "short.txt", "-l"].as_slice(),
        ["listen", "--host", "127.0.0.1", "--port", &listen, "--history_path", "long.txt", "--logging"].as_slice(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = home.chat(words);
        command.args(["--count", "1"]);
        let mut listening = Running::start(command);
        listening.wait_for_talk("online");
        // Repeats until a message has arrived, because the listener may not be online yet.
        let text = format!("hello {number}");
        let posted = run(home.chat(["send", "--port", &write, "-u", "Bob", "-m", &text]));
        assert_eq!(code(&posted), 0, "{}", err(&posted));
        while listening.child.try_wait().unwrap().is_none() {
            run(home.chat(["send", "--port", &write, "-u", "Bob", "-m", &text]));
        }
        assert!(listening.line().ends_with(&text));
        assert_eq!(listening.code(), 0);
    }
    assert!(read(&home.path("short.txt")).contains("hello 0"));
    assert!(read(&home.path("long.txt")).contains("hello 1"));
}

#[test]
fn writer_accepts_all_parameters() {
    let (room, home) = (Room::start(), Home::new());
    let write = room.write.port().to_string();
    let mut ear = room.ear();
    let short = ["send", "-host", "127.0.0.1", "-p", &write, "-m", "short", "-u", "Bob", "-cp", "kept", "-l"];
    assert_eq!(code(&run(home.chat(short))), 0);
    assert_eq!(ear.message().1, "short");
    let kept: serde_json::Value = serde_json::from_str(read(&home.path("kept")).lines().next().unwrap()).unwrap();
    let token = kept["account_hash"].as_str().unwrap();
    let long = [
        "send",
        "--host",
        "127.0.0.1",
        "--port",
        &write,
        "--message",
        "long",
        "--token",
        token,
        "--username",
        "Bob",
        "--credential_path",
        "kept",
        "--logging",
    ];
    let output = run(home.chat(long));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(ear.message(), (kept["nickname"].as_str().unwrap().to_owned(), "long".to_owned()));
    assert!(!err(&output).contains(token), "the log shows the token");
    let by_token = ["send", "-p", &write, "-t", token, "-m", "by token"];
    assert_eq!(code(&run(home.chat(by_token))), 0);
    assert_eq!(ear.message().1, "by token");
}
