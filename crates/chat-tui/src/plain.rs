//! Plain mode: the same application as lines, for screen readers and pipes. Messages are printed as lines, each input
//! line is a message or a command, and every state is reported in words.

mod commands;
mod entering;
mod input;
mod mode;
mod prompt;
mod report;
mod runner;
mod stdin;
#[cfg(test)]
mod tests;
mod typed_lines;
mod typing_mode;

pub(crate) use mode::{PlainMode, PlainOutcome};
pub(crate) use runner::run;
pub(crate) use typing_mode::restore as restore_typing_mode;
