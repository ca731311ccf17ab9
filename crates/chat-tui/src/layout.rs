//! Lays out the entries of the conversation as rows of a given width. The height of an entry depends on itself, the one
//! before it, the clock and the width only.

mod choices;
mod conversation;
mod form;
mod help;
mod ink;
mod message;
#[cfg(test)]
mod tests;

pub(crate) use choices::choice_rows;
pub(crate) use conversation::{ConversationLayout, aside, time_of};
pub(crate) use help::HelpPage;
pub(crate) use ink::Ink;
