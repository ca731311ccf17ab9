//! Measures storing without a socket: batches as the committer makes them, and the pages of a resume. The SQLite
//! journal waits for the disk in each batch, so its figures depend on the disk.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;

use chat_proto::{Nickname, PostId, Text, Token};
use chat_server::{Appended, Author, Draft, Journal, MemoryJournal, ReadLimit, SqliteJournal, TokenHash};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BATCH: u64 = 256;

/// Stores an account and returns it as an author.
fn author(journal: &mut impl Journal) -> Arc<Author> {
    let nickname = Nickname::new("Keen Bob").unwrap();
    let token = TokenHash::of(&Token::new("9a08f44c-c541-41eb-8c47-0242ac110002").unwrap());
    let appended = journal.append(&[Draft::Account { token, nickname: nickname.clone() }]).unwrap();
    let [Appended::Account(id)] = appended[..] else { panic!("no account") };
    Arc::new(Author { id, nickname })
}

fn batch(author: &Arc<Author>, ids: Option<u64>) -> Vec<Draft> {
    let text = Text::new("a line of the usual length, some sixty bytes long").unwrap();
    let draft = |number: u64| Draft::Post {
        author: author.clone(),
        id: ids.map(|from| PostId::new(&format!("01JD3Z{}", from + number)).unwrap()),
        text: text.clone(),
    };
    (0..BATCH).map(draft).collect()
}

fn append<J: Journal>(c: &mut Criterion, name: &str, mut journal: J) {
    let author = author(&mut journal);
    let mut group = c.benchmark_group(format!("journal/append {BATCH}"));
    group.throughput(Throughput::Elements(BATCH));
    let drafts = batch(&author, None);
    group.bench_function(BenchmarkId::new(name, "plain"), |b| b.iter(|| journal.append(&drafts).unwrap()));
    let mut from = 0;
    group.bench_function(BenchmarkId::new(name, "with ids"), |b| {
        b.iter_batched(
            || {
                from += BATCH;
                batch(&author, Some(from))
            },
            |drafts| journal.append(&drafts).unwrap(),
            criterion::BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn appending(c: &mut Criterion) {
    append(c, "memory", MemoryJournal::new());
    let dir = tempfile::tempdir().unwrap();
    append(c, "sqlite", SqliteJournal::open(dir.path()).unwrap());
}

fn reading(c: &mut Criterion) {
    const PAGE: usize = 2_048;
    let dir = tempfile::tempdir().unwrap();
    let mut journal = SqliteJournal::open(dir.path()).unwrap();
    let author = author(&mut journal);
    for _ in 0..40 {
        journal.append(&batch(&author, None)).unwrap();
    }
    let reader = journal.reader();
    let mut group = c.benchmark_group("journal/read");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function(BenchmarkId::new("sqlite", PAGE), |b| {
        let page = ReadLimit::new(PAGE, usize::MAX);
        b.iter(|| assert_eq!(reader.read(1_000, page).unwrap().len(), PAGE));
    });
    group.finish();
}

criterion_group!(benches, appending, reading);
criterion_main!(benches);
