//! What is told of each message as it ends: a receipt with `--json`, and in the end one sentence about all that were not
//! confirmed.

use chat_client::{DeclineCode, MAX_TEXT_BYTES, Position, PostId};
use chat_frontend::Exit;

use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind};
use crate::ledger::{Ledger, PostOutcome};
use crate::message_source::Rest;
use crate::output;

/// The receipts of one run.
pub(crate) struct Receipts {
    json: bool,
    ledger: Ledger,
}

/// Where a message stands that has been handed in.
#[derive(Default)]
pub(crate) struct MessageRef<'a> {
    pub(crate) id: Option<&'a PostId>,
    pub(crate) position: Option<&'a Position>,
}

/// Why a message was refused or not sent.
pub(crate) enum Why<'a> {
    /// It is longer than any server takes, which was seen here.
    TooLong,
    /// The server said so.
    Declined(&'a DeclineCode),
}

impl Receipts {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, ledger: Ledger::default() }
    }

    /// One message has ended.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn record(
        &mut self,
        line: u64,
        outcome: PostOutcome,
        place: &MessageRef<'_>,
        why: Option<&Why<'_>>,
    ) -> Result<(), CliError> {
        self.ledger.note(line, outcome, &why.map(Why::words).unwrap_or_default());
        if !self.json {
            return Ok(());
        }
        let mut out = Vec::new();
        JsonObject::new(ObjectKind::Receipt {
            line,
            state: outcome.name(),
            id: place.id.map(PostId::as_str),
            seq: place.position.map(|position| position.seq),
            stream: place.position.map(|position| position.stream.as_str()),
            code: why.map(Why::code),
        })
        .write_to(&mut out);
        // A reader of receipts that has gone away does not unsend a message: go on.
        output::print(&out).map(|_| ())
    }

    /// A line that is no message.
    ///
    /// # Errors
    /// As [`Receipts::record`].
    pub(crate) fn too_long(&mut self, line: u64) -> Result<(), CliError> {
        self.record(line, PostOutcome::Refused, &MessageRef::default(), Some(&Why::TooLong))
    }

    /// Nothing more is sent: ends what was read and not handed in.
    ///
    /// # Errors
    /// As [`Receipts::record`].
    pub(crate) fn give_up(&mut self, rest: Rest) -> Result<(), CliError> {
        if rest.goes_on {
            self.ledger.cut();
        }
        for (line, text) in rest.lines {
            match text {
                Ok(_) => self.record(line, PostOutcome::NeverSent, &MessageRef::default(), None)?,
                Err(_) => self.too_long(line)?,
            }
        }
        Ok(())
    }

    /// The end of the run, with why it did not go on to its own end.
    pub(crate) fn end(self, why: Option<CliError>) -> Result<Exit, CliError> {
        match (why, self.ledger.shortfall()) {
            (None, None) => Ok(Exit::Done),
            (None, Some(shortfall)) => Err(shortfall.into()),
            (Some(why), Some(shortfall)) => Err(CliError::Cut { why: Box::new(why), shortfall }),
            (Some(why), None) => Err(why),
        }
    }
}

impl Why<'_> {
    fn code(&self) -> &str {
        match self {
            Self::TooLong => DeclineCode::TooLong.as_str(),
            Self::Declined(code) => code.as_str(),
        }
    }

    fn words(&self) -> String {
        match self {
            Self::TooLong => format!("{}; the limit is {MAX_TEXT_BYTES} bytes", DeclineCode::TooLong),
            Self::Declined(code) => code.to_string(),
        }
    }
}
