//! One program, one connection, so many lines: from the first byte until its file holds all of them.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Result, ensure};

use super::program::{Place, Program};
use super::source::Source;
use crate::measure::Sample;
use crate::thread_time::thread_seconds;

/// What is said in one round.
#[derive(Debug, Clone, Copy)]
pub struct Work {
    pub lines: u64,
    /// One line a packet at this rate; in bulk without one.
    pub per_second: Option<u32>,
}

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// A file that does not grow for so long does not grow any more.
const STUCK: Duration = Duration::from_secs(30);

pub fn run(program: Program, place: &Place, work: Work) -> Result<Sample> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("history.txt");
    let source = Source::open()?;
    let running = program.start(place, source.port()?, &file)?;
    let mut connected = source.accept()?;
    // The start of the program, and the second in which ours finds out that this is a plain server, are not what is
    // measured here.
    connected.say(1)?;
    grown(&file, program.written(1))?;

    let (begun, cpu, load_cpu) = (Instant::now(), running.cpu_seconds()?, thread_seconds());
    match work.per_second {
        Some(rate) => connected.say_live(work.lines, rate)?,
        None => connected.say(work.lines)?,
    }
    let load_cpu_s = thread_seconds() - load_cpu;
    grown(&file, program.written(work.lines + 1))?;
    let wall_s = begun.elapsed().as_secs_f64();
    let cpu_s = running.cpu_seconds()? - cpu;
    let peak_kib = running.peak_kib()?;
    drop(running);

    let lines = memchr::memchr_iter(b'\n', &fs::read(&file)?).count() as u64;
    ensure!(lines == work.lines + 1, "its file has {lines} lines and not {}", work.lines + 1);
    Ok(Sample { units: work.lines as f64, wall_s, cpu_s, load_cpu_s, peak_kib })
}

/// Waits until the file has this length.
fn grown(file: &Path, wanted: u64) -> Result<()> {
    let (mut length, mut since) = (0, Instant::now());
    while length < wanted {
        thread::sleep(LOOK);
        let now = fs::metadata(file).map_or(0, |metadata| metadata.len());
        if now != length {
            (length, since) = (now, Instant::now());
        }
        ensure!(since.elapsed() < STUCK, "it is stuck: its file has {length} of {wanted} bytes");
    }
    ensure!(length == wanted, "its file has {length} bytes and not {wanted}");
    Ok(())
}
