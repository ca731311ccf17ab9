//! One connection with its faults, over whatever streams: what it lets through, holds up, swallows or breaks. It
//! neither dials nor accepts.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fastrand::Rng;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

use crate::fault::{Direction, FaultKind, Plan, Profile};

/// How long a half-open connection is kept before it is forgotten, so that a long run does not collect thousands.
const HALF_OPEN_FOR: Duration = Duration::from_secs(5);

/// How many reads a slow or torn stretch lasts.
const STRETCH: u32 = 8;

/// What the connections of one place share: how faults are drawn, and how many there were.
#[derive(Debug)]
pub(crate) struct Faults {
    profile: Mutex<Profile>,
    counts: Mutex<BTreeMap<FaultKind, u64>>,
}

impl Faults {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile: Mutex::new(profile), counts: Mutex::default() }
    }

    /// What happens from now on.
    pub(crate) fn set_profile(&self, profile: Profile) {
        *lock(&self.profile) = profile;
    }

    /// How often each kind has happened so far.
    pub(crate) fn counts(&self) -> BTreeMap<FaultKind, u64> {
        lock(&self.counts).clone()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Reset,
}

/// What both directions of a connection know of its faults. One that breaks nothing is followed by
/// another.
pub(crate) struct Trigger<F> {
    faults: F,
    phase: Mutex<Phase>,
    /// The fault that the connection does not get over.
    fatal: watch::Sender<Option<FaultKind>>,
}

struct Phase {
    plan: Plan,
    rng: Rng,
    /// Bytes that went the plan's way since it was drawn.
    carried: u64,
    fired: bool,
    /// How often a fault that lasts still shows.
    left: u32,
}

/// How much is read at once.
const READ_BYTES: usize = 16 * 1024;

/// What becomes of the next bytes.
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
        let plan = lock(&faults.profile).draw(&mut rng);
        let phase = Mutex::new(Phase { plan, rng, carried: 0, fired: false, left: STRETCH });
        Self { faults, phase, fatal: watch::Sender::new(None) }
    }

    /// Decides about the next `count` bytes of one direction.
    fn step(&self, direction: Direction, count: usize) -> Step {
        let mut phase = lock(&self.phase);
        let Some(kind) = phase.plan.kind else { return Step::Pass(count) };
        let ours = phase.plan.direction == direction;
        if !phase.fired {
            if !ours {
                return Step::Pass(count);
            }
            let before = usize::try_from(phase.plan.after - phase.carried).unwrap_or(usize::MAX);
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
                // What comes before the fault still arrives.
                return Step::Pass(before);
            }
        }
        match kind {
            FaultKind::Cut | FaultKind::Reset | FaultKind::HalfOpen => Step::Hang,
            FaultKind::OneWay if ours => Step::Swallow,
            FaultKind::Stall if ours => {
                let pause = phase.plan.pause;
                self.next(&mut phase);
                Step::Pause(pause)
            }
            FaultKind::Delay | FaultKind::Split => {
                let pause = phase.plan.pause / 8;
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
        phase.plan = lock(&self.faults.profile).draw(&mut phase.rng);
        (phase.carried, phase.fired, phase.left) = (0, false, STRETCH);
    }

    /// Resolves when a fault ends the connection; never for the milder kinds.
    pub(crate) async fn ends(&self) -> End {
        let mut fatal = self.fatal.subscribe();
        let kind = fatal.wait_for(Option::is_some).await.ok().and_then(|kind| *kind);
        match kind {
            Some(FaultKind::Cut) => End::Closed,
            Some(FaultKind::Reset) => End::Reset,
            _ => {
                tokio::time::sleep(HALF_OPEN_FOR).await;
                End::Closed
            }
        }
    }
}

/// Carries both directions until they have ended or a fault has ended them. An orderly end of one leaves the other
/// one open, as a half-closed stream does.
pub(crate) async fn carry_both<R1, W1, R2, W2, F>(
    up: &mut Pipe<'_, R1, W1, F>,
    down: &mut Pipe<'_, R2, W2, F>,
    trigger: &Trigger<F>,
) -> End
where
    R1: AsyncRead + Unpin,
    W1: AsyncWrite + Unpin,
    R2: AsyncRead + Unpin,
    W2: AsyncWrite + Unpin,
    F: std::ops::Deref<Target = Faults>,
{
    tokio::select! {
        biased;
        (up_end, down_end) = async { tokio::join!(up.run(), down.run()) } => {
            if up_end == End::Reset || down_end == End::Reset { End::Reset } else { End::Closed }
        }
        end = trigger.ends() => end,
    }
}

/// One direction.
pub(crate) struct Pipe<'a, R, W, F> {
    pub(crate) from: R,
    pub(crate) to: W,
    pub(crate) direction: Direction,
    pub(crate) trigger: &'a Trigger<F>,
    /// How long everything takes; nothing over real sockets.
    pub(crate) latency: Duration,
}

impl<R, W, F> Pipe<'_, R, W, F>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
    F: std::ops::Deref<Target = Faults>,
{
    pub(crate) async fn run(&mut self) -> End {
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = match self.from.read(&mut buffer).await {
                Ok(0) => {
                    let _ = self.to.shutdown().await;
                    return End::Closed;
                }
                Ok(count) => count,
                Err(_) => return End::Reset,
            };
            if !self.latency.is_zero() {
                tokio::time::sleep(self.latency).await;
            }
            if self.pass(&buffer[..count]).await.is_err() {
                return End::Reset;
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
