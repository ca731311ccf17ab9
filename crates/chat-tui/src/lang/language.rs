//! The language of the program.

use super::help::{self, HelpLine};
use super::phrase::Phrase;
use super::{en, ru};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Ru,
}

impl Lang {
    /// Returns the language of a locale such as `ru_RU.UTF-8`; English for any that is not supported.
    pub(crate) fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '-', '@']).next().unwrap_or("");
        if language.eq_ignore_ascii_case("ru") { Self::Ru } else { Self::En }
    }

    /// Returns the language that the environment requests, by the usual order of variables.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
        set.map_or(Self::En, |locale| Self::of_locale(&locale))
    }

    /// Returns the phrase in this language. Text of peers must already be clean.
    pub(crate) fn text(self, phrase: Phrase<'_>) -> String {
        match self {
            Self::En => en::text(phrase),
            Self::Ru => ru::text(phrase),
        }
    }

    /// Returns the two columns of the help; a heading has no key.
    pub(crate) fn help(self) -> [&'static [HelpLine]; 2] {
        match self {
            Self::En => help::EN,
            Self::Ru => help::RU,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_the_first_variable_that_is_set() {
        let of = |set: &[(&str, &str)]| {
            Lang::from_environment(|name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[("LANG", "ru_RU.UTF-8")]), Lang::Ru);
        assert_eq!(of(&[("LC_ALL", "C"), ("LANG", "ru_RU.UTF-8")]), Lang::En);
        assert_eq!(of(&[("LC_ALL", ""), ("LANG", "ru")]), Lang::Ru);
        assert_eq!(of(&[]), Lang::En);
    }

    #[test]
    fn both_languages_explain_the_same_keys() {
        let keys = |lang: Lang| lang.help().concat().iter().map(|(key, _)| *key).collect::<Vec<_>>();
        assert_eq!(keys(Lang::En), keys(Lang::Ru));
    }

    #[test]
    fn russian_plurals_are_correct() {
        let below = |n| Lang::Ru.text(Phrase::NewBelow(n));
        assert_eq!(below(1), "1 новое");
        assert_eq!(below(3), "3 новых");
        assert_eq!(Lang::Ru.text(Phrase::Waiting(21)), "21 сообщение ждёт");
        assert_eq!(Lang::Ru.text(Phrase::Waiting(12)), "12 сообщений ждут");
    }
}
