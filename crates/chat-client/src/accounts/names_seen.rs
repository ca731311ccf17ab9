//! Remembers the senders seen so far, to notice a name that looks like another one.

use std::collections::HashMap;
use std::sync::Arc;

use crate::display::skeletons;

/// How many names are remembered; beyond that, those silent for longest are forgotten. A busy room has some hundred
/// names, and 2048 of the longest take about 2 MiB.
const MAX_NAMES: usize = 2048;

/// The names seen so far, at most 2048 of them.
///
/// ```
/// use chat_client::NamesSeen;
///
/// let mut names = NamesSeen::new();
/// assert_eq!(names.meet("Keen Bob"), None);
/// // Cyrillic letters.
/// assert_eq!(names.meet("Кееn Воb").as_deref(), Some("Keen Bob"));
/// ```
#[derive(Debug, Default)]
pub struct NamesSeen {
    /// The user's own name. It is never forgotten, and a look-alike of it is always marked.
    own: Option<Arc<str>>,
    names: HashMap<Arc<str>, SeenName>,
    /// From the look-alike form of a name to the first name that had this form.
    looks: HashMap<String, Arc<str>>,
    now: u64,
}

#[derive(Debug)]
struct SeenName {
    last: u64,
    /// The earlier name that this one looks like.
    like: Option<Arc<str>>,
}

impl NamesSeen {
    /// Creates an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user's own name. The names seen before are forgotten, because they were compared without it.
    pub fn set_own(&mut self, name: &str) {
        let own: Arc<str> = name.into();
        *self = Self { own: Some(own.clone()), ..Self::default() };
        for look in skeletons(name) {
            self.looks.insert(look, own.clone());
        }
    }

    /// Records a name. Returns the different name that it can be mistaken for: the user's own, or one seen before.
    pub fn meet(&mut self, name: &str) -> Option<Arc<str>> {
        if self.own.as_deref() == Some(name) {
            return None;
        }
        self.now += 1;
        if let Some(seen) = self.names.get_mut(name) {
            seen.last = self.now;
            return seen.like.clone();
        }
        if self.names.len() >= MAX_NAMES {
            self.forget_the_silent();
        }
        let (name, looks): (Arc<str>, _) = (name.into(), skeletons(name));
        let like = looks.iter().find_map(|look| self.looks.get(look)).cloned();
        for look in looks {
            self.looks.entry(look).or_insert_with(|| name.clone());
        }
        if let Some(first) = like.as_ref().and_then(|like| self.names.get_mut(like)) {
            // Keep the first name as recent as its look-alike: without it the look-alike would no longer be marked.
            first.last = self.now;
        }
        self.names.insert(name, SeenName { last: self.now, like: like.clone() });
        like
    }

    /// Forgets half of the names at once, so that a flood of names costs little for each.
    fn forget_the_silent(&mut self) {
        let mut times: Vec<u64> = self.names.values().map(|seen| seen.last).collect();
        times.sort_unstable();
        let since = times[times.len() / 2];
        self.names.retain(|_, seen| seen.last > since);
        let (names, own) = (&self.names, &self.own);
        self.looks.retain(|_, name| names.contains_key(name) || own.as_ref() == Some(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_the_later_of_two_each_time() {
        let mut names = NamesSeen::new();
        assert_eq!(names.meet("Keen Bob"), None);
        assert_eq!(names.meet("Jolly Ann"), None);
        for _ in 0..2 {
            assert_eq!(names.meet("Kееn Воb").as_deref(), Some("Keen Bob"));
            assert_eq!(names.meet("KEEN BOB").as_deref(), Some("Keen Bob"));
            assert_eq!(names.meet("Keen Bob"), None);
        }
    }

    #[test]
    fn marks_a_look_alike_of_the_own_name() {
        let mut names = NamesSeen::new();
        assert_eq!(names.meet("Kееn Воb"), None);
        names.set_own("Keen Bob");
        assert_eq!(names.meet("Keen Bob"), None);
        assert_eq!(names.meet("Kееn Воb").as_deref(), Some("Keen Bob"));
    }

    #[test]
    fn a_flood_of_names_is_bounded() {
        let mut names = NamesSeen::new();
        names.set_own("Keen Bob");
        names.meet("Jolly Ann");
        for number in 0..5 * MAX_NAMES {
            names.meet(&format!("flood {number}"));
            if number % 100 == 0 {
                names.meet("Jolly Ann");
            }
            assert!(names.names.len() <= MAX_NAMES && names.looks.len() <= 2 * MAX_NAMES + 2);
        }
        assert_eq!(names.meet("Kееn Воb").as_deref(), Some("Keen Bob"));
        assert_eq!(names.meet("Jоlly Аnn").as_deref(), Some("Jolly Ann"));
    }
}
