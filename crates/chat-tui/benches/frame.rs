//! Measures one frame on a large screen, and checks that the length of the history does not matter.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use chat_tui::Pages;
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn frame(c: &mut Criterion) {
    let mut group = c.benchmark_group("frame at 200x50");
    for lines in [1_000, 1_000_000] {
        let mut pages = Pages::open(200, 50, lines).unwrap();
        group.bench_function(BenchmarkId::new("drawing", lines), |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times {
                    pages.turn();
                    let begun = Instant::now();
                    pages.draw().unwrap();
                    spent += begun.elapsed();
                }
                spent
            });
        });
        group.bench_function(BenchmarkId::new("key and drawing", lines), |b| {
            b.iter(|| {
                pages.turn();
                pages.draw().unwrap();
            });
        });
    }
    group.finish();
}

criterion_group!(benches, frame);
criterion_main!(benches);
