//! `chat send`: posts one message, or those on standard input, and reports the result of each.

mod dry_run;

use std::time::Duration;

use chat_client::{
    Delivery, DeliveryError, Position, PostId, SendOptions, Settings, Side, StreamId, Writer, fresh_post_id,
};
use chat_frontend::Exit;
use futures_util::stream::{FuturesOrdered, StreamExt as _};
use tokio::time::{Instant, sleep_until};

use crate::account_choice;
use crate::args::{CommonArgs, Confirm, SendArgs};
use crate::connection::{self, LastError, PortKind, StateReporter};
use crate::echo::{EchoListener, Echoes};
use crate::error::CliError;
use crate::ledger::PostOutcome;
use crate::message_source::{InputForm, InputMessage, LAST_RECORD, MessageSource};
use crate::receipts::{MessageRef, Receipts, Why};
use crate::room_key::LogNotes;
use crate::runtime;
use crate::signals::{Interrupt, OnHangup};

/// How long to try to connect by default.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long unanswered messages may still be confirmed after a signal. `timeout -k 1` kills the program 1 s after the
/// signal, and the receipts must be written by then.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

const _: () = assert!(
    CLOSE_TIMEOUT.as_millis() + LAST_RECORD.as_millis() <= 800,
    "the rest of the second is for writing the receipts"
);

/// How many messages may be unanswered: enough to keep a connection busy, few to be in doubt if it breaks.
const MAX_IN_FLIGHT: usize = 512;

pub(super) fn run(args: SendArgs, common: &CommonArgs) -> Result<Exit, CliError> {
    if let [first, ..] = &args.words[..] {
        return Err(CliError::Usage(format!("unexpected argument {first:?}; quote a text of several words").into()));
    }
    let interrupt = Interrupt::watch(OnHangup::End).map_err(CliError::Runtime)?;
    let mut layer = connection::layer(&args.connect, PortKind::Write);
    connection::add_identity(&mut layer, &args.identity)?;
    let settings = connection::settings(layer, common)?;
    if args.dry_run {
        return runtime::block_on(async {
            dry_run::run(messages(&args, &settings)?, &args, &settings, common.json).await
        });
    }
    runtime::block_on(send(&args, common, &settings, &interrupt))
}

/// Returns the messages that the options describe.
fn messages(args: &SendArgs, settings: &Settings) -> Result<MessageSource, CliError> {
    let form = match (args.whole, args.null, args.json_input) {
        (true, ..) => InputForm::Whole,
        (_, true, _) => InputForm::Null,
        (.., true) => InputForm::Json,
        _ => InputForm::Lines,
    };
    let text = args.message.as_deref().or(args.text.as_deref());
    MessageSource::new(text, form, args.lossy, settings)
}

async fn send(
    args: &SendArgs,
    common: &CommonArgs,
    settings: &Settings,
    interrupt: &Interrupt,
) -> Result<Exit, CliError> {
    let input = messages(args, settings)?;
    let deadline = args.timeout.map(|limit| Instant::now() + limit);
    let ports: &[Side] = if args.confirm == Confirm::Echo { &[Side::Write, Side::Listen] } else { &[Side::Write] };
    let config = connection::client_config(settings, &args.connect, ports, Some(CONNECT_TIMEOUT))?;
    connection::warn_of_exposure(&config);
    let what = config.addresses_text(Side::Write);
    let last_error = LastError::default();
    let start = async {
        let token = account_choice::known_or_new(settings, &config, !args.no_register, &last_error).await?;
        // Online before the first post, whose echo could be missed otherwise.
        let listener = match args.confirm {
            Confirm::Echo => Some(EchoListener::start(config.clone()).await?),
            Confirm::Written | Confirm::Ack => None,
        };
        let writer = Writer::builder(config.clone()).token(token).start();
        let echoes = listener.map(|listener| listener.follow(writer.clone()));
        Ok::<_, CliError>((writer, echoes))
    };
    let mut receipts = Receipts::new(common.json);
    // Dropping `start` loses no message: none has been read from the input yet.
    let started = tokio::select! {
        started = start => started,
        () = interrupt.wait() => Err(CliError::Interrupted),
        () = at(deadline) => Err(CliError::NoConnectionInTime { what: what.clone(), error: last_error.last() }),
    };
    let (writer, echoes) = match started {
        Ok(started) => started,
        Err(why) if why.exit() == Exit::Usage => return Err(why),
        Err(why) => {
            receipts.give_up(input.rest().await)?;
            return receipts.end(Some(why));
        }
    };
    let run = SendRun {
        confirm: args.confirm,
        json: common.json,
        what,
        writer,
        echoes,
        receipts,
        deadline,
        notes: LogNotes::new(settings, &config),
        log: None,
    };
    run.send_all(input, interrupt).await
}

/// One run, from the first message to the report.
struct SendRun {
    confirm: Confirm,
    json: bool,
    what: String,
    writer: Writer,
    echoes: Option<Echoes>,
    receipts: Receipts,
    deadline: Option<Instant>,
    notes: LogNotes,
    /// The log of the newest confirmed message.
    log: Option<StreamId>,
}

/// A message with its final state.
struct Sent {
    line: u64,
    id: PostId,
    end: Result<Confirmed, DeliveryError>,
}

/// The extent of a confirmation.
struct Confirmed {
    position: Option<Position>,
    /// Whether `--confirm` is satisfied; `false` if an echo was required and did not arrive.
    enough: bool,
}

impl SendRun {
    async fn send_all(mut self, mut input: MessageSource, interrupt: &Interrupt) -> Result<Exit, CliError> {
        let states = self.writer.state();
        let mut reporter = StateReporter::new(PortKind::Write, states.clone(), self.json).with_hold(self.writer.hold());
        let mut under_way = FuturesOrdered::new();
        let mut stop = None;
        let mut more = true;
        while stop.is_none() && (more || !under_way.is_empty()) {
            // A fixed order: a signal or the deadline comes first, and results come before new messages. All branches
            // are cancel-safe, and sending runs in the arm, so it is never dropped half-way.
            let told = tokio::select! {
                biased;
                () = interrupt.wait() => Err(CliError::Interrupted),
                () = at(self.deadline) => Err(self.out_of_time(&reporter)),
                () = reporter.next() => Ok(()),
                Some(sent) = under_way.next() => self.ended(sent),
                next = input.next(), if more && under_way.len() < MAX_IN_FLIGHT => match next {
                    Some(Ok((line, Ok(message)))) => match self.post(line, message).await {
                        Some(sent) => {
                            under_way.push_back(sent);
                            Ok(())
                        }
                        None => {
                            // The service has closed: no later message can be sent either.
                            more = false;
                            self.receipts.record(line, PostOutcome::NeverSent, &MessageRef::default(), None)
                        }
                    },
                    Some(Ok((line, Err(problem)))) => self.receipts.bad_input(line, problem),
                    Some(Err(error)) => Err(CliError::Input(error)),
                    None => {
                        more = false;
                        Ok(())
                    }
                },
            };
            stop = told.err();
        }
        let moment = match stop {
            None => Duration::from_secs(1),
            Some(CliError::OutOfTime | CliError::NoConnectionInTime { .. }) => Duration::ZERO,
            Some(_) => CLOSE_TIMEOUT,
        };
        let closing = self.writer.clone().close(moment);
        tokio::pin!(closing);
        let (mut closed, mut hurried) = (false, false);
        while !under_way.is_empty() {
            // `closing` is polled by reference and continues; the results stay in the queue.
            tokio::select! {
                // A later signal does not wait for confirmations; what is known is still reported.
                () = interrupt.again(), if !hurried => {
                    hurried = true;
                    self.echoes = None;
                    self.writer.end_now();
                }
                Some(sent) = under_way.next() => stop = self.ended(sent).err().or(stop),
                _ = &mut closing, if !closed => {
                    closed = true;
                    // Echoes that have not arrived by now are not waited for.
                    self.echoes = None;
                }
            }
        }
        if !closed {
            closing.await;
        }
        if let Some(log) = self.log.take().filter(|_| !hurried) {
            self.notes.note(&log).await;
        }
        stop = self.receipts.give_up(input.rest().await).err().or(stop);
        // The reason of the closed service is more precise than the timeout.
        self.receipts.end(connection::closed(&states, self.what).or(stop))
    }

    /// Returns the error of a timeout: of the messages, or of the connection if there was none yet.
    fn out_of_time(&self, reporter: &StateReporter) -> CliError {
        if self.writer.state().borrow().is_online() {
            return CliError::OutOfTime;
        }
        CliError::NoConnectionInTime { what: self.what.clone(), error: reporter.last_error().last() }
    }

    /// Queues a message, and returns its final state when it is known; `None` if the writer has closed.
    async fn post(&self, line: u64, message: InputMessage) -> Option<impl Future<Output = Sent> + use<>> {
        let InputMessage { text, id } = message;
        let id = id.unwrap_or_else(fresh_post_id);
        if let Some(echoes) = &self.echoes {
            echoes.sent(id.clone(), text.clone());
        }
        match self.writer.send_with(text, SendOptions::with_id(id.clone())).await {
            Ok(delivery) => Some(self.delivered(delivery, line)),
            Err(_) => {
                if let Some(echoes) = &self.echoes {
                    echoes.wait().failed(id);
                }
                None
            }
        }
    }

    /// Waits for the final state of one message, as far as `--confirm` requires.
    fn delivered(&self, delivery: Delivery, line: u64) -> impl Future<Output = Sent> + use<> {
        let confirm = self.confirm;
        let echo = self.echoes.as_ref().map(Echoes::wait);
        async move {
            let id = delivery.id().clone();
            let written = delivery.written();
            tokio::pin!(written, delivery);
            // The final state comes first: with both ready, a refusal must not count as written.
            let end = tokio::select! {
                biased;
                end = &mut delivery => end.map(Some),
                true = &mut written, if confirm == Confirm::Written => Ok(None),
            };
            let end = match (end, echo) {
                (Ok(receipt), echo) => {
                    let position = receipt.as_ref().and_then(|receipt| receipt.position.clone());
                    let enough = match (echo, receipt) {
                        (Some(echo), Some(receipt)) => echo.of(receipt).await,
                        _ => true,
                    };
                    Ok(Confirmed { position, enough })
                }
                (Err(error), Some(echo)) => {
                    echo.failed(id.clone());
                    Err(error)
                }
                (Err(error), None) => Err(error),
            };
            Sent { line, id, end }
        }
    }

    fn ended(&mut self, sent: Sent) -> Result<(), CliError> {
        let Sent { line, id, end } = sent;
        let (outcome, position, why) = match &end {
            Ok(Confirmed { position, enough: true }) => (PostOutcome::Confirmed, position.as_ref(), None),
            Ok(Confirmed { position, enough: false }) => (PostOutcome::Unconfirmed, position.as_ref(), None),
            Err(DeliveryError::Refused { code, reason, .. }) => {
                (PostOutcome::Refused, None, Some(Why::Declined(code, reason.as_ref())))
            }
            Err(DeliveryError::Unconfirmed { .. }) => (PostOutcome::Unconfirmed, None, None),
            Err(DeliveryError::NeverSent { put_off, .. }) => {
                (PostOutcome::NeverSent, None, put_off.as_ref().map(|code| Why::Declined(code, None)))
            }
            Err(_) => (PostOutcome::NeverSent, None, None),
        };
        if let Some(position) = position.filter(|position| self.log.as_ref() != Some(&position.stream)) {
            self.log = Some(position.stream.clone());
        }
        self.receipts.record(line, outcome, &MessageRef { id: Some(&id), position }, why.as_ref())
    }
}

/// Resolves at `instant`, or never.
async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
