//! The figures of honest peers and of the server.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;
use testkit::quantile::quantile;

/// The waiting times of an honest peer.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Waits {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// The processor time of the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Busy {
    /// Of one processor.
    pub(super) percent: f64,
}

/// Times `count` calls one after another.
pub(super) fn time(count: usize, mut call: impl FnMut() -> Result<()>) -> Result<Waits> {
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        call()?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    Ok(Waits { p50_ms: quantile(&times, 0.5), p99_ms: quantile(&times, 0.99) })
}
