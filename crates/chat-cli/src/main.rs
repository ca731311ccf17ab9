//! The binary `chat`. Its code is in the library, where the packages get its manual pages from.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_cli::main()
}
