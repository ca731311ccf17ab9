//! chat-tui: registration and chat in a terminal, with a local room built in.
//!
//! ```text
//! keys, lines ─> message ─> app.update ─> effect ─> services ─> chat-client ─> the room
//!                  ^            │                       │
//!                  └── news ────┼───────────────────────┘
//!                               └─> view (full screen) or plain (lines)
//! ```
//! `app`, `timeline`, `line_editor`, `layout` and `view` use no sockets, no files and no clock; `services` does.
//!
//! Only `main`, the bench and the packaging use this library.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod app;
mod areas;
mod args;
mod bench_support;
mod drawing;
mod effect;
mod environment;
mod event;
mod external_editor;
mod file_identity;
mod fullscreen;
#[cfg_attr(not(unix), allow(dead_code, reason = "the console of Windows decodes keys itself"))]
mod key_decoder;
mod keymap;
mod keys;
mod lang;
mod layout;
mod line_editor;
mod link;
mod log_file;
mod manual;
mod names;
mod painter;
mod paths;
mod plain;
mod program;
mod services;
mod signals;
mod terminal;
mod theme;
mod timeline;
mod view;
mod width;
mod wrap;

#[doc(hidden)]
pub use args::command;
#[doc(hidden)]
pub use bench_support::Pages;
#[doc(hidden)]
pub use manual::MANUAL;
pub use program::main;
