//! Measures splitting bytes into lines and encoding messages, without sockets.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use bytes::BytesMut;
use chat_proto::{LineCodec, Text, encode_numbered, encode_plain};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio_util::codec::Decoder as _;

/// As much as one read of a busy connection returns.
const READ: usize = 64 * 1024;
const LINE: &str = "Keen Bob: a line of the usual length, some sixty bytes\n";

fn split(c: &mut Criterion) {
    let stream = LINE.repeat(READ / LINE.len());
    let mut group = c.benchmark_group("codec/split");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    // A hostile or very slow peer sends single bytes: the cost must not be quadratic.
    for (name, piece) in [("byte by byte", 1), ("packets of 1448", 1448), ("whole reads", READ)] {
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched_ref(
                || BytesMut::with_capacity(READ),
                |buffer| {
                    let mut codec = LineCodec::for_client();
                    let mut lines = 0;
                    for bytes in stream.as_bytes().chunks(piece) {
                        buffer.extend_from_slice(bytes);
                        while let Some(frame) = codec.decode(buffer).unwrap() {
                            black_box(frame);
                            lines += 1;
                        }
                    }
                    assert_eq!(lines, READ / LINE.len());
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn encode(c: &mut Criterion) {
    const MESSAGES: u64 = 1_000;
    let texts = [
        ("ascii", "a line of the usual length, some sixty bytes long"),
        ("cyrillic", "привет! Кто-нибудь видел мой ключ?"),
        ("escaped", "she said \"C:\\new\\tab\"\nand went\taway"),
    ];
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(MESSAGES));
    for (name, text) in texts {
        let text = Text::new(text).unwrap();
        let mut out = BytesMut::with_capacity(1024 * 1024);
        group.bench_function(BenchmarkId::new("plain", name), |b| {
            b.iter(|| {
                out.clear();
                (0..MESSAGES).for_each(|_| encode_plain(&mut out, "Keen Bob", &text));
                black_box(out.len())
            });
        });
        group.bench_function(BenchmarkId::new("numbered", name), |b| {
            b.iter(|| {
                out.clear();
                (0..MESSAGES).for_each(|seq| encode_numbered(&mut out, seq, 1_700_000_000_000, "Keen Bob", &text));
                black_box(out.len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, split, encode);
criterion_main!(benches);
