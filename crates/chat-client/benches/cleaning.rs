//! Measures making a peer's text safe for a terminal. The usual line needs no cleaning.
#![allow(missing_docs)]

use std::hint::black_box;

use chat_client::display::{clean_for_terminal, skeletons};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const LINES: [(&str, &str); 3] = [
    ("ascii", "Jolly Ann: a line of the usual length, some sixty bytes long"),
    ("cyrillic", "Влад: привет! Кто-нибудь видел мой ключ от двери?"),
    (
        "hostile",
        "Eve\u{202e}: \u{1b}[2J\u{9b}31m\u{200b}e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\r\n\u{feff}end\u{7f}",
    ),
];

fn cleaning(c: &mut Criterion) {
    let mut group = c.benchmark_group("cleaning");
    for (name, line) in LINES {
        group.throughput(Throughput::Bytes(line.len() as u64));
        group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(|| clean_for_terminal(black_box(line))));
    }
    group.finish();
}

fn name_skeletons(c: &mut Criterion) {
    let mut group = c.benchmark_group("skeleton");
    group.throughput(Throughput::Elements(1));
    for (name, nickname) in [("ascii", "Keen Bob"), ("cyrillic", "Кеен Воб")] {
        group.bench_function(BenchmarkId::from_parameter(name), |b| b.iter(|| skeletons(black_box(nickname))));
    }
    group.finish();
}

criterion_group!(benches, cleaning, name_skeletons);
criterion_main!(benches);
