//! History files of any length, with one rare word near the oldest end.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;

/// Stands in the tenth line and nowhere else.
pub const RARE: &str = "quokka";

/// Writes a history of so many lines of some 60 bytes.
pub fn write_history(path: &Path, lines: usize) -> Result<()> {
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

/// How the last line of such a history ends.
pub fn last_line(lines: usize) -> String {
    format!("line {} of an ordinary day", lines - 1)
}
