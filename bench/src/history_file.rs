//! Generated history files with one rare word near the beginning.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;

/// The word in the tenth line and no other.
pub(crate) const RARE: &str = "quokka";

/// Writes a history with this number of lines of about 60 bytes.
pub(crate) fn write_history(path: &Path, lines: usize) -> Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..lines {
        let word = if number == 9 { RARE } else { "ordinary" };
        writeln!(file, "[14.01.23 17:07] Jolly Ann: line {number} of an {word} day")?;
    }
    Ok(file.flush()?)
}

/// Returns the end of the last line of such a history.
pub(crate) fn last_line(lines: usize) -> String {
    format!("line {} of an ordinary day", lines - 1)
}
