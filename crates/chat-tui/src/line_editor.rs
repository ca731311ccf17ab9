//! The line editor: several lines of text, edited by grapheme with the usual shell keys.

mod completion;
mod editor;
mod motion;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use editor::{Edit, LineEditor};
