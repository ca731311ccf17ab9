use std::fs;

use super::write;
use crate::programs::repository_file;

const HEADINGS: [&str; 8] =
    ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES"];

#[test]
fn every_program_has_a_complete_page() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path()).unwrap();
    for program in ["chat", "chat-tui", "chat-web", "chat-server"] {
        let page = fs::read_to_string(dir.path().join("man").join(format!("{program}.1"))).unwrap();
        for heading in HEADINGS {
            let found =
                page.lines().any(|line| line == format!(".SH {heading}") || line == format!(".SH \"{heading}\""));
            assert!(found, "{program}.1 has no section {heading}");
        }
        for completions in [format!("{program}.bash"), format!("_{program}"), format!("{program}.fish")] {
            assert!(dir.path().join("completions").join(&completions).is_file(), "{completions}");
        }
    }
}

/// The variables that the settings of both programs read.
#[test]
fn every_variable_is_in_the_manual() {
    let source = repository_file("crates/chat-client/src/settings/env.rs").unwrap();
    let names: Vec<&str> = source.split('"').skip(1).step_by(2).filter(|name| name.starts_with("CHAT_")).collect();
    assert!(names.len() > 10, "{names:?}");
    let dir = tempfile::tempdir().unwrap();
    write(dir.path()).unwrap();
    for program in ["chat", "chat-tui"] {
        let page = fs::read_to_string(dir.path().join(format!("man/{program}.1"))).unwrap();
        // `\fB` is bold.
        let page = page.replace("\\fB", " ");
        let section = page.split(".SH ENVIRONMENT").nth(1).and_then(|rest| rest.split(".SH ").next()).unwrap();
        let listed: Vec<&str> = section.split(|c: char| !c.is_ascii_uppercase() && c != '_').collect();
        // `chat` has no screen.
        let used = names.iter().filter(|name| program == "chat-tui" || !["CHAT_LANG", "CHAT_THEME"].contains(name));
        let missing: Vec<_> = used.filter(|name| !listed.contains(name)).collect();
        assert!(missing.is_empty(), "{program}(1) does not explain {missing:?}");
    }
}
