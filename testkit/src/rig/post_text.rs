//! Generates a unique text for each writer and message number, so that truncated and duplicated messages are detected.

use fastrand::Rng;

const WORDS: [&str; 16] = [
    "hello",
    "два",
    "слова",
    "ping?",
    "two\nlines",
    "a: b",
    "tab\tstop",
    "naïve",
    "日本語",
    "…",
    "ok",
    "{\"id\": 1}",
    "x",
    "🙂",
    "[14.01.23 17:07]",
    "end.",
];

/// Returns the post id of a message.
pub(crate) fn id(writer: usize, number: u64) -> String {
    format!("w{writer}-{number:06}")
}

/// Parses the message number from a post id of this writer.
pub(crate) fn number(writer: usize, id: &str) -> Option<u64> {
    let (of, number) = id.strip_prefix('w')?.split_once('-')?;
    (of.parse() == Ok(writer)).then(|| number.parse().ok()).flatten()
}

/// Returns the text of a message: its post id, then random words.
pub(crate) fn text(seed: u64, writer: usize, number: u64) -> String {
    let mut rng = Rng::with_seed(seed ^ ((writer as u64) << 40) ^ number);
    let mut text = id(writer, number);
    // Mostly short; one in 256 is longer than a packet.
    let words = if rng.u8(..) == 0 { rng.usize(100..400) } else { rng.usize(1..9) };
    for _ in 0..words {
        text.push(' ');
        text.push_str(WORDS[rng.usize(..WORDS.len())]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_and_texts_repeat() {
        for n in 0..2000 {
            assert_eq!(number(3, &id(3, n)), Some(n));
            assert_eq!(number(4, &id(3, n)), None);
            let first = text(7, 3, n);
            assert_eq!(first, text(7, 3, n));
            assert_eq!(chat_client::Text::new(&first).unwrap().as_str(), first);
        }
    }
}
