//! The binary; all of it is in the library beside it, where a bench can reach it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_tui::main()
}
