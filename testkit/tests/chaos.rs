//! A short run of `chaos`. Long runs are reported in `docs/promises.md`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

#[test]
fn three_hundred_faults_break_no_promise() {
    let rig = Command::new(env!("CARGO_BIN_EXE_chaos"))
        .args(["--seed", "4", "--faults", "300", "--messages", "500", "--writers", "6", "--listeners", "3"])
        .output()
        .unwrap();
    let table = String::from_utf8_lossy(&rig.stdout);
    assert!(rig.status.success(), "{table}\n{}", String::from_utf8_lossy(&rig.stderr));
    for kind in ["server", "writer", "listener"] {
        assert!(table.contains(&format!("kill -9 {kind}")), "{table}");
    }
    for act in ["remove", "ban or unban", "mute or unmute", "revoke or restore", "mute a writer", "kick", "resume"] {
        assert!(table.contains(&format!("operator, {act} ")), "{table}");
    }
}
