//! The binary. Its code is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    chat_web::main()
}
