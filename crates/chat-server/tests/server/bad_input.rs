//! Wrong values of every option: exit code 2, a sentence that names the option, and nothing is created.

use std::collections::BTreeSet;
use std::fs;

use crate::binary::run;

/// Options with values that they do not accept. `None` is an option without a value.
const WRONG: [(&str, &[Option<&str>]); 41] = [
    ("listen", &[Some(""), Some("nonsense"), Some("127.0.0.1"), Some("127.0.0.1:99999"), Some(":")]),
    ("write", &[Some(""), Some("127.0.0.1:-1")]),
    ("metrics", &[Some("5000"), Some("[::1")]),
    ("tls-listen", &[Some("x"), Some("127.0.0.1:0")]),
    ("tls-write", &[Some("x"), Some("127.0.0.1:0")]),
    ("tls-cert", &[Some(""), Some("cert.pem")]),
    ("tls-key", &[Some(""), Some("key.pem")]),
    ("data-dir", &[Some("")]),
    ("log-file", &[Some("")]),
    ("config", &[Some("")]),
    ("memory", &[Some("maybe")]),
    ("strict", &[Some("maybe")]),
    ("announce", &[Some("1")]),
    ("no-extensions", &[Some("yes")]),
    ("proxy-from", &[Some(""), Some("10.0.0.0/33"), Some("balancer"), Some("10.0.0.1,,10.0.0.2")]),
    ("nats", &[Some(""), Some("n1,"), Some("http://n1"), Some("chat:secret@n1"), Some("n1/room"), Some("n 1")]),
    ("nats-log", &[Some(""), Some("a.b"), Some("two words"), Some("*")]),
    ("nats-creds", &[Some("")]),
    ("nats-ca", &[Some("")]),
    ("allow-old-nats", &[Some("maybe")]),
    ("log-format", &[Some(""), Some("xml")]),
    ("log-level", &[Some(""), Some("loud"), Some("INFO,debug")]),
    ("max-connections", &[Some(""), Some("-1"), Some("many"), Some("1.5"), Some("99999999999999999999")]),
    ("max-connections-per-address", &[Some("-1"), Some("x")]),
    ("login-within", &[Some("0"), Some("-1"), Some("1e9"), Some("10s"), Some("NaN")]),
    ("nickname-within", &[Some("0"), Some("inf")]),
    ("stall", &[Some("0"), Some("x")]),
    ("drain-within", &[Some("0"), Some("x")]),
    ("max-nickname", &[Some("0"), Some("61"), Some("x")]),
    ("post-rate", &[Some(""), Some("0"), Some("-1"), Some("x"), Some("20:x"), Some("20:-1"), Some("NaN"), Some("Off")]),
    ("register-rate", &[Some("0"), Some("1:1:1")]),
    ("register-rate-total", &[Some("0"), Some(":")]),
    ("post-bytes", &[Some(""), Some("0"), Some("x"), Some("1K:x"), Some("32K:8G"), Some("-1K")]),
    ("address-bytes", &[Some("0"), Some("1Q")]),
    ("max-store", &[Some(""), Some("big"), Some("1.5G"), Some("99999999999T")]),
    ("min-free", &[Some(""), Some("-1"), Some("10 G")]),
    (
        "keep",
        &[Some(""), Some("90"), Some("5s"), Some("1K"), Some("90d,"), Some("90d,30d"), Some("1G,2G"), Some("10mb")],
    ),
    ("registration", &[Some(""), Some("OPEN"), Some("invite"), Some("invite:"), Some("invite:two words")]),
    ("help-me", &[None]),
    ("versions", &[None]),
    ("listen-to", &[Some("x")]),
];

#[test]
fn each_option_refuses_wrong_values() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("room");
    for (option, values) in WRONG {
        for value in values {
            let word = value.map_or_else(|| format!("--{option}"), |value| format!("--{option}={value}"));
            // Valid ports, unless the option is one: a server that accepts the value must not stay.
            let mut words = vec![word.as_str()];
            for (port, free) in [("listen", "--listen=127.0.0.1:0"), ("write", "--write=127.0.0.1:0")] {
                if option != port {
                    words.push(free);
                }
            }
            if option != "data-dir" && option != "memory" {
                words.extend(["--data-dir", dir.to_str().unwrap()]);
            }
            let (code, out, err) = run(&words);
            assert_eq!((code, out.as_str()), (Some(2), ""), "{word}: {err}");
            let first = err.lines().next().unwrap();
            assert!(first.contains(&format!("--{option}")), "{word}: {err}");
            assert!(!first.contains("os error") && !err.contains("panicked"), "{word}: {err}");
        }
    }
    assert!(!dir.exists());
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[test]
fn each_option_is_in_the_table() {
    let (_, help, _) = run(&["--help"]);
    let word = |line: &str| line.trim_start().split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    let options: BTreeSet<String> = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("-h, ").map_or(Some(line), |_| None))
        .filter(|line| line.trim_start().starts_with("--"))
        .map(|line| word(line.trim_start().trim_start_matches('-')))
        .collect();
    let known: BTreeSet<&str> = WRONG.iter().map(|(option, _)| *option).collect();
    let missing: Vec<&String> = options.iter().filter(|option| !known.contains(option.as_str())).collect();
    assert!(options.len() > 25, "{options:?}");
    assert!(missing.is_empty(), "{missing:?} have no wrong value");
}
