//! A process with few file descriptors.
#![allow(clippy::unwrap_used, missing_docs)]

mod support;

use support::*;

#[test]
fn few_descriptors_are_an_error() {
    let (room, home) = (Room::start(), Home::new());
    let mut done = false;
    for limit in 4..32 {
        for words in
            [&["send", "-u", "Bob", "-m", "hi"][..], &["listen", "--timeout", "1ms", "--history-path", "h.txt"]]
        {
            let chat = home.chat_in(&room, words.iter().copied());
            let mut command = std::process::Command::new("sh");
            command.args(["-c", &format!("ulimit -n {limit}; exec \"$0\" \"$@\"")]).arg(chat.get_program());
            command.args(chat.get_args()).env_clear().current_dir(home.dir.path());
            command.envs(chat.get_envs().filter_map(|(name, value)| Some((name, value?))));
            let output = run(command);
            // Under the lowest limits the program cannot be loaded.
            assert!(
                matches!(output.status.code(), Some(0 | 1 | 4 | 127)),
                "{limit}: {:?} {}",
                output.status,
                err(&output)
            );
            assert!(!err(&output).contains("panicked"), "{limit}: {}", err(&output));
            done |= output.status.success();
        }
    }
    assert!(done, "the limits include sufficient ones");
}
