//! The binary. All code is in the library, so that the bench can use it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_tui::main()
}
