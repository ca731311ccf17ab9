//! Makes text of a peer safe to show on a terminal, and decides which names look alike.
//!
//! No other module in the workspace decides either: the server uses this one for nicknames and log fields, the clients
//! for everything they print.
//!
//! Replaced characters stay visible: a control character becomes its picture (`␛`), an invisible or direction-changing
//! character its code point (`<U+202E>`). Letters of right-to-left scripts, emoji sequences and up to [`MAX_MARKS`]
//! stacked marks are kept.
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
