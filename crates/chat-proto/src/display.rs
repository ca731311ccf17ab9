//! Makes what others wrote safe to show on a terminal: the one place where that is decided, for all programs. It does
//! not wrap, align or colour anything.
//!
//! What is removed stays visible: a control character becomes its picture (`␛`), an invisible or direction-changing
//! one its number (`<U+202E>`). Letters of right-to-left scripts, emoji sequences and a sane number of stacked marks
//! stay as they are.

mod classes;
mod clean;
mod look_alike;

pub use classes::{control_picture, is_mark, is_treacherous, push_visible, turns_text};
pub use clean::{MAX_MARKS, clean_for_terminal, clean_keeping_line_breaks};
pub use look_alike::{looks_like, skeleton};
