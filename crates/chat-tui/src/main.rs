//! The binary. Its code is in the library, where the bench can reach it.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_tui::main()
}
