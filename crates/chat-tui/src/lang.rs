//! What the program says, in English and Russian. A phrase that one language lacks does not compile.

mod en;
mod format;
mod language;
mod phrase;
mod ru;

pub(crate) use language::Lang;
pub(crate) use phrase::Phrase;
