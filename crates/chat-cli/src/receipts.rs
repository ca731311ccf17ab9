//! The results of messages: a receipt for each with `--json`, and at the end one sentence about all that were not
//! confirmed.

use chat_client::{DeclineCode, Position, PostId, Text};
use chat_frontend::Exit;

use crate::error::CliError;
use crate::json::{JsonObject, ObjectKind};
use crate::ledger::{Ledger, PostOutcome};
use crate::message_source::{BadInput, Rest};
use crate::output;

/// The receipts of one run.
pub(crate) struct Receipts {
    json: bool,
    ledger: Ledger,
}

/// A message that has been passed on, with its position in the input.
#[derive(Default)]
pub(crate) struct MessageRef<'a> {
    pub(crate) id: Option<&'a PostId>,
    pub(crate) position: Option<&'a Position>,
}

/// The reason why a message was refused or not sent.
pub(crate) enum Why<'a> {
    /// It cannot be a message, as checked locally.
    BadInput(BadInput),
    /// The server declined it, with the words of an operator or without.
    Declined(&'a DeclineCode, Option<&'a Text>),
    /// Nothing is sent in a dry run.
    DryRun,
}

impl Receipts {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, ledger: Ledger::default() }
    }

    /// Records the final state of one message.
    ///
    /// # Errors
    /// If standard output cannot be written.
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
            reason: why.and_then(Why::reason),
        })
        .write_to(&mut out);
        // A closed reader of receipts does not unsend a message, so continue.
        output::print(&out).map(|_| ())
    }

    /// Records a part of the input that cannot be a message.
    ///
    /// # Errors
    /// As [`Receipts::record`].
    pub(crate) fn bad_input(&mut self, line: u64, problem: BadInput) -> Result<(), CliError> {
        self.record(line, PostOutcome::Refused, &MessageRef::default(), Some(&Why::BadInput(problem)))
    }

    /// Records that nothing more is sent: ends the lines that were read and not passed on.
    ///
    /// # Errors
    /// As [`Receipts::record`].
    pub(crate) fn give_up(&mut self, rest: Rest) -> Result<(), CliError> {
        if rest.goes_on {
            self.ledger.cut();
        }
        for (line, message) in rest.messages {
            match message {
                Ok(_) => self.record(line, PostOutcome::NeverSent, &MessageRef::default(), None)?,
                Err(problem) => self.bad_input(line, problem)?,
            }
        }
        Ok(())
    }

    /// Ends a dry run, in which nothing was sent. Returns how many messages would be, if all of the input is messages.
    ///
    /// # Errors
    /// A part of the input is not a message.
    pub(crate) fn end_dry_run(self) -> Result<u64, CliError> {
        match self.ledger.shortfall() {
            Some(shortfall) if self.ledger.count(PostOutcome::Refused) > 0 => Err(shortfall.into()),
            _ => Ok(self.ledger.count(PostOutcome::NeverSent)),
        }
    }

    /// Ends the run; `why` is the error if it did not complete.
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
            Self::BadInput(problem) => problem.code(),
            Self::Declined(code, _) => code.as_str(),
            Self::DryRun => "dry_run",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Declined(_, reason) => reason.map(Text::as_str),
            Self::BadInput(_) | Self::DryRun => None,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::BadInput(problem) => problem.in_words(),
            Self::Declined(code, None) => code.to_string(),
            Self::Declined(code, Some(reason)) => format!("{code}: {}", reason.flattened()),
            Self::DryRun => "dry run".to_owned(),
        }
    }
}
