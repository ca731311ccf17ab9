//! The history and its cursor, with processes that are killed at any byte and files that were damaged.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

use chat_client::{
    FileWarning, Gap, GapCause, History, HistoryError, LockError, Message, Nickname, Position, Recorder, Resume, Seq,
    StreamId, Text,
};
use proptest::prelude::*;

/// Returns a server's log: messages of one stream, possibly with holes.
fn log(seqs: &[Seq]) -> Vec<Message> {
    seqs.iter()
        .map(|&seq| message(Some(("k3f9", seq)), &format!("text {seq}{}", "\nmore".repeat(seq as usize % 3))))
        .collect()
}

fn message(position: Option<(&str, Seq)>, text: &str) -> Message {
    let sender = Some(Nickname::new("Keen Bob").unwrap());
    let mut message = Message::new(sender, Text::new(text).unwrap()).with_time(1_700_000_000_000);
    message.position = position.map(|(stream, seq)| Position { stream: StreamId::new(stream).unwrap(), seq });
    message
}

/// Returns the messages that the server sends to a listener that resumes there.
fn rest<'a>(log: &'a [Message], recorder: &Recorder) -> &'a [Message] {
    let Resume::After { position, .. } = recorder.resume(Resume::Last(1000)) else { return log };
    let from = log.iter().position(|message| message.position.as_ref().unwrap().seq > position.seq);
    &log[from.unwrap_or(log.len())..]
}

fn cursor_of(history: &Path) -> PathBuf {
    history.with_extension("txt.cursor")
}

/// The content of both files at one moment.
#[derive(Clone, PartialEq)]
struct Snapshot {
    history: Vec<u8>,
    cursor: Option<Vec<u8>>,
}

impl Snapshot {
    fn of(path: &Path) -> Self {
        Self { history: fs::read(path).unwrap(), cursor: fs::read(cursor_of(path)).ok() }
    }

    /// Returns how many bytes of the history the cursor counts.
    fn counted(&self) -> usize {
        let Some(cursor) = &self.cursor else { return 0 };
        let first = cursor.split(|&b| b == b'\n').next().unwrap();
        serde_json::from_slice::<serde_json::Value>(first).unwrap()["length"].as_u64().unwrap() as usize
    }

    /// Returns whether the cursor records an active recorder.
    fn is_open(&self) -> bool {
        self.cursor.as_ref().is_none_or(|cursor| !String::from_utf8_lossy(cursor).contains("\"open\":false"))
    }

    fn restore(&self, dir: &Path) -> PathBuf {
        let path = dir.join("history.txt");
        fs::write(&path, &self.history).unwrap();
        match &self.cursor {
            Some(cursor) => fs::write(cursor_of(&path), cursor).unwrap(),
            None => drop(fs::remove_file(cursor_of(&path))),
        }
        path
    }
}

/// Records the log in batches and returns the files after each.
fn run(path: &Path, log: &[Message], batch: usize) -> Vec<Snapshot> {
    let mut recorder = Recorder::open(path).unwrap();
    let mut moments = Vec::new();
    for batch in rest(log, &recorder).chunks(batch) {
        recorder.record(batch).unwrap();
        moments.push(Snapshot::of(path));
    }
    recorder.close().unwrap();
    moments.push(Snapshot::of(path));
    moments
}

/// Returns every state in which a kill can leave the two files: the cursor is the last one written, and the history has
/// any length from what that cursor counts, which was synced before, to what was written with it.
fn deaths(moments: &[Snapshot]) -> Vec<Snapshot> {
    let mut deaths = Vec::new();
    for (place, moment) in moments.iter().enumerate() {
        if moments.get(place + 1).is_none_or(|next| next.cursor != moment.cursor) {
            let lengths = moment.counted()..=moment.history.len();
            deaths.extend(lengths.map(|n| Snapshot { history: moment.history[..n].to_vec(), ..moment.clone() }));
        }
    }
    deaths
}

#[test]
fn a_kill_at_any_byte_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let whole = log(&[1, 2, 3, 4, 5, 6]);
    let moments = run(&dir.path().join("history.txt"), &whole, 2);
    let complete = &moments.last().unwrap().history;
    let again = tempfile::tempdir().unwrap();
    for death in deaths(&moments) {
        let path = death.restore(again.path());
        run(&path, &whole, 4);
        assert!(fs::read(&path).unwrap() == *complete, "died with {} bytes", death.history.len());
    }
}

#[test]
fn older_cursors_give_the_same_position() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let whole = log(&(1..=30).collect::<Vec<_>>());
    let mut moments = Vec::new();
    for end in [7, 8, 15, 30] {
        moments.extend(run(&path, &whole[..end], 5));
    }
    let complete = fs::read(&path).unwrap();
    // A closed history was on the disk before a later run started to write.
    for cursor in moments.iter().filter(|moment| moment.is_open()).map(|moment| moment.cursor.clone()) {
        for torn in [0, 1, 20] {
            let history = complete[..complete.len() - torn].to_vec();
            let moment = Snapshot { history, cursor: cursor.clone() };
            if moment.history.len() < moment.counted() {
                continue;
            }
            let path = moment.restore(dir.path());
            run(&path, &whole, 30);
            assert!(fs::read(&path).unwrap() == complete);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn kills_and_gaps_leave_the_servers_log(
        steps in prop::collection::vec(1u64..4, 4..20),
        batch in 1usize..6,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let seqs: Vec<Seq> = steps.iter().scan(0, |seq, step| { *seq += if *step == 3 { 5 } else { 1 }; Some(*seq) }).collect();
        let whole = log(&seqs);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.txt");
        // The first message creates the cursor.
        let mut recorder = Recorder::open(&path).unwrap();
        recorder.record(&whole[..1]).unwrap();
        drop(recorder);
        for pick in picks {
            let moments = run(&path, &whole, batch);
            let deaths = deaths(&moments);
            deaths[pick.index(deaths.len())].restore(dir.path());
        }
        run(&path, &whole, batch);
        let recorded: Vec<String> = History::open(&path).unwrap().tail(1000).unwrap().iter().map(|line| line.text().into_owned()).collect();
        let said: Vec<String> = whole.iter().map(|message| message.text.to_string()).collect();
        prop_assert_eq!(recorded, said);
    }

    #[test]
    fn opens_any_cursor_and_history(
        history in prop::collection::vec(any::<u8>(), 0..200),
        cursor in prop::option::of(prop::collection::vec(any::<u8>(), 0..100)),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = Snapshot { history: history.clone(), cursor }.restore(dir.path());
        let mut recorder = Recorder::open(&path).unwrap();
        recorder.record(&log(&[1])).unwrap();
        drop(recorder);
        // Existing content stays; an incomplete last line is terminated.
        let now = fs::read(&path).unwrap();
        prop_assert!(now.starts_with(&history));
        prop_assert!(now.ends_with(b"Keen Bob: text 1\xe2\x90\x8amore\n"));
    }
}

#[test]
fn second_writer_learns_who_has_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let _first = Recorder::open(&path).unwrap();
    match Recorder::open(&path) {
        Err(HistoryError::Locked(LockError::Held { pid, .. })) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
}

/// The lock file next to the history may be removed, and the history may be another file by then.
#[cfg(unix)]
#[test]
fn second_writer_needs_more_than_no_lock_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let mut recorder = Recorder::open(&path).unwrap();
    for seq in 1..=2 {
        recorder.record(&log(&[seq])).unwrap();
        fs::remove_file(dir.path().join("history.txt.lock")).unwrap();
        assert!(matches!(Recorder::open(&path), Err(HistoryError::Locked(LockError::Held { .. }))));
        fs::rename(&path, dir.path().join("history.txt.1")).unwrap();
    }
    recorder.record(&log(&[3])).unwrap();
    drop(recorder);
    assert_eq!(Recorder::open(&path).unwrap().position().unwrap().seq, 3);
}

/// As `copytruncate` of logrotate does; then the process is killed.
#[test]
fn truncation_while_it_is_written_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let whole = log(&[1, 2, 3, 4, 5]);
    let mut recorder = Recorder::open(&path).unwrap();
    recorder.record(&whole[..2]).unwrap();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
    for message in &whole[2..] {
        recorder.record(std::slice::from_ref(message)).unwrap();
    }
    assert_eq!(recorder.take_warnings(), [FileWarning::Shrunk { path: path.clone() }]);
    let death = Snapshot::of(&path);
    drop(recorder);
    let again = tempfile::tempdir().unwrap();
    assert_eq!(Recorder::open(death.restore(again.path())).unwrap().position().unwrap().seq, 5);
    assert_eq!(History::open(&path).unwrap().tail(9).unwrap().len(), 3);
}

#[test]
fn skips_recorded_messages_of_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let mut recorder = Recorder::open(&path).unwrap();
    recorder.record(&log(&[1, 2, 3])).unwrap();
    recorder.record(&log(&[2, 3, 4])).unwrap();
    recorder.record(&[message(Some(("new", 1)), "again")]).unwrap();
    assert_eq!(recorder.position().unwrap().stream.as_str(), "new");
    recorder.record(&[message(None, "plain")]).unwrap();
    assert_eq!(recorder.resume(Resume::Live), Resume::Live);
    drop(recorder);
    let recorder = Recorder::open(&path).unwrap();
    assert_eq!(recorder.resume(Resume::Live), Resume::Live, "a line without number is not counted");
    assert_eq!(History::open(&path).unwrap().tail(100).unwrap().len(), 6);
}

#[test]
fn foreign_lines_are_not_counted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let whole = log(&[1, 2, 3, 4]);
    for (torn, close) in [("", true), ("[14.01.23 17:08] Vlad: to", false)] {
        fs::write(&path, "").unwrap();
        let _ = fs::remove_file(cursor_of(&path));
        let mut recorder = Recorder::open(&path).unwrap();
        recorder.record(&whole[..2]).unwrap();
        if close {
            recorder.close().unwrap();
        } else {
            drop(recorder);
        }
        let added = format!("[14.01.23 17:07] Vlad: one\n[14.01.23 17:07] Vlad: two\n{torn}");
        let before = [fs::read(&path).unwrap(), added.into_bytes()].concat();
        fs::write(&path, &before).unwrap();
        let mut recorder = Recorder::open(&path).unwrap();
        assert_eq!(recorder.position().unwrap().seq, 2);
        recorder.record(rest(&whole, &recorder)).unwrap();
        // A kill now finds its own two lines, not four.
        let death = Snapshot::of(&path);
        drop(recorder);
        let again = tempfile::tempdir().unwrap();
        assert_eq!(Recorder::open(death.restore(again.path())).unwrap().position().unwrap().seq, 4);
        assert!(fs::read(&path).unwrap().starts_with(&before), "what others wrote stays");
        let texts: Vec<_> = History::open(&path).unwrap().tail(2).unwrap().iter().map(|l| l.raw().to_owned()).collect();
        assert!(texts.iter().all(|line| line.contains("Keen Bob: text ")), "{texts:?}");
    }
}

#[test]
fn records_reused_numbers_of_a_cut_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let mut recorder = Recorder::open(&path).unwrap();
    recorder.record(&log(&[1, 2, 3, 4, 5])).unwrap();
    recorder.gap(&gap(GapCause::OtherStream)).unwrap();
    recorder.record(&[message(Some(("k3f9", 3)), "another third")]).unwrap();
    drop(recorder);
    let recorder = Recorder::open(&path).unwrap();
    assert_eq!(recorder.position().unwrap().seq, 3);
    assert_eq!(History::open(&path).unwrap().tail(1).unwrap()[0].text(), "another third");
}

fn gap(cause: GapCause) -> Gap {
    Gap::new(std::time::SystemTime::UNIX_EPOCH, std::time::SystemTime::UNIX_EPOCH, None, cause)
}

#[test]
fn removes_zeros_after_a_power_failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let cursor = run(&path, &log(&[1, 2]), 1)[0].cursor.clone();
    run(&path, &log(&[1, 2, 3, 4]), 1);
    let complete = fs::read(&path).unwrap();
    let mut spoilt = complete.clone();
    let third = spoilt.iter().enumerate().filter(|(_, b)| **b == b'\n').nth(2).unwrap().0;
    spoilt[third + 5..].fill(0);
    Snapshot { history: spoilt, cursor }.restore(dir.path());
    let recorder = Recorder::open(&path).unwrap();
    assert!(matches!(recorder.warnings(), [FileWarning::TornLineCut { .. }]), "{:?}", recorder.warnings());
    drop(recorder);
    run(&path, &log(&[1, 2, 3, 4]), 1);
    assert!(fs::read(&path).unwrap() == complete);
}

#[test]
fn continues_a_truncated_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    run(&path, &log(&[1, 2, 3]), 1);
    fs::write(&path, "").unwrap();
    let mut recorder = Recorder::open(&path).unwrap();
    assert!(matches!(recorder.warnings(), [FileWarning::Shrunk { .. }]));
    recorder.record(rest(&log(&[1, 2, 3, 4]), &recorder)).unwrap();
    drop(recorder);
    assert_eq!(History::open(&path).unwrap().tail(9).unwrap().len(), 1);
    assert_eq!(Recorder::open(&path).unwrap().position().unwrap().seq, 4);
}

#[test]
fn continues_an_old_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    fs::write(&path, "[14.01.23 17:07] Vlad: old\n[14.01.23 17:08] Vlad: to").unwrap();
    let mut recorder = Recorder::open(&path).unwrap();
    assert!(recorder.warnings().contains(&FileWarning::TornLineEnded { path: path.clone() }));
    recorder.record(&[message(None, "new")]).unwrap();
    drop(recorder);
    let lines = History::open(&path).unwrap().tail(9).unwrap();
    assert_eq!(lines.iter().map(|line| line.text().into_owned()).collect::<Vec<_>>(), ["old", "to", "new"]);
}

#[test]
fn spans_match_the_lines() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let mut recorder = Recorder::open(&path).unwrap();
    recorder.record(&log(&[1])).unwrap();
    let spans = recorder.record_spans(&log(&[1, 2, 3])).unwrap();
    let history = History::open(&path).unwrap();
    let lines = history.before(history.len(), 2).unwrap();
    let wanted: Vec<_> = lines.iter().map(|line| Some(line.offset()..line.end())).collect();
    assert_eq!(spans, [vec![None], wanted].concat());
}
