//! A peer: a listener as a first Rust program has it, with tokio-util's `LinesCodec` and a `String` for each line; a
//! process of this same program.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use futures_util::StreamExt as _;
use jiff::Zoned;
use tokio::net::TcpStream;
use tokio_util::codec::{FramedRead, LinesCodec};

/// Listens until the server hangs up. Buffered, it writes when it has used up what one read brought, else each line.
pub fn listen(port: u16, file: &Path, buffered: bool) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        let mut lines = FramedRead::new(stream, LinesCodec::new_with_max_length(64 * 1024));
        let mut history = BufWriter::new(File::create(file)?);
        while let Some(line) = lines.next().await {
            let stamp = Zoned::now().strftime("[%d.%m.%y %H:%M]").to_string();
            writeln!(history, "{stamp} {}", line?)?;
            if !buffered || lines.read_buffer().is_empty() {
                history.flush()?;
            }
        }
        Ok(())
    })
}
