//! Sending one message from a shell: from exec until the program has ended, confirmed, beside what else could have said
//! it. The server is a stub that answers at once, so that only the client is measured. Posting in bulk is in `posting`.

mod program;
mod stub;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use self::program::{Place, Program};
use self::stub::{Look, Stub};
use crate::measure::{Contender, Sample, interleave};
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::beside;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The program [default: chat beside this one]
    #[arg(long, value_name = "PATH")]
    chat: Option<PathBuf>,
    /// How often everybody is started
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// Keep every round here, as lines of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const COLUMNS: [Column; 4] = [
    Column::new("ms from exec to the end", |sample: &Sample| sample.wall_s * 1e3).with_range().with_ratio(),
    Column::new("CPU ms", |sample: &Sample| sample.cpu_s * 1e3).with_ratio(),
    Column::new("stub CPU ms", |sample| sample.load_cpu_s * 1e3),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

/// Measures all of them and prints the table.
pub fn run(options: &Options) -> Result<()> {
    let place = Place::new(beside(options.chat.as_deref(), "chat")?)?;
    let stub = Stub::open()?;
    let contenders = Program::ALL.map(|program| {
        let (place, stub) = (&place, &stub);
        Contender::new(program.name(), move || round(program, place, stub))
    });
    let all = interleave(options.rounds, contenders.into());
    report::print("Sending one message, confirmed by a stub", &all, &COLUMNS);
    Results::open(options.json.as_deref())?.add("send", 0, &all)
}

/// Starts it once by the clock, and once more, if it speaks to a server at all, to see its memory just before its message
/// is confirmed: to look takes time, and what has ended has no memory any more.
fn round(program: Program, place: &Place, stub: &Stub) -> Result<Sample> {
    let mut command = program.command(place, stub.port())?;
    if program.speaks() {
        stub.serve(Look::Away);
    }
    let cpu = children_seconds()?;
    let begun = Instant::now();
    let status = command.spawn()?.wait()?;
    let wall_s = begun.elapsed().as_secs_f64();
    ensure!(status.success(), "it ended with {status}");
    let mut sample = Sample { units: 1.0, wall_s, cpu_s: children_seconds()? - cpu, load_cpu_s: 0.0, peak_kib: 0 };
    if program.speaks() {
        sample.load_cpu_s = stub.served()?.cpu_s;
        stub.serve(Look::At);
        let mut child = command.spawn()?;
        stub.look_at(child.id());
        ensure!(child.wait()?.success(), "it failed while it was looked at");
        sample.peak_kib = stub.served()?.peak_kib;
    }
    Ok(sample)
}

/// Processor seconds, to the microsecond, of all children that have ended and were waited for.
fn children_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
