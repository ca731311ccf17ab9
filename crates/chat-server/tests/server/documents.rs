//! The tasks of the documents: every block of shell commands is run as it is written, in a sandbox in which the paths of the
//! documents are those of a temporary directory and `systemctl` starts and stops the real program.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use testkit::document::{ShellBlock, shell_blocks};
use testkit::shell::Shell;

use crate::peer::{GREETING, PROMPT, Peer, WELCOME, guarded};

/// The directories that documents use, which a sandbox has for itself.
const PLACES: [&str; 6] = ["/var/lib/minechat", "/var/log/minechat", "/etc/minechat", "/backup", "/srv", "/var/lib"];

/// What `systemctl` does for a service, without systemd.
const SYSTEMCTL: &str = r#"set -eu
pid=$ROOT/pid
stop() { kill "$(cat "$pid")"; while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.02; done; rm -f "$pid"; }
start() {
  : >"$ROOT/ready"
  chat-server --config "$ROOT/etc/minechat/server.toml" --data-dir "$ROOT/var/lib/minechat" \
    >"$ROOT/ready" 2>>"$ROOT/journal" </dev/null &
  echo $! >"$pid"
  until grep -q '^ready ' "$ROOT/ready"; do kill -0 "$(cat "$pid")" || exit 1; sleep 0.02; done
}
# A service of the type notify-reload is waited for too.
outcomes() { cat "$ROOT"/var/log/minechat/server.log* | grep -c 'reload.* the configuration' || true; }
[ "${2:-minechat}" = minechat ] || exit 4
case $1 in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  reload)
    before=$(outcomes)
    kill -HUP "$(cat "$pid")"
    while [ "$(outcomes)" = "$before" ]; do sleep 0.02; done
    ;;
  status) kill -0 "$(cat "$pid")" ;;
  *) echo "unknown: $1" >&2; exit 1 ;;
esac
"#;

pub(crate) struct Sandbox {
    shell: Shell,
}

impl Sandbox {
    /// Creates the directories, a configuration with free ports, and starts the server.
    pub(crate) fn start() -> Self {
        let mut this = Self { shell: Shell::new("") };
        this.shell.set("ROOT", this.shell.root().to_owned());
        this.shell.set("XDG_DATA_HOME", this.path("/data"));
        for place in PLACES.into_iter().chain(["/data/minechat"]) {
            fs::create_dir_all(this.path(place)).unwrap();
        }
        fs::remove_dir(this.path("/var/lib/minechat")).unwrap();
        symlink(env!("CARGO_BIN_EXE_chat-server"), this.path("/bin/chat-server")).unwrap();
        // The directory that commands without --data-dir use.
        symlink(this.path("/var/lib/minechat"), this.path("/data/minechat/server")).unwrap();
        this.shell.program("systemctl", SYSTEMCTL);
        for (key, cert) in
            [("/etc/minechat/key.pem", "/etc/minechat/cert.pem"), ("/backup/new-key.pem", "/backup/new-cert.pem")]
        {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            fs::write(this.path(key), made.signing_key.serialize_pem()).unwrap();
            fs::set_permissions(this.path(key), fs::Permissions::from_mode(0o600)).unwrap();
            fs::write(this.path(cert), made.cert.pem()).unwrap();
        }
        fs::write(this.path("/backup/history.txt"), "[14.01.23 17:07] Vlad: hello\n").unwrap();
        let log = this.path("/var/log/minechat/server.log");
        let configuration = format!(
            "listen = \"127.0.0.1:0\"\nwrite = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n\
             tls-listen = \"127.0.0.1:0\"\ntls-write = \"127.0.0.1:0\"\ntls-cert = \"cert.pem\"\n\
             tls-key = \"key.pem\"\npost-rate = \"20:200\"\nlog-file = {log:?}\n"
        );
        fs::write(this.path("/etc/minechat/server.toml"), configuration).unwrap();
        this.run("systemctl start minechat");
        this
    }

    pub(crate) fn path(&self, place: &str) -> PathBuf {
        self.shell.root().join(place.trim_start_matches('/'))
    }

    /// Runs commands, with the paths of the documents replaced.
    pub(crate) fn run(&mut self, script: &str) -> String {
        let root = self.shell.root().to_str().unwrap();
        let mut script = script.to_owned();
        for place in PLACES {
            // Only at the beginning of a path: `/srv` is not a part of `/usr/srv`.
            for before in [" ", "\"", "=", "'", ">"] {
                script = script.replace(&format!("{before}{place}"), &format!("{before}{root}{place}"));
            }
        }
        let ready = fs::read_to_string(self.path("/ready")).unwrap_or_default();
        let port = |name: &str| {
            let field = ready.split_whitespace().find_map(|field| field.strip_prefix(&format!("{name}=127.0.0.1:")));
            field.unwrap_or("0").to_owned()
        };
        let script = script.replace("127.0.0.1:9090", &format!("127.0.0.1:{}", port("metrics")));
        self.shell.output(&format!("set -u\n{script}"))
    }

    /// Returns what the server has logged, with the file that was moved away.
    fn log(&self) -> String {
        let logs = ["server.log", "server.log.1"]
            .map(|name| fs::read_to_string(self.path("/var/log/minechat").join(name)).unwrap_or_default());
        logs.concat()
    }

    /// Registers an account. Returns its writer and its nickname.
    pub(crate) async fn register(&self, nickname: &str) -> (Peer, String) {
        let ready = fs::read_to_string(self.path("/ready")).unwrap();
        let write = ready.split_once(" write=").unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
        let mut peer = Peer::connect(write).await;
        peer.send(format!("\n{nickname}\n")).await;
        peer.expect(format!("{GREETING}{PROMPT}")).await;
        let record = peer.record().await;
        peer.expect(WELCOME).await;
        (peer, record.nickname)
    }
}

/// Runs the blocks of some sections of a document in a room with twelve messages of one account. Returns the sandbox, and
/// the sections that have a block.
async fn run_tasks(document: &str) -> (Sandbox, Vec<String>) {
    let mut sandbox = Sandbox::start();
    let (mut writer, nickname) = sandbox.register("Bob").await;
    let posting = async {
        for number in 0..12 {
            crate::moderation::post(&mut writer, &format!("message {number}")).await;
        }
    };
    guarded("the posts", posting).await;
    drop(writer);
    let mut sections = Vec::new();
    for ShellBlock { section, script, attribute, .. } in shell_blocks(document) {
        assert_eq!(attribute, None, "{script}");
        sandbox.run(&script.replace("Keen Bob", &nickname));
        sections.push(section);
    }
    sections.dedup();
    (sandbox, sections)
}

#[tokio::test]
async fn the_tasks_of_an_operator_work() {
    let document = include_str!("../../../../docs/operating.md");
    let tasks = document.split_once("\n## Tasks\n").unwrap().1;
    let (tasks, _) = tasks.split_once("\n## Data directory\n").unwrap();
    // Each task of the list has a section.
    let listed = tasks.lines().filter_map(|line| line.strip_prefix("- [")?.split_once("](#")).map(|(title, _)| title);
    for title in listed {
        assert!(tasks.contains(&format!("\n## {title}\n")), "{title}");
    }
    let (sandbox, sections) = run_tasks(tasks).await;
    assert!(sections.len() >= 17, "{sections:?}");
    let log = sandbox.log();
    assert!(!log.contains("ERROR"), "{log}");
    for says in ["reloaded the configuration", "post-rate", "registration", "max-store"] {
        assert!(log.contains(says), "{says}: {log}");
    }
    // The renewed certificate is in use, and the restored room has a new stream.
    assert_eq!(
        fs::read(sandbox.path("/etc/minechat/cert.pem")).unwrap(),
        fs::read(sandbox.path("/backup/new-cert.pem")).unwrap()
    );
}

#[tokio::test]
async fn the_commands_of_a_moderator_work() {
    let document = include_str!("../../../../docs/moderation.md");
    assert!(shell_blocks(document).iter().map(|block| block.script.lines().count()).sum::<usize>() > 10);
    let (sandbox, _) = run_tasks(document).await;
    // The slow mode begins and ends, although the configuration has a rate of its own.
    let log = sandbox.log();
    assert!(log.matches("reloaded the configuration").count() == 2 && !log.contains("ERROR"), "{log}");
}
