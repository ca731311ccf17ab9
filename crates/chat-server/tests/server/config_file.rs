//! The program with a configuration file.

use std::path::Path;

use crate::binary::{Program, run};
use crate::peer::{GREETING, Peer};

fn write(dir: &Path, content: &str) -> String {
    let path = dir.join("server.toml");
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[cfg(unix)]
#[tokio::test]
async fn reads_its_file_through_a_link() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "data-dir = \"store\"\nno-extensions = true\nlisten = \"5000\"\n");
    let link = dir.path().join("link.toml");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    // The command line overrides valid values of a file, and hides no error in it.
    let (code, out, err) = run(&["--config", link.to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.contains("link.toml:3: listen cannot be \"5000\": ") && err.lines().count() == 1, "{err}");
    write(dir.path(), "data-dir = \"store\"\nno-extensions = true\nlisten = \"127.0.0.1:1\"\n");
    let program = Program::start(&["--config", link.to_str().unwrap()]);
    assert!(dir.path().join("store/room.db").is_file());
    let mut writer = Peer::connect(program.write).await;
    writer.expect(GREETING).await;
    writer.send("\nBob\n").await;
    writer.line().await;
    assert!(!writer.record().await.line.contains("extensions"));
    let (code, out, err) = run(&["accounts", "--config", &file, "list"]);
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{err}");
}

#[test]
fn exit_codes_of_missing_and_wrong_files() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.toml");
    let missing = missing.to_str().unwrap();
    for words in [&["--config", missing][..], &["check", "--config", missing]] {
        let (code, _, err) = run(words);
        assert_eq!(code, Some(1), "{err}");
        assert!(
            err.starts_with(&format!("chat-server: could not read {missing}: ")) && err.lines().count() == 1,
            "{err}"
        );
    }
    let file = write(dir.path(), "# a room\nmax-conections = 5\n");
    for words in [&["--config", &file][..], &["check", "--config", &file]] {
        let (code, out, err) = run(words);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{err}");
        assert!(err.contains("server.toml:2: ") && err.contains("\"max-connections\""), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
    }
}
