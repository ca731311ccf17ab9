use std::fs;

use super::write;

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
