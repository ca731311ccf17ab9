//! The messages of `chat send`: one text, or standard input in one of several forms. It reads no message that could not
//! be passed on.

mod decoder;
mod input;
mod reader;

use std::time::Duration;

use chat_client::{Settings, Text};
use tokio::time::{Instant, timeout_at};

use self::decoder::Decoder;
use self::reader::Records;
use crate::error::CliError;

pub(crate) use self::decoder::InputForm;
pub(crate) use self::input::{BadInput, InputMessage, Numbered};

/// How many messages wait to be sent: enough to keep a connection busy.
const WAITING: usize = 512;

/// How long to wait for a message that is being read, when nothing more will be sent. The content of a file or pipe has
/// arrived by then; a terminal is not waited for.
pub(crate) const LAST_RECORD: Duration = Duration::from_millis(250);

/// The messages to send.
pub(crate) enum MessageSource {
    One(Option<Text>),
    Input(Records, Decoder),
}

/// The messages that were read and not sent.
pub(crate) struct Rest {
    pub(crate) messages: Vec<Numbered>,
    /// Whether the input continues after them, as far as is known.
    pub(crate) goes_on: bool,
}

impl MessageSource {
    /// Returns the source: this text, or standard input without one or for `-`.
    ///
    /// # Errors
    /// If the text is not a message, or if standard input is needed for the token too.
    pub(crate) fn new(text: Option<&str>, form: InputForm, lossy: bool, settings: &Settings) -> Result<Self, CliError> {
        match text {
            Some("-") | None => {
                if settings.token_file.as_deref().is_some_and(|path| path.as_os_str() == "-") {
                    return Err(CliError::Usage(
                        "standard input cannot contain both the token (--token-file -) and the messages: pass -m TEXT"
                            .into(),
                    ));
                }
                Ok(Self::Input(Records::read(form.separator(), WAITING)?, Decoder::new(form, lossy)))
            }
            Some(_) if form != InputForm::Lines => {
                Err(CliError::Usage("--whole, --null and --json-input are for messages on standard input".into()))
            }
            Some(text) => Ok(Self::One(Some(Text::new(text)?))),
        }
    }

    /// Returns the next message with its number; `None` at the end. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<std::io::Result<Numbered>> {
        match self {
            Self::One(text) => text.take().map(|text| Ok((1, Ok(InputMessage { text, id: None })))),
            Self::Input(records, decoder) => loop {
                match records.read.recv().await? {
                    Ok((number, record)) => {
                        if let Some(message) = decoder.decode(number, &record) {
                            return Some(Ok((number, message)));
                        }
                    }
                    Err(error) => return Some(Err(error)),
                }
            },
        }
    }

    /// Stops reading, and returns the messages that were read and not passed on.
    pub(crate) async fn rest(self) -> Rest {
        match self {
            Self::One(text) => {
                let message = text.map(|text| (1, Ok(InputMessage { text, id: None })));
                Rest { messages: message.into_iter().collect(), goes_on: false }
            }
            Self::Input(Records { mut read, ended }, mut decoder) => {
                let (mut messages, until) = (Vec::new(), Instant::now() + LAST_RECORD);
                let mut decode = |(number, record): (u64, Vec<u8>)| Some((number, decoder.decode(number, &record)?));
                let mut count = 0;
                while let Ok(Some(record)) = timeout_at(until, read.recv()).await {
                    messages.extend(record.ok().and_then(&mut decode));
                    count += 1;
                    // A short input is read to its end, so that each line of it is reported; a long one only up to a
                    // limit.
                    if count == WAITING {
                        read.close();
                    }
                }
                read.close();
                while let Ok(record) = read.try_recv() {
                    messages.extend(record.ok().and_then(&mut decode));
                }
                let goes_on = !matches!(timeout_at(until, ended).await, Ok(Ok(true)));
                Rest { messages, goes_on }
            }
        }
    }
}
