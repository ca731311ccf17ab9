//! A library that takes the syncs out of a program, to see the rig fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

const SOURCE: &str = "
int fsync(int descriptor) { (void)descriptor; return 0; }
int fdatasync(int descriptor) { (void)descriptor; return 0; }
";

/// Builds the library in `dir`.
pub(super) fn build(dir: &Path) -> Result<PathBuf> {
    let (source, library) = (dir.join("without-sync.c"), dir.join("without-sync.so"));
    std::fs::write(&source, SOURCE)?;
    let output = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output();
    let output = output.context("could not run cc")?;
    ensure!(output.status.success(), "cc: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(library)
}
