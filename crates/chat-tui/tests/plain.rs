//! Scenarios of plain mode, played through the real binary on pipes.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use chat_client::{Credentials, Outbox, PostId, Text};
use support::pipes::Pipes;
use support::room::Room;
use support::silent_room::SilentRoom;
use support::write_history;

fn arguments(room: &Room, more: &[&str]) -> Vec<String> {
    let mut arguments = room.arguments();
    arguments.extend(more.iter().map(|&text| text.to_owned()));
    arguments
}

#[test]
fn echo_hello_registers_and_posts() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut me = Pipes::start(home.path(), &arguments(&room, &["--nickname", "me"]));
    me.line("hello");
    me.end_input();
    assert_eq!(me.wait_exit(), 0, "{:?}", me.reports());
    let messages = me.messages();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert!(messages[0].ends_with(" me: hello"), "{messages:?}");

    // The second time the account exists.
    let mut me = Pipes::start(home.path(), &arguments(&room, &["--nickname", "me"]));
    me.line("again");
    me.end_input();
    assert_eq!(me.wait_exit(), 0, "{:?}", me.reports());
    assert!(me.messages().iter().any(|line| line.ends_with(" me: again")));
    assert!(!me.reports().iter().any(|line| line.contains("Registered")), "{:?}", me.reports());
}

#[test]
fn parallel_first_runs_make_one_account() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut runs: Vec<Pipes> =
        (0..4).map(|_| Pipes::start(home.path(), &arguments(&room, &["--nickname", "me"]))).collect();
    for (number, run) in runs.iter_mut().enumerate() {
        run.line(&format!("from {number}"));
        run.end_input();
    }
    for run in &mut runs {
        assert_eq!(run.wait_exit(), 0, "{:?}", run.reports());
    }
    let kept = std::fs::read_to_string(home.path().join("data/creds.jsonstream")).unwrap();
    assert_eq!(kept.lines().count(), 1, "{kept}");
}

#[test]
fn two_users_chat() {
    let room = Room::open();
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut bob = Pipes::start(homes[0].path(), &arguments(&room, &["--nickname", "Bob"]));
    let mut ann = Pipes::start(homes[1].path(), &arguments(&room, &["--nickname", "Ann"]));
    bob.wait_for_report("writing: online");
    bob.wait_for_report("listening: online");
    ann.wait_for_report("listening: online");
    bob.line("//is it on?");
    ann.wait_for_message("Bob: /is it on?");
    ann.line("it is");
    bob.wait_for_message("Ann: it is");
    ann.line("/status");
    ann.wait_for_report("listening: online; writing: online");
    ann.line("/nonsense");
    ann.wait_for_report("unknown command /nonsense");
    ann.line("/quit");
    assert_eq!(ann.wait_exit(), 0);
}

#[test]
fn killed_server_loses_nothing() {
    let mut room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut bob = Pipes::start(home.path(), &arguments(&room, &["--nickname", "Bob"]));
    bob.line("before");
    bob.wait_for_message("Bob: before");
    room.kill();
    bob.wait_for_report("retry in");
    bob.line("meanwhile");
    room.come_back();
    bob.wait_for_message("Bob: meanwhile");
    bob.end_input();
    assert_eq!(bob.wait_exit(), 0, "{:?}", bob.reports());
}

/// A message that an earlier version left for one node is sent over another one, once.
#[test]
fn the_outbox_follows_the_room() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let run = |arguments: &[String], text: &str| {
        let mut me = Pipes::start(home.path(), arguments);
        me.wait_for_report("writing: online");
        me.wait_for_report("listening: online");
        me.line(text);
        me.wait_for_message(&format!("me: {text}"));
        me.end_input();
        assert_eq!(me.wait_exit(), 0, "{:?}", me.reports());
        me.messages()
    };
    run(&arguments(&room, &["--nickname", "me"]), "one");
    let rooms = std::fs::read_to_string(home.path().join("data/rooms.jsonl")).unwrap();
    assert_eq!(rooms.lines().count(), 1, "{rooms}");

    let accounts = Credentials::load(home.path().join("data/creds.jsonstream")).unwrap();
    let nickname = accounts.find("me").unwrap().unwrap().nickname().to_string();
    let outbox = Outbox::open(home.path().join("data/outbox"), &format!("127.0.0.1:9 {nickname}")).unwrap();
    outbox.add(&PostId::new("left").unwrap(), &Text::new("left behind").unwrap()).unwrap();
    drop(outbox);
    // Nothing listens at the first node.
    let nodes = format!("127.0.0.1:9:9,{}", room.node());
    let shown = run(&["--no-local-room", "--host", &nodes, "--nickname", "me"].map(str::to_owned), "two");
    assert_eq!(shown.iter().filter(|line| line.ends_with("me: left behind")).count(), 1, "{shown:?}");
    let outbox = std::fs::read_to_string(home.path().join("data/outbox")).unwrap();
    assert!(outbox.contains("{\"done\":\"left\"}"), "{outbox}");
    run(&arguments(&room, &["--nickname", "me"]), "three");
    let history = std::fs::read_to_string(home.path().join("data/history.txt")).unwrap();
    let texts: Vec<&str> = history.lines().filter_map(|line| line.split_once("me: ").map(|(_, text)| text)).collect();
    assert_eq!(texts, ["one", "left behind", "two", "three"]);
}

#[test]
fn wrong_token_is_a_refusal() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let token = "9a08f44c-c541-41eb-8c47-0242ac110002";
    let mut me = Pipes::start(home.path(), &arguments(&room, &["-t", token]));
    me.line("hello");
    assert_eq!(me.wait_exit(), 3, "{:?}", me.reports());
    assert!(me.reports().iter().any(|line| line.contains("does not know this account")));
    assert!(!me.reports().iter().any(|line| line.contains(token)), "{:?}", me.reports());
}

#[test]
fn an_echo_is_not_a_confirmation() {
    let room = SilentRoom::open();
    let home = tempfile::tempdir().unwrap();
    let mut me =
        Pipes::start(home.path(), &[room.arguments(), vec!["-t".into(), testkit::wire::TOKEN.into()]].concat());
    me.wait_for_report("writing: online");
    me.line("hello");
    me.end_input();
    me.wait_for_message("Keen Bob: hello");
    room.cut();
    assert_eq!(me.wait_exit(), 5, "{:?}", me.reports());
    assert!(me.reports().iter().any(|line| line.contains("unconfirmed") && line.ends_with("hello")));
}

#[cfg(unix)]
#[test]
fn log_may_be_moved() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let (log, old) = (home.path().join("log"), home.path().join("log.1"));
    let mut me = Pipes::start(home.path(), &arguments(&room, &["--nickname", "me", "--log-file", "log"]));
    me.wait_for_report("writing: online");
    assert!(log.exists());
    std::fs::rename(&log, &old).unwrap();
    me.end_input();
    assert_eq!(me.wait_exit(), 0, "{:?}", me.reports());
    assert!(std::fs::metadata(&log).unwrap().len() > 0, "the end is in the new file");
}

#[test]
fn registration_waits_for_a_full_server() {
    let room = SilentRoom::open_full(2);
    let home = tempfile::tempdir().unwrap();
    let mut me = Pipes::start(home.path(), &[room.arguments(), vec!["--nickname".into(), "me".into()]].concat());
    me.wait_for_report("Registered as Keen Bob");
    let waits = |reports: Vec<String>| reports.iter().filter(|line| line.contains("it may be full")).count();
    assert_eq!(waits(me.reports()), 1, "{:?}", me.reports());
    me.end_input();
    assert_eq!(me.wait_exit(), 0, "{:?}", me.reports());
}

#[test]
fn names_the_other_room_of_a_name() {
    let home = tempfile::tempdir().unwrap();
    for (number, room) in [Room::open(), Room::open()].iter().enumerate() {
        let mut me = Pipes::start(home.path(), &arguments(room, &["--nickname", "me"]));
        me.end_input();
        assert_eq!(me.wait_exit(), 0, "{:?}", me.reports());
        let warned = me.reports().iter().any(|line| line.contains("me has an account in another room (127.0.0.1:"));
        assert_eq!(warned, number == 1, "{:?}", me.reports());
    }
}

#[test]
fn unreachable_server_has_an_exit_code() {
    let mut room = Room::open();
    let home = tempfile::tempdir().unwrap();
    room.kill();
    let mut me = Pipes::start(home.path(), &arguments(&room, &["--nickname", "me"]));
    me.line("hello");
    me.end_input();
    assert_eq!(me.wait_exit(), 4, "{:?}", me.reports());
}

/// A server without extensions that publishes one post and ends instead of confirming it. Returns the arguments with its
/// ports.
fn server_that_ends_before_it_confirms() -> Vec<String> {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::{TcpListener, TcpStream};

    use testkit::wire;

    let [listen, write] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let ports = [&listen, &write].map(|port| port.local_addr().unwrap().port().to_string());
    // Answers one writer; true if it has posted.
    fn posted(stream: TcpStream, listen: &TcpListener) -> std::io::Result<bool> {
        let (mut lines, mut stream) = (BufReader::new(stream.try_clone()?).lines(), stream);
        stream.write_all(wire::GREETING.as_bytes())?;
        let Some(token) = lines.next().transpose()? else { return Ok(false) };
        if token.is_empty() {
            stream.write_all(wire::PROMPT.as_bytes())?;
            lines.next().transpose()?;
        }
        stream.write_all(format!("{}{}", wire::account("Keen me", None), wire::WELCOME).as_bytes())?;
        let Some(text) = lines.next().transpose()? else { return Ok(false) };
        listen.accept()?.0.write_all(format!("Keen me: {text}\n").as_bytes())?;
        Ok(true)
    }
    std::thread::spawn(move || while !posted(write.accept().unwrap().0, &listen).unwrap_or(false) {});
    ["--no-local-room", "--listen-port", &ports[0], "--write-port", &ports[1]].map(str::to_owned).to_vec()
}

#[test]
fn published_and_unconfirmed_is_said() {
    let home = tempfile::tempdir().unwrap();
    let mut arguments = server_that_ends_before_it_confirms();
    arguments.extend(["--nickname", "me"].map(str::to_owned));
    let mut me = Pipes::start(home.path(), &arguments);
    me.line("hello");
    me.end_input();
    assert_eq!(me.wait_exit(), 5, "{:?}", me.reports());
    let said = |line: &String| line.contains("unconfirmed") && line.contains("hello");
    assert!(me.reports().iter().any(said), "{:?}", me.reports());
}

#[test]
fn closed_standard_error_keeps_the_code() {
    use std::process::{Command, Stdio};
    let home = tempfile::tempdir().unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(support::PROGRAM);
    command.args(["--profile", "nonsense"]).env_clear().envs(support::environment(home.path()));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn impossible_host_is_a_usage_error() {
    for (option, host) in [("--host", "h:5000"), ("--write-host", "h:5000"), ("--host", "[::1")] {
        let home = tempfile::tempdir().unwrap();
        let arguments = ["--no-local-room", "--nickname", "me", option, host].map(str::to_owned);
        let mut me = Pipes::start(home.path(), &arguments);
        assert_eq!(me.wait_exit(), 2, "{:?}", me.reports());
        let reports = me.reports();
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert!(reports[0].contains("is not a host name or address"), "{reports:?}");
    }
}

#[cfg(unix)]
#[test]
fn files_without_a_home_have_to_be_named() {
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(support::PROGRAM);
        command.args(["--plain", "--nickname", "me"]).args(arguments).env_clear().current_dir(dir.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    // Where the system knows a home directory of this user, it is used; so it must not exist.
    let (code, words) = run(&["--data-dir", "/dev/null/x"]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("/dev/null/x") && words.contains("--data-dir"), "{words}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left in the current directory");
}

#[test]
fn too_long_line_is_a_usage_error() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut me = Pipes::start(home.path(), &arguments(&room, &["--nickname", "me"]));
    me.line("before");
    me.line(&"x".repeat(100_000));
    me.line("after");
    me.end_input();
    assert_eq!(me.wait_exit(), 2, "{:?}", me.reports());
    assert!(me.reports().iter().any(|line| line.contains("too long for a message")), "{:?}", me.reports());
    assert!(me.messages().iter().any(|line| line.ends_with(" me: after")), "{:?}", me.messages());
}

#[test]
fn pipe_without_a_name_gets_advice() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut me = Pipes::start(home.path(), &arguments(&room, &[]));
    assert_eq!(me.wait_exit(), 2, "{:?}", me.reports());
}

#[test]
fn posts_50_lines_in_order() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut bob = Pipes::start(home.path(), &arguments(&room, &["--nickname", "Bob"]));
    for number in 0..50 {
        bob.line(&format!("line {number}"));
    }
    bob.end_input();
    assert_eq!(bob.wait_exit(), 0, "{:?}", bob.reports());
    let heard: Vec<String> = bob.messages().iter().map(|line| line.rsplit(": ").next().unwrap().to_owned()).collect();
    assert_eq!(heard, (0..50).map(|number| format!("line {number}")).collect::<Vec<_>>());
}

#[test]
fn searches_100_000_lines() {
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    write_history(home.path(), 100_000);
    let mut bob = Pipes::start(home.path(), &arguments(&room, &["--nickname", "Bob"]));
    bob.wait_for_report("writing: online");
    bob.line("/search line 4711 of");
    bob.wait_for_message("this is line 4711 of many");
    bob.wait_for_report("Found 1.");
}

#[cfg(unix)]
#[test]
fn dumb_terminal_uses_plain_mode() {
    use support::terminal::Terminal;
    let room = Room::open();
    let home = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::start(home.path(), &arguments(&room, &["--plain"]), 80, 24);
    terminal.wait_for("Type a nickname to register");
    terminal.keys("Bob\n");
    terminal.wait_for("Registered as");
    terminal.wait_for("writing: online");
    terminal.keys("hello\n");
    terminal.wait_for("Bob: hello");
    assert!(!terminal.screen().contains("alternate"));
    terminal.keys("/quit\n");
    assert_eq!(terminal.wait_exit().exit_code(), 0);
    terminal.assert_given_back();
}
