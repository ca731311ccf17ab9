//! A peer: a simple Rust listener with tokio-util's `LinesCodec` and a `String` per line. It runs as a process of this
//! executable.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;
use futures_util::StreamExt as _;
use jiff::Zoned;
use tokio::net::TcpStream;
use tokio_util::codec::{FramedRead, LinesCodec};

/// Listens until the server closes the connection. Writes every line at once or, if `buffered`, when all lines of one
/// read are processed.
pub(crate) fn listen(port: u16, file: &Path, buffered: bool) -> Result<()> {
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
