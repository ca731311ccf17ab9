//! What becomes of the nickname that somebody asks for: cleaned, measured, and reduced to its looks
//! so that two that look alike are found to be the same.

use chat_proto::Nickname;
use unicode_security::skeleton;

/// The name of the server's own announcements; nobody else has one that looks like it.
pub(crate) const SERVER_NAME: &str = "Server";

/// What a nameless account is called behind its adjective.
const NAMELESS: &str = "anonymous";

/// A nickname that cannot be had, whatever adjective stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("the nickname is longer than {limit} characters")]
    TooLong { limit: usize },
    #[error("the nickname is reserved")]
    Reserved,
    #[error("nothing of the nickname can be seen")]
    Invisible,
}

/// Cleans what was asked for. A blank one becomes `anonymous`.
///
/// Colons and what looks like one go, because `name: text` is how plain lines are read, by programs
/// and by people; so do characters that nobody sees, which would make two names of one.
pub(crate) fn clean(asked: &str, limit: usize) -> Result<String, Unusable> {
    if asked.trim().is_empty() {
        return Ok(NAMELESS.to_owned());
    }
    let visible: String = asked.chars().filter(|&c| !is_unseen(c) && !is_like_a_colon(c)).collect();
    let clean = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.chars().count() > limit {
        return Err(Unusable::TooLong { limit });
    }
    let Ok(name) = Nickname::new(&clean) else { return Err(Unusable::Invisible) };
    if looks(name.as_str()).is_empty() {
        return Err(Unusable::Invisible);
    }
    if looks(name.as_str()) == looks(SERVER_NAME) {
        return Err(Unusable::Reserved);
    }
    Ok(name.as_str().to_owned())
}

/// What a name looks like: equal for names that can be taken for each other (Unicode TR 39), without
/// regard to case and white space.
pub(crate) fn looks(name: &str) -> String {
    let once: String = skeleton(name).collect::<String>().to_lowercase();
    // A second time, because lower case letters have look-alikes of their own.
    skeleton(&once).filter(|c| !c.is_whitespace() && !is_unseen(*c)).collect()
}

fn is_like_a_colon(c: char) -> bool {
    skeleton(c.encode_utf8(&mut [0; 4])).any(|like| like == ':')
}

/// Characters that take no room or change the direction of others.
fn is_unseen(c: char) -> bool {
    c.is_control() && !c.is_whitespace()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
            // Joiners and fillers of scripts whose fonts hardly anybody has: nothing is drawn for them.
            | '\u{2d7f}' | '\u{1107f}' | '\u{13430}'..='\u{1345f}' | '\u{16fe4}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_and_colons_are_removed() {
        assert_eq!(clean("  B\u{200b}o:b\u{1b} \t x ", 40), Ok("Bob x".to_owned()));
        assert_eq!(clean(" ", 40), Ok("anonymous".to_owned()));
        assert_eq!(clean("Bob\u{a789} \u{ff1a}\u{2236} i am", 40), Ok("Bob i am".to_owned()));
        for filler in ['\u{16fe4}', '\u{2d7f}', '\u{13430}', '\u{1107f}', '\u{1bca0}', '\u{fe0f}', '\u{180b}'] {
            assert_eq!(clean(&format!("Bo{filler}b"), 40), Ok("Bob".to_owned()), "{filler:?}");
        }
        for invisible in [":", "\u{200b}", "\u{202e}:"] {
            assert_eq!(clean(invisible, 40), Err(Unusable::Invisible), "{invisible:?}");
        }
    }

    #[test]
    fn the_limit_counts_characters() {
        assert!(clean(&"Ж".repeat(40), 40).is_ok());
        assert_eq!(clean(&"Ж".repeat(41), 40), Err(Unusable::TooLong { limit: 40 }));
    }

    #[test]
    fn the_server_s_name_and_its_look_alikes_are_reserved() {
        for name in ["Server", "SERVER", "Sеrvеr", "s e r v e r", "Ser\u{200b}ver"] {
            assert_eq!(clean(name, 40), Err(Unusable::Reserved), "{name:?}");
        }
        assert!(clean("Serverin", 40).is_ok());
    }

    #[test]
    fn names_that_look_alike_look_the_same() {
        for (one, other) in [("Keen Bob", "Keen Воb"), ("Keen Bob", "KEEN  BOB"), ("paypal", "pаypаl"), ("Il", "lI")]
        {
            assert_eq!(looks(one), looks(other), "{one} {other}");
        }
        assert_ne!(looks("Bob"), looks("Rob"));
    }

    proptest! {
        #[test]
        fn a_clean_name_is_one_nickname_without_a_colon(asked in any::<String>()) {
            if let Ok(name) = clean(&asked, 40) {
                let nickname = Nickname::new(&name).unwrap();
                prop_assert_eq!(nickname.as_str(), &name);
                prop_assert!(!name.contains(':'));
                prop_assert_eq!(clean(&name, 40), Ok(name));
            }
        }
    }
}
