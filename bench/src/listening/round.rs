//! One round: a program, a connection and a number of lines, measured until the file contains all of them.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Result, ensure};

use super::program::{Program, ProgramFiles};
use super::source::Source;
use crate::measure::Sample;
use crate::thread_time::thread_seconds;

/// The lines of one round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lines {
    pub(crate) count: u64,
    /// One line per packet at this rate; as fast as possible without one.
    pub(crate) per_second: Option<u32>,
}

/// Time between two looks at the file.
const POLL: Duration = Duration::from_millis(1);
/// Time without growth of the file after which the round fails.
const STUCK: Duration = Duration::from_secs(30);

pub(crate) fn run(program: Program, files: &ProgramFiles, lines: Lines) -> Result<Sample> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("history.txt");
    let source = Source::open()?;
    let running = program.start(files, source.port()?, &file)?;
    let mut connected = source.accept()?;
    if program == Program::ChatNumbered {
        connected.number_lines()?;
    }
    // The first line is not measured: it includes the start of the program and the second in which ours detects a plain
    // server.
    connected.send(1)?;
    wait_for_length(&file, program.written(1))?;

    let (begun, cpu, load_cpu) = (Instant::now(), running.cpu_seconds()?, thread_seconds());
    match lines.per_second {
        Some(rate) => connected.send_at_rate(lines.count, rate)?,
        None => connected.send(lines.count)?,
    }
    let load_cpu_s = thread_seconds() - load_cpu;
    wait_for_length(&file, program.written(lines.count + 1))?;
    let wall_s = begun.elapsed().as_secs_f64();
    let cpu_s = running.cpu_seconds()? - cpu;
    let peak_kib = running.peak_kib()?;
    drop(running);

    let written = memchr::memchr_iter(b'\n', &fs::read(&file)?).count() as u64;
    ensure!(written == lines.count + 1, "the file has {written} lines, not {}", lines.count + 1);
    Ok(Sample { units: lines.count as f64, wall_s, cpu_s, load_cpu_s, peak_kib })
}

/// Waits until the file has this length.
fn wait_for_length(file: &Path, wanted: u64) -> Result<()> {
    let (mut length, mut since) = (0, Instant::now());
    while length < wanted {
        thread::sleep(POLL);
        let now = fs::metadata(file).map_or(0, |metadata| metadata.len());
        if now != length {
            (length, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < STUCK, "the file has not grown for 30 s: {length} of {wanted} bytes");
    }
    ensure!(length == wanted, "the file has {length} bytes, not {wanted}");
    Ok(())
}
