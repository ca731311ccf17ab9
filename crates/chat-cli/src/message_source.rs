//! The messages of `chat send`: one text, or the lines of standard input with their numbers. It reads no line that
//! could not be passed on.

use std::borrow::Cow;
use std::time::Duration;

use chat_client::{DeclineCode, Settings, Text, TextError};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::error::CliError;

/// How many lines wait to be sent: enough to keep a connection busy.
const WAITING: usize = 512;

/// How long to wait for a line that is being read, when nothing more will be sent. The content of a file or pipe has
/// arrived by then; a terminal is not waited for.
const LAST_LINE: Duration = Duration::from_millis(250);

/// A message and its line number, from 1; or why the line is not a message.
pub(crate) type Numbered = (u64, Result<Text, BadLine>);

/// Why a line of the input is not a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadLine {
    TooLong,
    NotUtf8,
    /// The input begins with the byte-order mark of UTF-16, so none of its lines can be read.
    Utf16,
}

impl BadLine {
    /// The name for scripts.
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::NotUtf8 | Self::Utf16 => "not_utf8",
        }
    }

    pub(crate) fn in_words(self) -> String {
        match self {
            Self::TooLong => {
                format!("{}; the limit is {} bytes", DeclineCode::TooLong, chat_client::MAX_TEXT_BYTES)
            }
            Self::NotUtf8 => "not UTF-8; convert it, for example with iconv, or use --lossy".to_owned(),
            Self::Utf16 => "the input is UTF-16; convert it, for example with `iconv -f UTF-16 -t UTF-8`".to_owned(),
        }
    }
}

/// The messages to send.
pub(crate) enum MessageSource {
    One(Option<Text>),
    Lines(Lines),
}

/// The lines of standard input.
pub(crate) struct Lines {
    read: mpsc::Receiver<std::io::Result<(u64, Vec<u8>)>>,
    decoder: Decoder,
    /// Whether the input had ended when reading stopped.
    ended: oneshot::Receiver<bool>,
}

/// The lines that were read and not sent.
pub(crate) struct Rest {
    pub(crate) lines: Vec<Numbered>,
    /// Whether the input continues after them, as far as is known.
    pub(crate) goes_on: bool,
}

impl MessageSource {
    /// Returns the source for `-m`: a text, or standard input.
    ///
    /// # Errors
    /// If the text is not a message, or if standard input is needed for the token too.
    pub(crate) fn from(message: Option<String>, lossy: bool, settings: &Settings) -> Result<Self, CliError> {
        match message.as_deref() {
            Some("-") | None => {
                if settings.token_file.as_deref().is_some_and(|path| path.as_os_str() == "-") {
                    return Err(CliError::Usage(
                        "standard input cannot contain both the token (--token-file -) and the messages: pass -m TEXT"
                            .into(),
                    ));
                }
                Ok(Self::Lines(Lines::read(lossy)?))
            }
            Some(text) => Ok(Self::One(Some(Text::new(text)?))),
        }
    }

    /// Returns the next message with its number; `None` at the end. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<std::io::Result<Numbered>> {
        match self {
            Self::One(text) => text.take().map(|text| Ok((1, Ok(text)))),
            Self::Lines(lines) => loop {
                match lines.read.recv().await? {
                    Ok(line) => {
                        if let Some(message) = lines.decoder.decode(line) {
                            return Some(Ok(message));
                        }
                    }
                    Err(error) => return Some(Err(error)),
                }
            },
        }
    }

    /// Stops reading, and returns the lines that were read and not passed on.
    pub(crate) async fn rest(self) -> Rest {
        match self {
            Self::One(text) => Rest { lines: text.map(|text| (1, Ok(text))).into_iter().collect(), goes_on: false },
            Self::Lines(Lines { mut read, mut decoder, ended }) => {
                let (mut lines, until) = (Vec::new(), Instant::now() + LAST_LINE);
                let mut count = 0;
                while let Ok(Some(line)) = timeout_at(until, read.recv()).await {
                    lines.extend(line.ok().and_then(|line| decoder.decode(line)));
                    count += 1;
                    // A short input is read to its end, so that each line of it is reported; a long one only up to a
                    // limit.
                    if count == WAITING {
                        read.close();
                    }
                }
                read.close();
                while let Ok(line) = read.try_recv() {
                    lines.extend(line.ok().and_then(|line| decoder.decode(line)));
                }
                let goes_on = !matches!(timeout_at(until, ended).await, Ok(Ok(true)));
                Rest { lines, goes_on }
            }
        }
    }
}

/// Turns lines into messages.
#[derive(Debug)]
struct Decoder {
    /// Replace what is not UTF-8 instead of refusing the line.
    lossy: bool,
    utf16: bool,
}

impl Decoder {
    /// Returns the message of a line; `None` where the line is blank.
    fn decode(&mut self, (number, line): (u64, Vec<u8>)) -> Option<Numbered> {
        let mut bytes = &line[..];
        if number == 1 {
            self.utf16 = bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff");
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        if self.utf16 {
            return Some((number, Err(BadLine::Utf16)));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            // Of a line that is much too long only the beginning was kept, perhaps up to the middle of a character.
            Err(_) if bytes.len() > chat_client::MAX_TEXT_BYTES => return Some((number, Err(BadLine::TooLong))),
            Err(_) if self.lossy => String::from_utf8_lossy(bytes),
            Err(_) => return Some((number, Err(BadLine::NotUtf8))),
        };
        match Text::new(&text) {
            Ok(text) => Some((number, Ok(text))),
            Err(TextError::Blank) => None,
            Err(_) => Some((number, Err(BadLine::TooLong))),
        }
    }
}

impl Lines {
    /// Reads standard input on a separate thread, because a read from a terminal or pipe cannot be cancelled.
    fn read(lossy: bool) -> Result<Self, CliError> {
        let (sender, read) = mpsc::channel(WAITING);
        let (end, ended) = oneshot::channel();
        let runtime = Handle::current();
        let work = move || {
            let mut input = std::io::stdin().lock();
            let mut number = 0;
            // Reserves the place before reading, so that no line is read that could not be passed on.
            while let Ok(place) = runtime.block_on(sender.reserve()) {
                let mut line = Vec::new();
                match read_line(&mut input, &mut line) {
                    Ok(false) => {
                        let _ = end.send(true);
                        return;
                    }
                    Ok(true) => {
                        number += 1;
                        place.send(Ok((number, line)));
                    }
                    Err(error) => return place.send(Err(error)),
                }
            }
            let _ = end.send(std::io::BufRead::fill_buf(&mut input).is_ok_and(<[u8]>::is_empty));
        };
        std::thread::Builder::new().name("input".into()).spawn(work).map_err(CliError::Runtime)?;
        Ok(Self { read, decoder: Decoder { lossy, utf16: false }, ended })
    }
}

/// Reads one line. Of an endless line only enough is kept to show that it is too long.
fn read_line(input: &mut impl std::io::BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    const KEEP: usize = 8 * chat_client::MAX_TEXT_BYTES;
    let mut any = false;
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let piece = &buffer[..end.unwrap_or(buffer.len())];
        line.extend_from_slice(&piece[..piece.len().min(KEEP.saturating_sub(line.len()))]);
        let used = piece.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}
