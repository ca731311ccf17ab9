//! Makes what a peer wrote safe to show on a terminal, and decides which names can be taken for each other.
//!
//! This is the only place in the workspace that decides either: the server uses it for nicknames and log fields, the
//! clients for everything they print. It does not wrap, align or colour text.
//!
//! Removed characters stay visible: a control character becomes its picture (`␛`), an invisible or direction-changing
//! character its number (`<U+202E>`). Letters of right-to-left scripts, emoji sequences and a sane number of stacked
//! marks stay as they are.
//!
//! ```
//! use chat_proto::display::{clean_for_terminal, looks_like};
//!
//! assert_eq!(clean_for_terminal("\u{1b}[2Jhello\u{202e}"), "␛[2Jhello<U+202E>");
//! assert!(looks_like("Keen Bob", "Кееn Воb"));
//! ```

mod classes;
mod clean;
mod names;

pub use classes::{control_picture, is_mark, is_treacherous, push_visible, turns_text};
pub use clean::{MAX_MARKS, clean_for_terminal, clean_keeping_line_breaks};
pub use names::{is_invisible_in_names, looks_like, resembles_colon, skeletons};
