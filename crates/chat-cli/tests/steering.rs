//! Text of hostile peers, servers and arguments: nothing in it controls the terminal, and nothing is hidden.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

#[test]
fn shows_all_hostile_text_harmlessly() {
    let home = Home::new();
    let port = hostile::server(hostile::messages());
    let count = hostile::messages().len().to_string();
    let words = ["listen", "-p", &port, "--count", &count, "--last", "100"];
    let kept = ["--history-path", "h.txt"];
    let (code, screen) = pty::run(&home.chat(words.into_iter().chain(kept)));
    assert_eq!(code, 0, "{screen}");
    assert!(!hostile::steers(&screen), "{screen:?}");
    for seen in
        ["Eve ␛]0;pwn␇: hello", "Mallory: a␛]0;pwn␇b", "a<U+009B>31m", "a␈␈␡␌b", "a<U+202E>txt.exe", "a<U+0085>b␍c"]
    {
        assert!(screen.contains(seen), "{seen} is not in {screen}");
    }
    let history = read(&home.path("h.txt"));
    for seen in ["Eve ␛]0;pwn␇: hello", "Mallory: a␛]0;pwn␇b", "a<U+009B>31m", "a␈␈␡␌b", "a<U+0085>b␍c"]
    {
        assert!(history.contains(seen), "{seen} is not in {history}");
    }
    let unsafe_to_cat = |c: char| (c.is_control() && c != '\n') || chat_client::display::turns_text(c);
    assert!(!history.chars().any(unsafe_to_cat), "{history:?}");
    let json = run(home.chat(words.into_iter().chain(["--json"])));
    assert!(!hostile::steers(&out(&json)), "{}", out(&json));
    let objects = objects(&out(&json));
    assert_eq!(objects[0]["nick"], "Eve ␛]0;pwn␇");
    assert_eq!(objects[hostile::CORPUS.len()]["text"], "a␛]0;pwn␇b");
    // In a pipe it is data, and still without control characters.
    let plain = run(home.chat(words));
    assert!(out(&plain).contains("Mallory: a␛]0;pwn␇b\n"), "{}", out(&plain));
    assert!(out(&plain).contains("a\u{202e}txt.exe"), "{}", out(&plain));
}

#[test]
fn marks_look_alikes_for_people_and_json() {
    let home = Home::new();
    let names = ["Keen Bob", "Kееn Воb", "Keen Bob", "Keen Bo\u{fe0f}b"];
    let port = hostile::server(names.iter().map(|&name| (name.to_owned(), "hi".to_owned())).collect());
    let words = ["listen", "-p", &port, "--count", "4", "--last", "4"];
    let (_, screen) = pty::run(&home.chat(words));
    let wanted = ["Keen Bob: hi", "Kееn Воb (looks like Keen Bob): hi", "Keen Bob: hi"];
    assert!(screen.contains(&wanted.join("\n")), "{screen}");
    assert!(screen.contains("Keen Bo\u{fe0f}b (looks like Keen Bob): hi"), "{screen}");
    let json = objects(&out(&run(home.chat(words.into_iter().chain(["--json"])))));
    let marks: Vec<Option<&str>> = json.iter().map(|object| object["looks_like"].as_str()).collect();
    assert_eq!(marks, [None, Some("Keen Bob"), None, Some("Keen Bob")]);
    // In a pipe text is data, and with --raw too.
    assert!(!out(&run(home.chat(words))).contains("looks like"));
    assert!(!pty::run(&home.chat(words.into_iter().chain(["--raw"]))).1.contains("looks like"));
}

#[test]
fn arguments_cannot_steer_the_terminal() {
    let home = Home::new();
    for evil in hostile::CORPUS {
        let flag = format!("--bogus{evil}");
        let inside = format!("/proc/{evil}");
        let cases = [
            vec!["listen", &flag],
            vec!["listen", "--count", evil],
            vec!["listen", "--since", evil],
            vec!["listen", "--history-path", &inside],
            vec!["listen", "--cursor", &inside],
            vec!["listen", "--no-retry", "--host", evil, "--logging"],
            vec!["history", "--grep", evil, "--since", evil],
            vec!["history", "--history-path", &inside],
            vec!["send", "-u", evil, "-m", "hi", "--credential-path", &inside],
            vec!["accounts", "remove", evil],
            vec!["accounts", "--profile", evil],
            vec![evil],
        ];
        for words in cases {
            let mut command = home.chat(&words);
            command.env("NO_COLOR", "1");
            let (code, screen) = pty::run(&command);
            assert_ne!(code, 0, "{words:?}");
            assert!(!screen.is_empty() && !hostile::steers(&screen), "{words:?}: {screen:?}");
            let piped = run(home.chat(&words));
            assert!(!hostile::steers(&err(&piped)), "{words:?}: {:?}", err(&piped));
            let json = run(home.chat(words.iter().copied().chain(["--json"])));
            assert!(!hostile::steers(&err(&json)), "{words:?}: {:?}", err(&json));
        }
    }
    let mut coloured = home.chat(["listen", "--bogus\u{1b}]0;pwn\u{7}"]);
    coloured.env("TERM", "xterm");
    let (_, screen) = pty::run(&coloured);
    assert!(screen.contains("--bogus␛]0;pwn␇") && !screen.contains("\u{1b}]"), "{screen:?}");
    assert!(screen.contains("\u{1b}["), "colours stay: {screen:?}");
}
