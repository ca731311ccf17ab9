//! Runs the shell commands of the documents for users, each block as one script, with a new home directory and the
//! programs of this build. The servers take free ports: the programs are called through small scripts that pass these on.
//!
//! A block `sh,no_run` is not run, and the text before it says why. A block `sh,until_stopped` runs until it has printed
//! its first line. Everything else must exit with 0. A block that calls `jq` is left out, with a message, on a machine that
//! has none, because `cargo test` needs nothing but Rust and a C compiler; `.ci/run` installs it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use testkit::document::{ShellBlock, shell_blocks};
use testkit::shell::Shell;

use crate::root;

/// Finds the ports of the server that this document has started.
const PORTS: &str = r#"
tries=0
until kill -0 "$(cat "$DOCUMENT/pid" 2>/dev/null)" 2>/dev/null && grep -qs '^ready ' "$DOCUMENT/ready"; do
  tries=$((tries + 1))
  [ "$tries" -lt 1200 ] || { echo "no server is ready" >&2; exit 99; }
  sleep 0.05
done
CHAT_LISTEN_PORT=$(sed 's/.* listen=[^ ]*:\([0-9]*\).*/\1/;s/^ready listen=[^ ]*:\([0-9]*\).*/\1/' "$DOCUMENT/ready")
CHAT_WRITE_PORT=$(sed 's/.*write=[^ ]*:\([0-9]*\).*/\1/' "$DOCUMENT/ready")
export CHAT_LISTEN_PORT CHAT_WRITE_PORT
"#;

/// Returns the directory of the programs. `cargo test --workspace` has built them before any test runs. They are not built
/// here: a build within a test has other variables in its environment, so it replaces libraries that the documentation
/// tests of the same run still need.
fn programs() -> PathBuf {
    let dir = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    for name in ["chat", "chat-tui", "chat-web", "chat-server"] {
        let program = dir.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        assert!(program.is_file(), "no {}: run `cargo build --workspace --bins` first", program.display());
    }
    dir
}

/// A new user on a machine, and the processes that the user has started.
struct Machine {
    shell: Shell,
}

impl Machine {
    fn new() -> Self {
        let mut shell = Shell::new("home");
        shell.set("DOCUMENT", shell.root().to_owned());
        shell.set("BUILD", "7");
        let config = shell.root().join("home/.config/minechat");
        fs::create_dir_all(&config).unwrap();
        let programs = programs();
        let programs = programs.display();
        for name in ["chat", "chat-tui"] {
            shell.program(name, &format!("{PORTS}exec \"{programs}/{name}\" \"$@\"\n"));
        }
        shell.program("chat-web", &format!("{PORTS}exec \"{programs}/chat-web\" --http 127.0.0.1:0 \"$@\"\n"));
        // A server that is started again has the ports of the first one: accounts are saved with the address.
        shell.program(
            "chat-server",
            &format!(
                r#"case $1 in admin|accounts|check) exec "{programs}/chat-server" "$@" ;; esac
port() {{ sed "s/.*$1=[^ ]*:\([0-9]*\).*/\1/" "$DOCUMENT/ready" 2>/dev/null || echo 0; }}
listen=$(port listen) write=$(port write)
rm -f "$DOCUMENT/ready"
echo $$ >"$DOCUMENT/pid"
exec "{programs}/chat-server" "$@" --listen "127.0.0.1:$listen" --write "127.0.0.1:$write" >"$DOCUMENT/ready"
"#
            ),
        );
        // What the documents take for granted.
        shell.program("notify-send", "printf '%s\\n' \"$*\"\n");
        fs::write(shell.root().join("home/build.log"), "compiled\nlinked\n").unwrap();
        fs::write(config.join("config.toml"), "[profile.work]\nhost = \"127.0.0.1\"\n").unwrap();
        Self { shell }
    }

    fn run(&mut self, document: &str, block: &ShellBlock) {
        let script = self.shell.start(&block.script);
        let endless = block.attribute.as_deref() == Some("until_stopped");
        let printed = || endless && script.texts().0.contains('\n');
        let status = self.shell.wait(&script, printed);
        let right = if endless { status.is_none() && printed() } else { status.is_some_and(|status| status.success()) };
        let (output, errors) = script.texts();
        assert!(
            right,
            "{document}:{}: {}\n{}\n-- output:\n{output}\n-- errors:\n{errors}",
            block.line,
            status.map_or("did not end, or printed nothing".to_owned(), |status| status.to_string()),
            block.script,
        );
        if endless {
            self.shell.stop(&script);
        }
    }
}

fn has_jq() -> bool {
    Command::new("jq").arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Runs all blocks of a document. Returns their number.
fn run(machine: &mut Machine, name: &str, prepare: impl Fn(String) -> String) -> usize {
    let document = prepare(fs::read_to_string(root().join(name)).unwrap());
    let blocks = shell_blocks(&document);
    let mut count = 0;
    for block in &blocks {
        match block.attribute.as_deref() {
            Some("no_run") => {}
            _ if block.script.contains("jq ") && !has_jq() => {
                eprintln!("{name}:{}: NOT run, jq is not installed", block.line);
            }
            None | Some("until_stopped") => {
                machine.run(name, block);
                count += 1;
            }
            Some(other) => panic!("{name}:{}: {other} is not an attribute of this test", block.line),
        }
    }
    count
}

/// Runs a document on a machine with a server, on which Bob, who is Keen Bob in the text, posts all the time.
fn run_with_server(name: &str) -> usize {
    let mut machine = Machine::new();
    machine.shell.start("exec chat-server --memory");
    // Another user, whose accounts are not those of the reader.
    let elsewhere = "export HOME=\"$DOCUMENT/elsewhere\"; mkdir -p \"$HOME\"; ";
    let nickname = machine.shell.output(&format!("{elsewhere}chat register -u Bob")).trim().to_owned();
    assert!(nickname.ends_with(" Bob"), "{nickname}");
    // As many as one account may post for long.
    machine.shell.start(&format!(
        "{elsewhere}while :; do printf 'deploy done\\n!time\\n' | chat send -u Bob >/dev/null; sleep 0.2; done"
    ));
    run(&mut machine, name, |document| document.replace("Keen Bob", &nickname))
}

#[test]
fn the_start_works() {
    let mut machine = Machine::new();
    assert!(run(&mut machine, "docs/start.md", |document| document) >= 4);
}

#[test]
fn the_scripts_work() {
    assert!(run_with_server("docs/scripting.md") >= 5);
}

#[test]
fn the_bots_work() {
    assert!(run_with_server("docs/bots.md") >= 2);
}

#[test]
fn the_readme_works() {
    let mut machine = Machine::new();
    assert!(run(&mut machine, "README.md", |document| document) >= 1);
}

#[test]
fn a_wrong_command_is_noticed() {
    let mut machine = Machine::new();
    let block = shell_blocks("```sh\nfalse\ntrue\n```\n").remove(0);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| machine.run("a document", &block))).is_err());
}

#[test]
fn the_browser_page_works() {
    let mut machine = Machine::new();
    machine.shell.start("exec chat-server --memory");
    assert!(run(&mut machine, "docs/web.md", |document| document) >= 1);
}

#[test]
fn the_terminal_page_works() {
    let mut machine = Machine::new();
    machine.shell.start("exec chat-server --memory");
    assert!(run(&mut machine, "docs/tui.md", |document| document) >= 1);
}

/// A block that no test runs must say so, and its document why.
#[test]
fn no_block_is_forgotten() {
    // The last three are run by the tests of `chat-server`; `cluster` by those that `.ci/cluster` starts.
    let run = ["start", "tui", "scripting", "bots", "web", "moderation", "operating", "cluster"]
        .map(|name| format!("{name}.md"));
    let mut forgotten = Vec::new();
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".md") || run.contains(&name) {
            continue;
        }
        let document = fs::read_to_string(root().join("docs").join(&name)).unwrap();
        let blocks = shell_blocks(&document).into_iter().filter(|block| block.attribute.as_deref() != Some("no_run"));
        forgotten.extend(blocks.map(|block| format!("docs/{name}:{}", block.line)));
    }
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
