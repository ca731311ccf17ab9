//! What the rig's writers say: one text for each writer and number, so that whoever sees it knows
//! whether it is whole, and whether it was there before.

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

/// The name of a post.
pub(crate) fn id(writer: usize, number: u64) -> String {
    format!("w{writer}-{number:06}")
}

/// The number in a name of this writer's.
pub(crate) fn number(writer: usize, id: &str) -> Option<u64> {
    let (of, number) = id.strip_prefix('w')?.split_once('-')?;
    (of.parse() == Ok(writer)).then(|| number.parse().ok()).flatten()
}

/// The text of a post: its name, then words.
pub(crate) fn text(seed: u64, writer: usize, number: u64) -> String {
    let mut rng = Rng::with_seed(seed ^ ((writer as u64) << 40) ^ number);
    let mut text = id(writer, number);
    // Mostly short; now and then longer than a packet.
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
    fn names_read_back_and_texts_are_legal_and_repeatable() {
        for n in 0..2000 {
            assert_eq!(number(3, &id(3, n)), Some(n));
            assert_eq!(number(4, &id(3, n)), None);
            let said = text(7, 3, n);
            assert_eq!(said, text(7, 3, n));
            assert_eq!(chat_client::Text::new(&said).unwrap().as_str(), said);
        }
    }
}
