//! Measures the history file: appending lines as they arrive, reading backwards page by page, searching. The file is in
//! the page cache.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;

use chat_client::{History, Message, Nickname, Position, Recorder, StreamId, Text, history};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

/// The number of lines in the file that is read.
const LINES: u64 = 100_000;
/// Occurs in the first line only, so that a search from the end scans the whole file.
const RARE: &str = "quokka";

fn message(seq: u64, numbered: bool) -> Message {
    let stream = StreamId::new("k3f9").unwrap();
    let sender = Some(Nickname::new("Jolly Ann").unwrap());
    let message = Message::new(sender, Text::new(&format!("line {seq} of a long and ordinary day")).unwrap());
    if numbered { message.with_position(Position { stream, seq }).with_time(1_700_000_000_000) } else { message }
}

fn append(c: &mut Criterion) {
    const MESSAGES: u64 = 10_000;
    let mut group = c.benchmark_group("history/append");
    group.throughput(Throughput::Elements(MESSAGES));
    for (kind, numbered) in [("numbered", true), ("plain", false)] {
        let messages: Vec<Message> = (1..=MESSAGES).map(|seq| message(seq, numbered)).collect();
        // A batch of 1 is a quiet room, 256 is what one read of a busy room returns.
        for batch in [1, 256] {
            group.bench_function(BenchmarkId::new(kind, format!("batches of {batch}")), |b| {
                b.iter_batched(
                    || {
                        let dir = tempfile::tempdir().unwrap();
                        (Recorder::open(dir.path().join("history.txt")).unwrap(), dir)
                    },
                    |(mut recorder, dir)| {
                        messages.chunks(batch).for_each(|batch| recorder.record(batch).unwrap());
                        // Closing waits for the disk, which is not part of appending.
                        (recorder, dir)
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.txt");
    let mut lines = String::new();
    for number in 0..LINES {
        let word = if number == 0 { RARE } else { "ordinary" };
        writeln!(lines, "[14.01.23 17:07] Jolly Ann: line {number} of an {word} day").unwrap();
    }
    fs::write(&path, &lines).unwrap();
    let history = History::open(&path).unwrap();

    let mut group = c.benchmark_group("history/read");
    group.throughput(Throughput::Elements(LINES));
    for page in [50, 1_000] {
        group.bench_function(BenchmarkId::new("backwards", format!("pages of {page}")), |b| {
            b.iter(|| {
                let (mut place, mut seen) = (history.len(), 0);
                while place > 0 {
                    let lines = history.before(place, page).unwrap();
                    place = lines.first().unwrap().offset();
                    seen += lines.len() as u64;
                }
                assert_eq!(seen, LINES);
            });
        });
    }
    group.throughput(Throughput::Elements(50));
    group.bench_function("the last 50", |b| b.iter(|| black_box(history.tail(50).unwrap())));
    group.finish();

    let mut group = c.benchmark_group("history/search");
    group.throughput(Throughput::Bytes(lines.len() as u64));
    for (name, word, found) in [("the oldest line", RARE, true), ("nothing", "platypus", false)] {
        let mut finder = history::needle(word);
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter(|| assert_eq!(history.find_before(history.len(), &mut finder).unwrap().is_some(), found));
        });
    }
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
