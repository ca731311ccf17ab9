//! Searches a history file in either direction. The caller defines a match: plain text or a regular expression.

use super::HistoryError;
use super::format::{HistoryLine, append_clean};
use super::read::History;

impl History {
    /// Returns the nearest line before `offset` with a match, or `None`.
    ///
    /// `finder` gets whole lines separated by line feeds, and returns the offset of its first match.
    /// `memmem::Finder::find` is one, and `regex::bytes::Regex` with `(?m)`; see [`needle`].
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn find_before(
        &self,
        offset: u64,
        finder: &mut dyn FnMut(&[u8]) -> Option<usize>,
    ) -> Result<Option<HistoryLine>, HistoryError> {
        let mut end = offset.min(self.len());
        while end > 0 {
            let block = self.block_before(end, Self::search_block())?;
            let mut found = None;
            let mut place = 0;
            while place < block.bytes.len()
                && let Some(at) = finder(&block.bytes[place..])
            {
                let (from, to) = line_around(&block.bytes, place + at);
                found = Some((from, to));
                place = to;
            }
            // Lossless: `usize` has at most 64 bits; so below.
            if let Some((from, to)) = found {
                return Ok(Some(HistoryLine::new(block.start + from as u64, block.bytes.slice(from..to))));
            }
            end = block.start;
        }
        Ok(None)
    }

    /// Returns the nearest line from the line start `offset` with a match, or `None`.
    ///
    /// # Errors
    /// [`HistoryError::Read`].
    pub fn find_after(
        &self,
        offset: u64,
        finder: &mut dyn FnMut(&[u8]) -> Option<usize>,
    ) -> Result<Option<HistoryLine>, HistoryError> {
        let mut start = offset;
        loop {
            let block = self.block_after(start, Self::search_block())?;
            if block.bytes.is_empty() {
                return Ok(None);
            }
            if let Some(at) = finder(&block.bytes) {
                let (from, to) = line_around(&block.bytes, at);
                return Ok(Some(HistoryLine::new(block.start + from as u64, block.bytes.slice(from..to))));
            }
            start = block.start + block.bytes.len() as u64;
        }
    }
}

/// Returns a finder for exactly this text, in the spelling of the history file.
pub fn needle(text: &str) -> impl FnMut(&[u8]) -> Option<usize> + Send + 'static {
    let mut spelled = Vec::new();
    append_clean(&mut spelled, text);
    let finder = memchr::memmem::Finder::new(&spelled).into_owned();
    move |block| finder.find(block)
}

/// Returns start and end (with its line feed) of the line that contains the byte `at`.
fn line_around(block: &[u8], at: usize) -> (usize, usize) {
    let at = at.min(block.len() - 1);
    let from = memchr::memrchr(b'\n', &block[..at]).map_or(0, |feed| feed + 1);
    let to = memchr::memchr(b'\n', &block[at..]).map_or(block.len(), |feed| at + feed + 1);
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_match_once_either_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("h");
        let content: String = (0..40_000)
            .map(|i| format!("[14.01.23 17:07] Vlad: line {i} {}\n", if i % 997 == 0 { "привет" } else { "-" }))
            .collect();
        std::fs::write(&path, &content).unwrap();
        let history = History::open(&path).unwrap();
        let expected: Vec<&str> = content.lines().filter(|line| line.contains("привет")).collect();
        let mut find = needle("привет");

        let (mut offset, mut down) = (0, Vec::new());
        while let Some(line) = history.find_after(offset, &mut find).unwrap() {
            offset = line.end();
            down.push(line);
        }
        assert_eq!(down.iter().map(HistoryLine::raw).collect::<Vec<_>>(), expected);

        let (mut offset, mut up) = (u64::MAX, Vec::new());
        while let Some(line) = history.find_before(offset, &mut find).unwrap() {
            offset = line.offset();
            up.push(line);
        }
        up.reverse();
        assert_eq!(up, down);
        assert_eq!(history.find_before(u64::MAX, &mut needle("nowhere")).unwrap(), None);
    }
}
