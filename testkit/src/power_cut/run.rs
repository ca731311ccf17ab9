//! One run, from the mount namespace to the table.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, Result};

use super::options::Options;
use super::room::Room;
use super::table::Table;
use super::without_sync;
use crate::programs::Programs;
use crate::volume::Volume;

/// The exit code on a machine that does not permit the test.
const NOT_POSSIBLE: u8 = 3;

/// Runs this program again in a mount namespace of its own, so that its disks end with it, whatever ends it. Returns
/// its exit code.
///
/// # Errors
/// The program could not be started.
pub fn in_namespace() -> Result<ExitCode> {
    let mut again = Command::new("unshare");
    again.args(["--mount", "--propagation", "private", "--"]).arg(std::env::current_exe()?);
    again.args(std::env::args_os().skip(1)).arg("--in-namespace");
    let status = match again.status() {
        Ok(status) => status,
        Err(error) => return Ok(not_possible(&error.into())),
    };
    // 1 is also the code of unshare itself when it may not make a namespace; it has said so.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Cuts the power as often as the options say, and prints the table.
///
/// # Errors
/// The rig itself cannot continue. A violation is not an error: it is printed and gives a failure exit code.
pub async fn run(options: Options) -> Result<ExitCode> {
    let temporary = tempfile::tempdir()?;
    let dir = options.dir.clone().unwrap_or_else(|| temporary.path().to_owned());
    if let Err(error) = try_cut(&dir, &options) {
        return Ok(not_possible(&error));
    }
    let mut programs = Programs::find(options.programs.as_deref(), &["chat-server", "chat"])?;
    if options.without_sync {
        programs.preload = Some(without_sync::build(&dir)?);
    }
    let mut table = Table { seed: options.seed, ..Table::default() };
    let began = Instant::now();
    while table.findings.total() == 0 && (table.cuts < options.cuts || table.confirmed < options.messages) {
        cut_one_store(&options, &programs, &dir, &mut table).await?;
        eprintln!("{:>6.0} s  {} cuts  {} messages", began.elapsed().as_secs_f64(), table.cuts, table.confirmed);
    }
    table.took = began.elapsed();
    print!("{table}");
    Ok(if table.findings.total() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn cut_one_store(options: &Options, programs: &Programs, dir: &Path, table: &mut Table) -> Result<()> {
    let dir: PathBuf = dir.join(format!("store-{}", table.stores));
    std::fs::create_dir_all(&dir)?;
    let mut room = Room::create(options, programs, &dir, options.seed.wrapping_add(table.stores)).await?;
    table.stores += 1;
    // The one after the registrations.
    table.cuts += 1;
    for _ in 1..options.cuts_per_store {
        room.cut().await.with_context(|| format!("after {} cuts", table.cuts))?;
        table.cuts += 1;
        if !room.is_intact() {
            break;
        }
    }
    table.confirmed += room.confirmed();
    table.findings.add(room.finish().await?);
    Ok(std::fs::remove_dir_all(dir)?)
}

/// Tries whether a disk can be mounted and cut here.
fn try_cut(dir: &Path, options: &Options) -> Result<()> {
    let dir = dir.join("trial");
    let volume = Volume::create(&dir, options.file_system, options.size)?;
    volume.cut()?;
    volume.restore_power()?;
    drop(volume);
    Ok(std::fs::remove_dir_all(dir)?)
}

fn not_possible(error: &anyhow::Error) -> ExitCode {
    eprintln!("power-cut: this machine does not permit the test: {error:#}");
    ExitCode::from(NOT_POSSIBLE)
}
