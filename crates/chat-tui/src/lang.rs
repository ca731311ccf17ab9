//! The texts of the program, in English and Russian. If one language lacks a phrase, the program does not compile.

mod en;
mod format;
mod help;
mod language;
mod phrase;
mod ru;
mod russian;

pub(crate) use help::HelpLine;
pub(crate) use language::Lang;
pub(crate) use phrase::{GapLength, Phrase};
