//! Copies bytes between two streams in both directions and injects the faults of a [`FaultProfile`].

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

use crate::fault::{Direction, FaultKind, FaultProfile, LinkFault};

/// Time after which a half-open connection is closed, so that a long run does not collect thousands of them.
const HALF_OPEN_FOR: Duration = Duration::from_secs(5);

/// Number of reads that a delay or split lasts.
const STRETCH: u32 = 8;

/// Fault profile and fault counts shared by the connections of one proxy.
#[derive(Debug)]
pub(crate) struct Faults {
    profile: Mutex<FaultProfile>,
    counts: Mutex<BTreeMap<FaultKind, u64>>,
}

impl Faults {
    pub(crate) fn new(profile: FaultProfile) -> Self {
        Self { profile: Mutex::new(profile), counts: Mutex::default() }
    }

    /// Sets the profile of faults that are drawn from now on.
    pub(crate) fn set_profile(&self, profile: FaultProfile) {
        *lock(&self.profile) = profile;
    }

    /// Returns how often each kind has been injected.
    pub(crate) fn counts(&self) -> BTreeMap<FaultKind, u64> {
        lock(&self.counts).clone()
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LinkEnd {
    Closed,
    Reset,
}

/// Fault state shared by both directions of a connection. A fault that leaves the connection open is followed by the
/// next one.
pub(crate) struct Trigger<F> {
    faults: F,
    phase: Mutex<Phase>,
    /// The fault that ends the connection.
    fatal: watch::Sender<Option<FaultKind>>,
}

struct Phase {
    fault: LinkFault,
    rng: Rng,
    /// Bytes that passed in the fault's direction since it was drawn.
    carried: u64,
    fired: bool,
    /// Remaining reads that a lasting fault affects.
    left: u32,
}

/// Size of one read.
const READ_BYTES: usize = 16 * 1024;

/// What to do with the next bytes.
enum Step {
    Pass(usize),
    Late(Duration),
    Torn,
    Pause(Duration),
    Swallow,
    Hang,
}

impl<F: std::ops::Deref<Target = Faults>> Trigger<F> {
    pub(crate) fn new(faults: F, mut rng: Rng) -> Self {
        let fault = lock(&faults.profile).draw(&mut rng);
        let phase = Mutex::new(Phase { fault, rng, carried: 0, fired: false, left: STRETCH });
        Self { faults, phase, fatal: watch::Sender::new(None) }
    }

    /// Decides what happens to the next `count` bytes of one direction.
    fn step(&self, direction: Direction, count: usize) -> Step {
        let mut phase = lock(&self.phase);
        let Some(kind) = phase.fault.kind else { return Step::Pass(count) };
        let ours = phase.fault.direction == direction;
        if !phase.fired {
            if !ours {
                return Step::Pass(count);
            }
            let before = usize::try_from(phase.fault.after - phase.carried).unwrap_or(usize::MAX);
            phase.carried += count.min(before) as u64;
            if count < before {
                return Step::Pass(count);
            }
            phase.fired = true;
            *lock(&self.faults.counts).entry(kind).or_default() += 1;
            if matches!(kind, FaultKind::Cut | FaultKind::Reset | FaultKind::HalfOpen | FaultKind::OneWay) {
                self.fatal.send_replace(Some(kind));
            }
            if before > 0 {
                // Bytes before the fault are delivered; the rest of the read comes back here.
                return Step::Pass(before);
            }
        }
        match kind {
            FaultKind::Cut | FaultKind::Reset | FaultKind::HalfOpen => Step::Hang,
            FaultKind::OneWay if ours => Step::Swallow,
            FaultKind::Stall if ours => {
                let pause = phase.fault.pause;
                self.next(&mut phase);
                Step::Pause(pause)
            }
            FaultKind::Delay | FaultKind::Split => {
                let pause = phase.fault.pause / 8;
                phase.left -= 1;
                if phase.left == 0 {
                    self.next(&mut phase);
                }
                if kind == FaultKind::Split { Step::Torn } else { Step::Late(pause) }
            }
            FaultKind::OneWay | FaultKind::Stall => Step::Pass(count),
        }
    }

    fn next(&self, phase: &mut Phase) {
        phase.fault = lock(&self.faults.profile).draw(&mut phase.rng);
        (phase.carried, phase.fired, phase.left) = (0, false, STRETCH);
    }

    /// Resolves when a fault ends the connection. Pending while no fault does.
    pub(crate) async fn ends(&self) -> LinkEnd {
        let mut fatal = self.fatal.subscribe();
        let kind = fatal.wait_for(Option::is_some).await.ok().and_then(|kind| *kind);
        match kind {
            Some(FaultKind::Cut) => LinkEnd::Closed,
            Some(FaultKind::Reset) => LinkEnd::Reset,
            _ => {
                tokio::time::sleep(HALF_OPEN_FOR).await;
                LinkEnd::Closed
            }
        }
    }
}

/// Copies both directions until both have ended or a fault ends the connection. A clean end of one direction leaves
/// the other one open, as a half-closed stream does.
pub(crate) async fn carry_both<R1, W1, R2, W2, F>(
    up: &mut Pipe<'_, R1, W1, F>,
    down: &mut Pipe<'_, R2, W2, F>,
    trigger: &Trigger<F>,
) -> LinkEnd
where
    R1: AsyncRead + Unpin,
    W1: AsyncWrite + Unpin,
    R2: AsyncRead + Unpin,
    W2: AsyncWrite + Unpin,
    F: std::ops::Deref<Target = Faults>,
{
    tokio::select! {
        // Biased so that one seed gives one order: a connection whose directions have both ended ends by that, even if
        // a fault fires in the same poll. Both branches only run to the end of the connection, so dropping one is safe.
        biased;
        (up_end, down_end) = async { tokio::join!(up.run(), down.run()) } => {
            if up_end == LinkEnd::Reset || down_end == LinkEnd::Reset { LinkEnd::Reset } else { LinkEnd::Closed }
        }
        end = trigger.ends() => end,
    }
}

/// One direction of a connection.
pub(crate) struct Pipe<'a, R, W, F> {
    pub(crate) from: R,
    pub(crate) to: W,
    pub(crate) direction: Direction,
    pub(crate) trigger: &'a Trigger<F>,
    /// Delay of every read; zero over real sockets.
    pub(crate) latency: Duration,
}

impl<R, W, F> Pipe<'_, R, W, F>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    F: std::ops::Deref<Target = Faults>,
{
    pub(crate) async fn run(&mut self) -> LinkEnd {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = match self.from.read(&mut buffer).await {
                Ok(0) => {
                    let _ = self.to.shutdown().await;
                    return LinkEnd::Closed;
                }
                Ok(count) => count,
                Err(_) => return LinkEnd::Reset,
            };
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            if self.pass(&buffer[..count]).await.is_err() {
                return LinkEnd::Reset;
            }
        }
    }

    async fn pass(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.trigger.step(self.direction, bytes.len()) {
                Step::Pass(count) => {
                    self.to.write_all(&bytes[..count]).await?;
                    bytes = &bytes[count..];
                }
                Step::Late(pause) => {
                    tokio::time::sleep(pause).await;
                    return self.to.write_all(bytes).await;
                }
                Step::Torn => {
                    for piece in bytes.chunks(7) {
                        self.to.write_all(piece).await?;
                        tokio::task::yield_now().await;
                    }
                    return Ok(());
                }
                Step::Pause(pause) => tokio::time::sleep(pause).await,
                Step::Swallow => return Ok(()),
                Step::Hang => std::future::pending().await,
            }
        }
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
