//! The default data directory, as the programs find it. A process cannot change its own environment safely, so the test
//! runs itself again with another one.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chat_client::{Credentials, FileWarning, Outbox, Recorder, Repair, paths};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn tightens_only_the_default_directory() {
    let Some(home) = std::env::var_os("DATA_DIR_TEST_HOME") else {
        let home = tempfile::tempdir().unwrap();
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .env_remove("CHAT_DATA_DIR")
            .env("XDG_DATA_HOME", home.path())
            .env("DATA_DIR_TEST_HOME", home.path())
            .output()
            .unwrap();
        assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
        return;
    };
    let named = Path::new(&home).join("elsewhere");
    for (dir, mends) in [(paths::data_dir().unwrap(), true), (named, false)] {
        for kind in ["history", "credentials", "outbox"] {
            fs::create_dir_all(&dir).unwrap();
            fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
            let path = dir.join(kind);
            let warnings = match kind {
                "history" => Recorder::open(&path).unwrap().warnings().to_vec(),
                "credentials" => Credentials::load(&path).unwrap().warnings().to_vec(),
                _ => Outbox::open(&path, "room").unwrap().warnings(),
            };
            let mended = FileWarning::Repaired(Repair::DirectoryTightened { path: dir.clone(), was: 0o755 });
            assert_eq!(warnings, if mends { vec![mended] } else { Vec::new() }, "{kind}");
            assert_eq!(mode(&dir), if mends { 0o700 } else { 0o755 }, "{kind}");
        }
    }
}
