//! The tasks of `docs/cluster.md` on one machine: `ssh` runs a command with the paths of its node, and `systemctl` starts and
//! stops the real programs.

use std::fs;
use std::os::unix::fs::symlink;

use testkit::document::shell_blocks;
use testkit::nats_servers::NatsServers;
use testkit::shell::Shell;

use crate::peer::{CONFIRMED, GREETING, PROMPT, Peer, WELCOME};

const NODES: [&str; 3] = ["n1", "n2", "n3"];

/// Runs a command as if it were on a node: its paths are below the folder of the node.
const SSH: &str = r#"set -eu
NODE=$1; shift
export NODE
for word in "$@"; do
  case $word in /var/*|/etc/*|/backup/*) word=$ROOT/$NODE$word ;; esac
  set -- "$@" "$word"; shift
done
exec "$@"
"#;

const SCP: &str = r#"set -eu
exec cp "$ROOT/${1%%:*}${1#*:}" "$ROOT/${2%%:*}${2#*:}"
"#;

/// What `systemctl` does on a node, without systemd.
const SYSTEMCTL: &str = r#"set -eu
at=$ROOT/$NODE
pid=$at/$2.pid
stop() { kill "$(cat "$pid")"; while kill -0 "$(cat "$pid")" 2>/dev/null; do sleep 0.02; done; rm -f "$pid"; }
start() {
  : >"$at/ready"
  if [ "$1" = minechat-nats ]; then
    "$NATS_SERVER" --config "$at/nats.conf" >>"$at/log" 2>&1 </dev/null &
    echo $! >"$pid"
    return
  fi
  chat-server --config "$at/etc/minechat/server.toml" >"$at/ready" 2>>"$at/log" </dev/null &
  echo $! >"$pid"
  until grep -q '^ready ' "$at/ready"; do kill -0 "$(cat "$pid")" || exit 1; sleep 0.02; done
}
case $1 in
  start) start "$2" ;;
  stop) stop ;;
  restart) stop; start "$2" ;;
  *) echo "unknown: $1" >&2; exit 1 ;;
esac
"#;

/// The server that there is before.
const ALONE: &str = r#"
at=$ROOT/n1
chat-server --listen 127.0.0.1:0 --write 127.0.0.1:0 --data-dir "$at/var/lib/minechat" >"$at/ready" 2>>"$at/log" </dev/null &
echo $! >"$at/minechat.pid"
until grep -q '^ready ' "$at/ready"; do sleep 0.02; done
"#;

/// Takes the stores of NATS away while all nodes are stopped.
const LOSE_THE_LOG: &str = r#"
for node in n1 n2 n3; do ssh $node systemctl stop minechat-nats; done
for node in n1 n2 n3; do rm -rf "$(dirname "$(readlink "$ROOT/$node/nats.conf")")/jetstream"; done
for node in n1 n2 n3; do ssh $node systemctl start minechat-nats; done
"#;

/// Waits until the servers know that there is no log.
const NO_LOG_YET: &str = r#"
until ssh n1 chat-server cluster status --config /etc/minechat/server.toml | grep -q "there is no log"; do sleep 0.1; done
"#;

async fn register(shell: &Shell) -> Peer {
    let ready = fs::read_to_string(shell.root().join("n1/ready")).unwrap();
    let write = ready.split_once(" write=").unwrap().1.split_whitespace().next().unwrap().parse().unwrap();
    let mut peer = Peer::connect(write).await;
    peer.send("\nBob\n").await;
    peer.expect(format!("{GREETING}{PROMPT}")).await;
    peer.record().await;
    peer.expect(WELCOME).await;
    peer
}

#[tokio::test]
#[ignore = "needs nats-server: run by .ci/cluster"]
async fn the_tasks_of_a_cluster_work() {
    let document = include_str!("../../../../docs/cluster.md");
    let mut nats = NatsServers::start(&NatsServers::program().unwrap(), 3).await.unwrap();
    let mut shell = Shell::new("");
    shell.set("ROOT", shell.root().to_owned());
    shell.set("NATS_SERVER", NatsServers::program().unwrap());
    symlink(env!("CARGO_BIN_EXE_chat-server"), shell.root().join("bin/chat-server")).unwrap();
    for (name, script) in [("ssh", SSH), ("scp", SCP), ("systemctl", SYSTEMCTL)] {
        shell.program(name, script);
    }
    let servers = nats.addresses().join(",");
    for (index, node) in NODES.into_iter().enumerate() {
        let at = shell.root().join(node);
        for place in ["etc/minechat", "var/lib", "backup"] {
            fs::create_dir_all(at.join(place)).unwrap();
        }
        let configuration = format!(
            "listen = \"127.0.0.1:0\"\nwrite = \"127.0.0.1:0\"\nnats = {servers:?}\nnats-creds = \"nats.creds\"\n\
             data-dir = {:?}\n",
            at.join("var/lib/minechat")
        );
        fs::write(at.join("etc/minechat/server.toml"), configuration).unwrap();
        // The servers of the test know no users, and take any.
        for account in ["nats", "operator"] {
            fs::write(at.join(format!("etc/minechat/{account}.creds")), format!("{account}:secret\n")).unwrap();
        }
        symlink(nats.servers()[index].folder().join("nats.conf"), at.join("nats.conf")).unwrap();
        // From now on they are started by the commands of the document.
        nats.stop(index).await.unwrap();
        shell.output(&format!("ssh {node} systemctl start minechat-nats"));
    }
    shell.output(NO_LOG_YET);
    shell.output(ALONE);
    let mut bob = register(&shell).await;
    bob.send("before\n\n").await;
    bob.expect(CONFIRMED).await;
    let mut sections = Vec::new();
    for block in shell_blocks(document) {
        if block.script.contains("cluster reseed") {
            shell.output(LOSE_THE_LOG);
            shell.output(NO_LOG_YET);
        }
        let printed = shell.output(&format!("set -u\n{}", block.script));
        match block.section.as_str() {
            // Nothing of what is set up is lost on the way.
            "Go back to one server" => assert!(printed.contains("good: messages=1 accounts=1 head=1 "), "{printed}"),
            "Begin a lost log again" if block.script.contains("reseed") => {
                assert!(printed.contains("begins with 1 messages and 1 account"), "{printed}");
            }
            _ => {}
        }
        sections.push(block.section);
    }
    sections.dedup();
    assert_eq!(sections.len(), 7, "{sections:?}");
}
