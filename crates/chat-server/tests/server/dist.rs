//! The files of `dist/`: every name in them is one that the program has.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;

use crate::binary::Program;
use crate::metrics::get;
use crate::peer::{GREETING, PROMPT, Peer};

fn dist(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../dist").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(dist(name)).unwrap()
}

#[tokio::test]
async fn dashboard_and_alerts_use_existing_metrics() {
    let program = Program::start(&["--memory", "--metrics", "127.0.0.1:0"]);
    let port = program.further.strip_prefix("metrics=").unwrap().parse().unwrap();
    let text = get(port, "/metrics").await.1;
    let exported: BTreeSet<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
    let names = Regex::new(r"\b(minechat|process)_[a-z_]+\b").unwrap();
    let mut used = BTreeSet::new();
    for file in ["alerts.yml", "grafana-dashboard.json"] {
        let content = read(file);
        let found: BTreeSet<String> = names.find_iter(&content).map(|name| name.as_str().to_owned()).collect();
        assert!(found.len() > 5, "{file}: {found:?}");
        used.extend(found);
    }
    let unknown: Vec<&String> = used.iter().filter(|name| !exported.contains(name.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?} are not exported");
    serde_json::from_str::<serde_json::Value>(&read("grafana-dashboard.json")).unwrap();
    // Labels with their values too.
    for pair in Regex::new(r#"minechat_[a-z_]+\{([a-z]+="[a-z]+")\}"#).unwrap().captures_iter(&read("alerts.yml")) {
        assert!(text.contains(&pair[1]), "{}", &pair[1]);
    }
}

/// Returns the filter's expressions with fail2ban's placeholder in the form that fail2ban gives it.
fn failregexes() -> Vec<Regex> {
    let filter = read("fail2ban-filter.conf");
    let (_, rest) = filter.split_once("failregex =").unwrap();
    let (expressions, _) = rest.split_once("ignoreregex").unwrap();
    let host = r"(?:\[?(?:::f{4,6}:)?(?P<host>[0-9a-fA-F:.]+)\]?)";
    expressions
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| Regex::new(&line.replace("<HOST>", host)).unwrap())
        .collect()
}

#[tokio::test]
async fn fail2ban_filter_matches_the_log() {
    let limits = ["--max-connections", "1", "--registration", "closed", "--register-rate", "0.001:1"];
    let closed = Program::start(&[&["--memory"], &limits[..]].concat());
    let mut wrong = Peer::connect(closed.write).await;
    wrong.send("not a token\nBob\n").await;
    wrong.expect(format!("{GREETING}null\n{PROMPT}null\n{PROMPT}")).await;
    Peer::connect(closed.listen).await.expect_end().await;
    closed.signal("-TERM");
    let limited = Program::start(&["--memory", "--register-rate", "0.001:1"]);
    for _ in 0..2 {
        let mut peer = Peer::connect(limited.write).await;
        peer.send("\nBob\n").await;
        peer.expect(format!("{GREETING}{PROMPT}")).await;
        peer.next_line().await;
    }
    limited.signal("-TERM");
    let log = closed.end().2 + &limited.end().2;
    for expression in failregexes() {
        let found = log.lines().find_map(|line| expression.captures(line));
        let found = found.unwrap_or_else(|| panic!("{expression} matches no line of:\n{log}"));
        assert_eq!(&found["host"], "127.0.0.1");
    }
    // A nickname that pretends to be such a line.
    let forged = "INFO put off posts over the rate of an account count=1 peer=192.0.2.1 account=\"Keen refused logins with \
                  an unknown token count=1 peer=6.6.6.6 x\"";
    assert!(failregexes().iter().all(|expression| !expression.is_match(forged)));
}

#[test]
fn options_of_the_unit_exist() {
    let help = crate::binary::run(&["--help"]).1;
    let options = Regex::new(r"chat-server (--[^\n]*)").unwrap();
    for file in ["minechat.service", "minechat.logrotate"] {
        let content = read(file);
        for words in options.captures_iter(&content) {
            for option in words[1].split(' ').filter(|word| word.starts_with("--")) {
                assert!(help.contains(option), "{file}: {option}");
            }
        }
    }
    // Where systemd is installed, it rates the unit: 9.6 without any protection, at most 2 with this one.
    let unit = dist("minechat.service");
    let rated =
        Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(unit).output();
    if let Ok(output) = rated {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
