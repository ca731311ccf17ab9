//! What the program says, as typed phrases, in two languages. A phrase that one language lacks does
//! not compile.

mod en;
mod ru;

use chat_client::{NicknameError, TextError};
use jiff::civil::{Date, DateTime};

use crate::event::NoticeText;
use crate::link::{LinkError, LinkSide, LinkState};
use crate::timeline::{FailureReason, GapLine, OwnState};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lang {
    En,
    Ru,
}

/// Something to say.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Phrase<'a> {
    WindowTitle(&'a str),
    Starting,
    // registration
    RegistrationTitle,
    NicknameLabel,
    NicknamePlaceholder,
    Register,
    Registering,
    EnterChat,
    Again,
    YourNickname,
    YourToken,
    SavedIn(&'a str),
    NotSaved(&'a str),
    RegistrationKeys,
    RegisteredKeys,
    NicknameError(&'a NicknameError),
    TokenCopied,
    CannotSuspend,
    // accounts
    AccountsTitle,
    NewAccount,
    AccountsKeys,
    ReallyRemove(&'a str),
    NoAccounts,
    WrongTokenTitle,
    WrongToken,
    OtherAccount,
    Leave,
    ChoiceKeys,
    // chat
    Date(Date),
    Unread,
    /// Behind the name of somebody who can be taken for somebody else.
    LooksLike(&'a str),
    Gap(&'a GapLine),
    Own(&'a OwnState),
    Failure(&'a FailureReason),
    NewBelow(usize),
    ScrolledBack,
    TextError(&'a TextError),
    InputFull,
    NothingToComplete,
    NothingOnItsWay,
    OwnKeys,
    NotNow,
    UnknownCommand(&'a str),
    Exported(&'a str),
    NotExported(&'a str),
    EmptyRoom,
    // status
    Link {
        side: LinkSide,
        state: &'a LinkState,
        seconds: Option<i64>,
    },
    Cause(&'a LinkError),
    Waiting(usize),
    RetryKey,
    HelpKey,
    News(&'a NoticeText),
    // paste
    PasteTitle {
        lines: usize,
        bytes: usize,
    },
    MoreLines(usize),
    PasteAsOne,
    PasteAsMany(usize),
    PasteEdit,
    PasteCancel,
    TooManyMessages(usize),
    LineDoesNotFit {
        number: usize,
        error: &'a TextError,
    },
    // search
    SearchTitle,
    SearchPrompt,
    SearchState {
        hits: usize,
        percent: u8,
    },
    SearchKeys,
    // help
    HelpTitle,
    HelpKeys,
    // plain mode
    PlainAskNickname,
    PlainNoAccount,
    PlainRegistering(&'a str),
    PlainRegistered {
        nickname: &'a str,
        saved: &'a str,
    },
    PlainChooseAccount,
    PlainWhichAccount,
    PlainAccount {
        number: usize,
        nickname: &'a str,
    },
    PlainNoSuchAccount,
    PlainNotHere,
    PlainBack,
    PlainKept,
    PlainNotUtf8,
    PlainLineTooLong,
    PlainEntering(&'a str),
    PlainWrongToken,
    PlainOwn {
        text: &'a str,
        state: &'a OwnState,
    },
    PlainToken(&'a str),
    PlainNothingFound,
    PlainFound(usize),
    PlainHelp,
    PlainLeft(usize),
    PlainLost(usize),
    PlainGaveUp(u64),
    PlainStatus {
        listening: &'a str,
        writing: &'a str,
        waiting: usize,
    },
    PlainOwnUsage,
}

impl Lang {
    /// The language that a locale names, as in `ru_RU.UTF-8`; English for any that is not known.
    pub(crate) fn of_locale(locale: &str) -> Self {
        let language = locale.split(['_', '.', '-', '@']).next().unwrap_or("");
        if language.eq_ignore_ascii_case("ru") { Self::Ru } else { Self::En }
    }

    /// The language that the environment asks for, in the usual order of its variables.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set =
            ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
        set.map_or(Self::En, |locale| Self::of_locale(&locale))
    }

    /// The phrase in this language. Parts that peers wrote must be clean already.
    pub(crate) fn text(self, phrase: Phrase<'_>) -> String {
        match self {
            Self::En => en::text(phrase),
            Self::Ru => ru::text(phrase),
        }
    }

    /// The keys and the commands, each with what it does; a head line has no key.
    pub(crate) fn help(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::En => en::HELP,
            Self::Ru => ru::HELP,
        }
    }
}

/// A stretch of time in one line: the date only where it is needed.
fn span(since: DateTime, until: DateTime) -> String {
    let time = |at: DateTime| format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
    let day = |at: DateTime| format!("{:02}.{:02} ", at.day(), at.month());
    if since.date() == until.date() {
        format!("{} – {}", time(since), time(until))
    } else {
        format!("{}{} – {}{}", day(since), time(since), day(until), time(until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_the_first_variable_that_is_set() {
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
        let keys = |lang: Lang| lang.help().iter().map(|(key, _)| *key).collect::<Vec<_>>();
        assert_eq!(keys(Lang::En), keys(Lang::Ru));
    }

    #[test]
    fn russian_counts_as_russians_do() {
        let below = |n| Lang::Ru.text(Phrase::NewBelow(n));
        assert_eq!(below(1), "1 новое ниже");
        assert_eq!(below(3), "3 новых ниже");
        assert_eq!(Lang::Ru.text(Phrase::Waiting(21)), "21 сообщение ждёт");
        assert_eq!(Lang::Ru.text(Phrase::Waiting(12)), "12 сообщений ждут");
    }

    #[test]
    fn a_span_over_midnight_names_its_days() {
        let at = |day, hour| DateTime::constant(2023, 1, day, hour, 0, 0, 0);
        assert_eq!(span(at(14, 17), at(14, 18)), "17:00:00 – 18:00:00");
        assert_eq!(span(at(14, 23), at(15, 1)), "14.01 23:00:00 – 15.01 01:00:00");
    }
}
