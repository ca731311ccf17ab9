//! The adjectives that the server puts before nicknames. All are friendly, because users cannot choose theirs.

/// Capitalised, one word each.
pub(crate) const ADJECTIVES: [&str; 128] = [
    "Able", "Agile", "Alert", "Amber", "Amused", "Apt", "Artful", "Balmy", "Blithe", "Bold", "Brave", "Breezy",
    "Bright", "Brisk", "Bubbly", "Calm", "Candid", "Careful", "Caring", "Cheery", "Chipper", "Civil", "Clear",
    "Clever", "Cosy", "Crafty", "Crisp", "Curious", "Dapper", "Daring", "Dashing", "Deft", "Devoted", "Direct",
    "Dreamy", "Eager", "Earnest", "Easy", "Elated", "Exact", "Fair", "Famous", "Fancy", "Fearless", "Fleet", "Fluent",
    "Fond", "Frank", "Free", "Fresh", "Gallant", "Generous", "Gentle", "Genuine", "Glad", "Golden", "Graceful",
    "Grand", "Happy", "Hardy", "Hearty", "Helpful", "Honest", "Hopeful", "Humble", "Ideal", "Jaunty", "Jolly",
    "Jovial", "Joyful", "Just", "Keen", "Kind", "Lively", "Loyal", "Lucid", "Lucky", "Lunar", "Mellow", "Merry",
    "Mighty", "Mild", "Modest", "Neat", "Nimble", "Noble", "Open", "Patient", "Peaceful", "Playful", "Pleasant",
    "Polite", "Prompt", "Proud", "Quick", "Quiet", "Radiant", "Rapid", "Ready", "Robust", "Rosy", "Serene", "Sharp",
    "Shiny", "Silver", "Sincere", "Smart", "Smooth", "Snappy", "Solar", "Sound", "Spry", "Steady", "Stellar", "Sunny",
    "Sure", "Swift", "Tidy", "Tranquil", "Trusty", "Upbeat", "Valiant", "Vivid", "Warm", "Wise", "Witty", "Zany",
    "Zesty",
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn are_distinct_capitalised_words() {
        assert_eq!(ADJECTIVES.iter().collect::<HashSet<_>>().len(), ADJECTIVES.len());
        for word in ADJECTIVES {
            assert!(word.chars().all(char::is_alphabetic) && word.starts_with(char::is_uppercase), "{word}");
        }
    }
}
