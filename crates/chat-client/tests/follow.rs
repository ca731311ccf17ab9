//! A history that is renamed, replaced, truncated or rewritten while it is followed.
#![allow(clippy::unwrap_used)]

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use chat_client::{History, HistoryFollower};

/// Returns the lines that are there within some polls.
async fn news(follower: &mut HistoryFollower) -> Vec<String> {
    let mut lines = Vec::new();
    while let Ok(batch) = tokio::time::timeout(Duration::from_secs(5), follower.next_batch()).await {
        lines.extend(batch.unwrap().iter().map(|line| line.raw().to_owned()));
    }
    lines
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().append(true).create(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// Starts as `chat history --follow` does: after the two lines that are there.
fn followed(path: &Path) -> HistoryFollower {
    fs::write(path, "one\ntwo\n").unwrap();
    let history = History::open(path).unwrap();
    let end = history.len();
    history.follow(end)
}

#[tokio::test(start_paused = true)]
async fn reads_a_longer_new_file_from_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h");
    for new in ["n\n", "one\nNEW\n", "new1\nnew2\nnew3\nnew4\n"] {
        for looks_between in [false, true] {
            let mut follower = followed(&path);
            assert_eq!(news(&mut follower).await, Vec::<String>::new());
            fs::rename(&path, dir.path().join("h.1")).unwrap();
            if looks_between {
                assert_eq!(news(&mut follower).await, Vec::<String>::new());
            }
            fs::write(&path, new).unwrap();
            assert_eq!(news(&mut follower).await, new.lines().collect::<Vec<_>>());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn reads_the_old_file_to_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("h"), dir.path().join("h.1"));
    // Even before the follower has looked for the first time.
    for looked in [false, true] {
        let mut follower = followed(&path);
        if looked {
            assert_eq!(news(&mut follower).await, Vec::<String>::new());
        }
        append(&path, "late\n");
        fs::rename(&path, &old).unwrap();
        append(&old, "later\n");
        fs::write(&path, "new\n").unwrap();
        assert_eq!(news(&mut follower).await, ["late", "later", "new"], "looked: {looked}");
        fs::rename(&path, &old).unwrap();
        append(&old, "without a feed");
        fs::write(&path, "newer\n").unwrap();
        assert_eq!(news(&mut follower).await, ["without a feed", "newer"]);
        fs::remove_file(&path).unwrap();
        assert_eq!(news(&mut follower).await, Vec::<String>::new());
        append(&path, "again\n");
        assert_eq!(news(&mut follower).await, ["again"]);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_a_rewritten_file_from_its_start() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("h");
    for new in ["t\n", "ONE\nTWO\n", "a line that is longer than the others\nand another\n"] {
        let mut follower = followed(&path);
        assert_eq!(news(&mut follower).await, Vec::<String>::new());
        // The same file, truncated and written again.
        fs::write(&path, new).unwrap();
        assert_eq!(news(&mut follower).await, new.lines().collect::<Vec<_>>());
        append(&path, "more\n");
        assert_eq!(news(&mut follower).await, ["more"]);
    }
}
