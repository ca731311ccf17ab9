//! The line editor: several lines of text, edited by graphemes with the usual shell keys. It knows neither keys nor the
//! screen.

mod completion;
mod editor;
mod motion;
mod rows;
#[cfg(test)]
mod tests;

pub(crate) use editor::{Edit, LineEditor};
