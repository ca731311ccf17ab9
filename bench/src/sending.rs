//! Sending one message from a shell, from exec to the end of the program: `chat send` compared with other programs. The
//! server is a stub that answers at once, so that only the client is measured.

mod program;
mod stub;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use self::program::{Program, ProgramFiles};
use self::stub::{MemoryCheck, Stub};
use crate::measure::{Contender, Sample, interleave};
use crate::report::{self, Column};
use crate::results::Results;
use crate::server_process::workspace_program;

/// Options of `chat-bench send`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Path of chat [default: in the directory of this program]
    #[arg(long, value_name = "PATH")]
    chat: Option<PathBuf>,
    /// Rounds of each program
    #[arg(long, default_value_t = 25)]
    rounds: usize,
    /// Write every round as a line of JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

const COLUMNS: [Column; 4] = [
    Column::new("ms from exec to the end", |sample: &Sample| sample.wall_s * 1e3).with_range().with_ratio(),
    Column::new("CPU ms", |sample: &Sample| sample.cpu_s * 1e3).with_ratio(),
    Column::new("stub CPU ms", |sample| sample.load_cpu_s * 1e3),
    Column::new("peak MiB", |sample| sample.peak_kib as f64 / 1024.0),
];

/// Measures and prints the table.
pub(crate) fn run(options: &Options) -> Result<()> {
    let files = ProgramFiles::new(workspace_program(options.chat.as_deref(), "chat")?)?;
    let stub = Stub::open()?;
    let contenders = Program::ALL.map(|program| {
        let (files, stub) = (&files, &stub);
        Contender::new(program.name(), move || round(program, files, stub))
    });
    let all = interleave(options.rounds, contenders.into());
    report::print("Sending one message, confirmed by a stub", &all, &COLUMNS);
    Results::open(options.json.as_deref())?.add("send", 0, &all)
}

/// Runs the program once to measure time, and once more to read its memory just before its message is confirmed: reading
/// it takes time, and is not possible after the program has ended.
fn round(program: Program, files: &ProgramFiles, stub: &Stub) -> Result<Sample> {
    let mut command = program.command(files, stub.port())?;
    if program.connects() {
        stub.serve(MemoryCheck::No);
    }
    let cpu = children_seconds()?;
    let begun = Instant::now();
    let status = command.spawn()?.wait()?;
    let wall_s = begun.elapsed().as_secs_f64();
    ensure!(status.success(), "the program ended with {status}");
    let mut sample = Sample { units: 1.0, wall_s, cpu_s: children_seconds()? - cpu, load_cpu_s: 0.0, peak_kib: 0 };
    if program.connects() {
        sample.load_cpu_s = stub.served()?.cpu_s;
        stub.serve(MemoryCheck::Yes);
        let mut child = command.spawn()?;
        stub.check_memory(child.id());
        ensure!(child.wait()?.success(), "the program failed while its memory was read");
        sample.peak_kib = stub.served()?.peak_kib;
    }
    Ok(sample)
}

/// Returns the CPU seconds of all children that were waited for, with a resolution of 1 µs.
fn children_seconds() -> Result<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}
